/** The worker of a rig: one process at a time. When it dies, another one takes its place. */

import type { Engine } from "../domain/engine.ts";
import type { Clock } from "../ports/clock.ts";
import { createEngines } from "../runtime/engines.ts";
import { createWorker, type Worker } from "../runtime/worker.ts";
import { type Crash, type CrashPoint, createCrashes } from "./crashes.ts";
import type { Environment } from "./environment.ts";
import type { IdleClock } from "./idle-clock.ts";
import { createStepWatch, type StepWatch } from "./step-watch.ts";

export interface Crew {
  readonly steps: StepWatch;
  readonly crashed: readonly Crash[];
  crashNext(at: CrashPoint): void;
  /** Messages in hand. */
  inFlight(): number;
  start(engines: readonly Engine[]): void;
  /** Tells the worker to stop; answers whether it has. Its steps may run on for a while. */
  stop(): () => boolean;
}

const CONCURRENCY = 10;
const GRACE_MS = 10_000;

interface Shift {
  readonly name: string;
  readonly worker: Worker;
  readonly stop: AbortController;
  ended: boolean;
}

export function createCrew(environment: Environment, idle: IdleClock): Crew {
  const { machine, clock } = environment;
  const steps = createStepWatch();
  const crashes = createCrashes(replace);
  let engines: readonly Engine[] = [];
  let shift: Shift | null = null;
  let started = 0;

  function begin(): void {
    started += 1;
    const name = `worker-${started}`;
    const stop = new AbortController();
    const deps = environment.depsOf(name, {
      intercept: crashes.interceptFor(name),
      clock: mortalClock(clock, () => crashes.isDead(name)),
      queueClock: idle,
    });
    const worker = createWorker(deps, createEngines(steps.watched(name, engines)), {
      concurrency: CONCURRENCY,
      lanes: null,
      graceMs: GRACE_MS,
      onAbandoned: (workId) => steps.forget(name, workId),
    });
    const mine: Shift = { name, worker, stop, ended: false };
    shift = mine;
    void worker.run(stop.signal).then(() => {
      mine.ended = true;
    });
  }
  /** A process has died: everybody on the machine knows, and what it had in hand is there for the next one. */
  function replace(name: string): void {
    machine.end(name);
    steps.forget(name);
    const isLast = shift?.stop.signal.aborted === true;
    shift = null;
    if (!isLast) begin();
    idle.poke();
  }
  return {
    steps,
    crashed: crashes.happened,
    crashNext: crashes.next,
    inFlight: () => shift?.worker.inFlight() ?? 0,
    start(next) {
      engines = createEngines(next).all;
      begin();
    },
    stop() {
      const last = shift;
      last?.stop.abort();
      return () => last === null || last.ended || shift !== last;
    },
  };
}

/** The timers of a process die with it. */
function mortalClock(clock: Clock, isDead: () => boolean): Clock {
  return {
    nowMs: () => clock.nowMs(),
    after: (delayMs, callback) =>
      clock.after(delayMs, () => {
        if (!isDead()) callback();
      }),
  };
}
