/** The rig for tests of one's own engines: the real runtime, on stores in memory and a clock that is moved by hand. */
import type { LogEntry } from "../adapters/memory/logger.ts";
import { createEventLoop } from "../adapters/node/event-loop.ts";
import type { Engine } from "../domain/engine.ts";
import { InvalidArgumentError } from "../domain/errors.ts";
import { type Client, createClient } from "../runtime/client.ts";
import { type Settings, settingsOf } from "../runtime/settings.ts";
import { sweep } from "../runtime/sweep.ts";
import type { Crash, CrashPoint } from "./crashes.ts";
import { createCrew } from "./crew.ts";
import { createEnvironment } from "./environment.ts";
import { createCountedClock, createIdleClock } from "./idle-clock.ts";
import { NotSettledError, type UnsettledStep } from "./not-settled.ts";
import { createTime } from "./time.ts";

export type { LogEntry };
export interface TestRigOptions {
  readonly engines: readonly Engine[];
  /** Where the clock begins. Default 1,700,000,000,000 (14 November 2023). */
  readonly nowAtMs?: number;
  /** Of the ids, and of the jitter between retries: the same seed gives the same ones. Default 1. */
  readonly seed?: number;
  readonly settings?: Partial<Settings>;
  /** How long a step may take in real time, for a request or a timer of a library. Default 5,000. */
  readonly realTimeoutMs?: number;
  /**
   * After that: `throw` a NotSettledError (the default), or `leave` the step running and let time pass, as a test of
   * `limits.stepMs` or of a cancel wants it.
   */
  readonly ifStepHangs?: "throw" | "leave";
}

/**
 * A client with a worker inside. Nothing happens by itself but what a call brings about: work goes on in `settle` and
 * `advance`, which resolve once it has come to rest. Virtual time never passes while a step runs.
 */
export interface TestRig extends Client {
  /** Virtual. */
  now(): number;
  /**
   * Lets everything happen that can happen at this instant, real requests and timers of your steps included.
   * @throws NotSettledError when a step does not end.
   */
  settle(): Promise<void>;
  /** Lets time pass, from one instant at which something happens to the next, and settles. @throws NotSettledError */
  advance(ms: number): Promise<void>;
  /**
   * As the client's, and lets time pass itself while it waits: up to `timeoutMs`, or to the end. With 0 no time passes,
   * and what can happen at this instant has happened. @throws NotSettledError
   */
  result: Client["result"];
  /**
   * The worker's process dies there, once; several stand in line. What it holds is lost with it, another process takes
   * over at once, and what its step was about to do is on no record. Code that it was running is not stopped.
   */
  crashNext(at: CrashPoint): void;
  /** The crashes that have happened: expect one, or a test shows nothing. */
  readonly crashed: readonly Crash[];
  /** The worker stops, as for a new release, and one with these engines starts. Passes the time that a stop takes. */
  deploy(engines: readonly Engine[]): Promise<void>;
  /** What was logged, by the worker and by steps. */
  readonly logs: readonly LogEntry[];
  /** Stops the worker, aborting steps that still run. Nothing is left that keeps the process alive. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Longer than a worker's grace and the time that an aborted step has. */
const STOP_MS = 60_000;

/** @throws InvalidArgumentError */
export function createTestRig(options: TestRigOptions): TestRig {
  const { realTimeoutMs = 5_000, ifStepHangs = "throw" } = options;
  const environment = createEnvironment({
    settings: settingsOf(options.settings ?? {}),
    ...(options.nowAtMs === undefined ? {} : { nowMs: options.nowAtMs }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  });
  const { clock, logger } = environment;
  const idle = createIdleClock(clock);
  const crew = createCrew(environment, idle);
  const sweeper = environment.depsOf("sweeper");
  const waits = createCountedClock(clock);
  const acting = createClient(environment.depsOf("client", { clock: waits }));
  const looking = createClient(environment.depsOf("client", { clock: idle }));
  let disposed = false;

  const time = createTime({
    environment,
    idle,
    crew,
    loop: createEventLoop(),
    sweep: () => sweep(sweeper),
    realTimeoutMs: () => (disposed ? 0 : realTimeoutMs),
    onTimeout: async () => {
      if (!disposed && ifStepHangs === "throw") throw new NotSettledError(await unsettled(looking), realTimeoutMs);
    },
  });
  /** What a caller waits for may need time to pass: a signal to an item that is about to end does. */
  async function driven<T>(call: Promise<T>): Promise<T> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    call.then(end, end);
    for (await time.turn(); !over; await time.turn()) {
      if (waits.waiting() > 0) await time.pass(STOP_MS, () => over || waits.waiting() === 0);
    }
    return call;
  }
  async function stop(): Promise<void> {
    const ended = crew.stop();
    await time.pass(STOP_MS, ended);
  }
  async function dispose(): Promise<void> {
    if (disposed) return;
    disposed = true;
    crew.steps.leaveAll();
    await stop();
  }
  crew.start(options.engines);
  return {
    ...looking,
    enqueue: (...args) => driven(acting.enqueue(...args)),
    signal: (...args) => driven(acting.signal(...args)),
    callback: (...args) => driven(acting.callback(...args)),
    resolve: (...args) => driven(acting.resolve(...args)),
    cancel: (...args) => driven(acting.cancel(...args)),
    pause: (...args) => driven(acting.pause(...args)),
    resume: (...args) => driven(acting.resume(...args)),
    redrive: (...args) => driven(acting.redrive(...args)),
    result: async (contract, ref, { timeoutMs, abortSignal }) => {
      const ask = () => looking.result(contract, ref, { timeoutMs: 0 });
      const isOver = async (): Promise<boolean> => abortSignal?.aborted === true || (await ask()).status !== "open";
      await time.pass(requireMs("result: timeoutMs", timeoutMs), isOver);
      return ask();
    },
    now: () => clock.nowMs(),
    settle: () => time.settle(),
    advance: async (ms) => time.pass(requireMs("advance", ms)),
    crashNext: (at) => crew.crashNext(at),
    crashed: crew.crashed,
    deploy: async (engines) => {
      await time.settle();
      await stop();
      crew.start(engines);
    },
    logs: logger.entries,
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

function requireMs(what: string, ms: unknown): number {
  if (typeof ms === "number" && Number.isFinite(ms) && ms >= 0) return ms;
  throw new InvalidArgumentError(what, "milliseconds, 0 or more", ms);
}

async function unsettled(client: Client): Promise<UnsettledStep[]> {
  const { entries } = await client.list({ status: "running", limit: 1_000 });
  return entries.map(({ workId, engine, step, attempt }) => ({ workId, engine, step, attempt }));
}
