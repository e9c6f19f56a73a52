/** Deaths of a worker's process at a point of one's choice, between it and its ports. */
import type { Intercept, PortCall } from "../adapters/memory/intercept.ts";
import { assertNever, InvalidArgumentError } from "../domain/errors.ts";
import { parseItemPartition } from "../domain/ids.ts";
import type { Json } from "../domain/json.ts";
import { HEAD_KEY } from "../domain/keys.ts";
import type { RecordDraft } from "../ports/record-store.ts";

/**
 * `before-commit`: the step has run, and what became of it is not on record. `after-commit`: it is, and nothing else.
 * An effect `before`: it is reserved, and its code has not run. `after`: its code has run, and that is not on record.
 */
export type CrashPoint = "before-commit" | "after-commit" | { readonly effect: string; readonly when: "before" | "after" };
/** One that has happened. */
export interface Crash {
  readonly at: CrashPoint;
  readonly workId: string;
  readonly process: string;
}

export interface Crashes {
  next(at: CrashPoint): void;
  readonly happened: readonly Crash[];
  /** What stands between a process and its ports. */
  interceptFor(holder: string): Intercept;
  /** Nothing of the process is answered or has an effect any more. */
  isDead(holder: string): boolean;
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

export function createCrashes(onCrash: (holder: string) => void): Crashes {
  const armed: CrashPoint[] = [];
  const happened: Crash[] = [];
  const dead = new Set<string>();
  const heads = new Map<string, Standing>();

  function matches(at: CrashPoint, draft: RecordDraft): "before" | "after" | null {
    if (typeof at === "object") {
      if (!draft.sort.startsWith("effect/") || draft.body["key"] !== at.effect) return null;
      if (at.when === "before") return kindOf(draft.body["state"]) === "reserved" ? "after" : null;
      return kindOf(draft.body["state"]) === "confirmed" ? "before" : null;
    }
    if (draft.sort !== HEAD_KEY || !isOutcome(heads.get(draft.partition) ?? UNBORN, standingOf(draft))) return null;
    switch (at) {
      case "before-commit":
        return "before";
      case "after-commit":
        return "after";
      default:
        return assertNever(at);
    }
  }
  async function write<T>(holder: string, draft: RecordDraft, run: () => Promise<T>): Promise<T> {
    const [at] = armed;
    const when = at === undefined ? null : matches(at, draft);
    if (draft.sort === HEAD_KEY && when !== "before") heads.set(draft.partition, standingOf(draft));
    if (at === undefined || when === null) return run();
    armed.shift();
    dead.add(holder);
    if (when === "after") await run();
    happened.push({ at, workId: parseItemPartition(draft.partition)?.workId ?? draft.partition, process: holder });
    onCrash(holder);
    return never();
  }
  return {
    happened,
    next: (at) => {
      armed.push(checked(at));
    },
    isDead: (holder) => dead.has(holder),
    interceptFor: (holder) => (call, run) => {
      if (dead.has(holder)) return never();
      const draft = draftOf(call);
      return draft === null ? run() : write(holder, draft, run);
    },
  };
}

/** What of a snapshot tells that a step has run since. */
interface Standing {
  readonly version: number;
  readonly failures: number;
  readonly recovering: boolean;
  readonly ended: boolean;
}
const UNBORN: Standing = { version: 0, failures: 0, recovering: false, ended: false };
const ENDED = ["completed", "failed", "cancelled", "dead_lettered"];

function standingOf({ body }: RecordDraft): Standing {
  const { version, failures, recovery, status } = body;
  const count = (value: unknown): number => (typeof value === "number" ? value : 0);
  const recovering = typeof recovery === "object" && recovery !== null;
  return { version: count(version), failures: count(failures), recovering, ended: ENDED.includes(kindOf(status)) };
}
function kindOf(state: Json | undefined): string {
  return typeof state === "object" && state !== null && "kind" in state ? String(state["kind"]) : "";
}
function isOutcome(from: Standing, to: Standing): boolean {
  if (to.version > from.version || to.failures > from.failures) return true;
  return (to.recovering && !from.recovering) || (to.ended && !from.ended);
}

function draftOf({ port, method, args }: PortCall): RecordDraft | null {
  return port === "records" && method === "write" ? (args[0] as RecordDraft) : null;
}
function checked(at: CrashPoint): CrashPoint {
  if (at === "before-commit" || at === "after-commit") return at;
  const usable = typeof at === "object" && at !== null && typeof at.effect === "string";
  if (usable && (at.when === "before" || at.when === "after")) return at;
  throw new InvalidArgumentError("crashNext", '"before-commit", "after-commit" or { effect, when: "before" | "after" }', at);
}
