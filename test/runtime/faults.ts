/** What can happen to a process between it and its ports. */
import type { Intercept, PortCall } from "../../src/adapters/memory/intercept.ts";
import { StoreUnavailableError } from "../../src/domain/errors.ts";

export interface Fault {
  readonly intercept: Intercept;
  /** What was called so far, long polls left out. */
  readonly calls: PortCall[];
  /** Whether the fault has happened. */
  happened(): boolean;
}

const isCounted = (call: PortCall): boolean => call.method !== "receive";
export const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

export function nameOf(call: PortCall): string {
  const [first] = call.args;
  const sort = typeof first === "object" && first !== null && "sort" in first ? ` ${String(first.sort)}` : "";
  return `${call.port}.${call.method}${sort}`;
}

/** The record that a call would write; of any other call, one without a name. */
export function draftOf(call: PortCall): { partition: string; sort: string; body: Readonly<Record<string, unknown>> } {
  const record: unknown = call.method === "write" ? call.args[0] : null;
  if (typeof record !== "object" || record === null) return { partition: "", sort: "", body: {} };
  const body: unknown = Reflect.get(record, "body");
  return {
    partition: String(Reflect.get(record, "partition")),
    sort: String(Reflect.get(record, "sort")),
    body: typeof body === "object" && body !== null ? { ...body } : {},
  };
}

/** Nothing happens; calls are counted. */
export function watched(): Fault {
  return at(-1, async (run) => run());
}

/** From call `n` on nothing is answered and nothing has an effect, as for a process that died in it. */
export function crashAt(n: number, when: "before" | "after", onCrash: () => void): Fault {
  let dead = false;
  const fault = at(n, async (run) => {
    dead = true;
    if (when === "after") await run();
    onCrash();
    return never();
  });
  return { ...fault, intercept: (call, run) => (dead ? never() : fault.intercept(call, run)) };
}

/** Call `n` fails as if the store could not be reached, once; with "after" it had its effect. */
export function failAt(n: number, when: "before" | "after"): Fault {
  return at(n, async (run) => {
    if (when === "after") await run();
    throw new StoreUnavailableError("pretended", new Error("no answer"));
  });
}

function at(n: number, act: <T>(run: () => Promise<T>) => Promise<T>): Fault {
  const calls: PortCall[] = [];
  return {
    calls,
    happened: () => n >= 0 && calls.length > n,
    intercept: (call, run) => {
      if (!isCounted(call)) return run();
      calls.push(call);
      return calls.length - 1 === n ? act(run) : run();
    },
  };
}

/** Calls that a filter picks fail while it is on. */
export function outage(picks: (call: PortCall) => boolean): { readonly intercept: Intercept; on: boolean; failed: number } {
  const self = {
    on: false,
    failed: 0,
    intercept: <T>(call: PortCall, run: () => Promise<T>): Promise<T> => {
      if (!self.on || !picks(call)) return run();
      self.failed += 1;
      return Promise.reject(new StoreUnavailableError("pretended", new Error("out of reach")));
    },
  };
  return self;
}

/** The calls of a process that can be stopped and let go again, as a virtual machine can. */
export function freezer(): { readonly intercept: Intercept; freeze(): void; thaw(): void } {
  let frozen: Promise<void> | null = null;
  let release = (): void => undefined;
  return {
    freeze: () => {
      frozen = new Promise((resolve) => {
        release = resolve;
      });
    },
    thaw: () => {
      frozen = null;
      release();
    },
    intercept: async (_call, run) => {
      while (frozen !== null) await frozen;
      return run();
    },
  };
}
