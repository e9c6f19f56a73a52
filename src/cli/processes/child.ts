/**
 * A worker process, as started by a supervisor. It says that it is alive from its event loop, so that one that spins
 * is silent; it stops when it is told to, and when its supervisor is gone.
 *
 * A signal for the whole foreground process group (Ctrl-C, a closed terminal) is the supervisor's to answer: it is
 * ignored here. SIGTERM, which one process gets by itself, is a stop.
 */
import { flushCompileCache } from "node:module";
import type { Opened, Store } from "../store.ts";
import { type At, type ChildSpec, type Failure, type FromChild, isStop, LEAVING_EXIT } from "./messages.ts";

export interface ChildWorld {
  /** Loads config and engines and opens the store. */
  open(spec: ChildSpec): Promise<{ readonly opened: Opened; readonly engines: readonly string[] }>;
  describe(error: unknown): Failure;
}

/** Never returns: what a step left behind must not keep the process. */
export async function runChild(spec: ChildSpec, world: ChildWorld): Promise<never> {
  const stop = listen();
  const alive = setInterval(() => void say({ kind: "alive" }), spec.aliveMs);
  let exit = 0;
  try {
    const { opened, engines } = await world.open(spec);
    const { store } = opened;
    void say({ kind: "ready", at: atOf(opened), namespace: store.namespace, engines: [...engines] });
    // At its end, a process that is killed could not.
    flushCompileCache();
    // A stack has a sweeper of its own; two that look at once may send a hint twice.
    exit = await work(store, spec, stop, { sweep: opened.kind === "home" });
    store.close();
  } catch (error) {
    const failure = world.describe(error);
    await say({ kind: "failed", ...failure });
    exit = failure.exit;
  }
  clearInterval(alive);
  process.exit(exit);
}

function atOf(opened: Opened): At {
  return opened.kind === "home" ? { kind: "home", home: opened.store.home } : { kind: "stack", stack: opened.stack };
}

async function work(store: Store, spec: ChildSpec, stop: AbortController, { sweep }: { sweep: boolean }): Promise<number> {
  let left = false;
  const onAbandoned = (workId: string): void => {
    // Once is enough: every step that is left after it goes with the same process.
    if (left) return;
    left = true;
    void say({ kind: "leaving", workId });
    stop.abort();
  };
  const { graceMs } = spec;
  if (spec.work.kind === "queue") {
    const { concurrency, lanes } = spec.work;
    await store.work(stop.signal, { concurrency, graceMs, onAbandoned, sweep, ...(lanes === null ? {} : { lanes }) });
    return left ? LEAVING_EXIT : 0;
  }
  const { workId, untilVersion } = spec.work;
  const how = await store.drive(workId, stop.signal, {
    graceMs,
    onAbandoned,
    ...(untilVersion === null ? {} : { untilVersion }),
  });
  if (how === "abandoned") return LEAVING_EXIT;
  await say({ kind: "over", how });
  return 0;
}

function listen(): AbortController {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  process.on("SIGINT", () => undefined);
  process.on("SIGHUP", () => undefined);
  process.on("SIGTERM", abort);
  process.on("disconnect", abort);
  process.on("message", (message) => {
    if (isStop(message)) abort();
  });
  // Whoever read our logs may be gone: that is no reason to lose work.
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners("error").on("error", () => undefined);
  return stop;
}

/** Resolves once it was handed over, or can never be. */
function say(message: FromChild): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, undefined, undefined, () => resolve());
  });
}
