/** Those who work: processes that poll, or functions that are handed batches. One that dies is replaced. */
import { createMemoryQueue } from "../../adapters/memory/queue.ts";
import type { Engine } from "../../domain/engine.ts";
import { SECOND_MS } from "../../domain/limits.ts";
import type { Message } from "../../ports/work-queue.ts";
import { workBatch } from "../../runtime/batch.ts";
import { createEngines, type Engines } from "../../runtime/engines.ts";
import { patientOf } from "../../runtime/rookery.ts";
import { createWorker } from "../../runtime/worker.ts";
import { createPolls } from "./polls.ts";
import { createProcess } from "./process.ts";
import type { SimProcess } from "./sim-process.ts";
import type { Stage } from "./stage.ts";

/** The engines of the release that is out when a process starts. */
export type Load = (actor: SimProcess, release: number) => readonly Engine[];

export interface Workers {
  /** From now on the next release is what starts; those that run are stopped one after the other. */
  deploy(): void;
  readonly release: number;
}

const GRACE_MS = 10 * SECOND_MS;
const RESTART_MS = 2 * SECOND_MS;
const ROLLOUT_MS = 20 * SECOND_MS;
const INVOCATION_MS = 60 * SECOND_MS;
/** How often a sandbox is let go though nothing happened to it. */
const COLD = 0.1;

export function startWorkers(stage: Stage, load: Load): Workers {
  const slots = Array.from({ length: stage.host.workers }, (_, i) =>
    stage.host.kind === "processes"
      ? pollInSlot(stage, `worker-${i + 1}`, (actor) => load(actor, self.release))
      : invokeInSlot(stage, `function-${i + 1}`, (actor) => load(actor, self.release)),
  );
  const self = {
    release: 0,
    deploy() {
      self.release += 1;
      for (const replace of slots) stage.scheduler.in(stage.draw("deploy") * ROLLOUT_MS, replace);
    },
  };
  for (const begin of slots) begin();
  return self;
}

type Loaded = (actor: SimProcess) => readonly Engine[];

/** Returns what starts it, and later replaces it. */
function pollInSlot(stage: Stage, name: string, load: Loaded): () => void {
  let started = 0;
  let stop: AbortController | null = null;
  function begin(): void {
    started += 1;
    const actor = createProcess(stage, `${name}.${started}`);
    const mine = new AbortController();
    stop = mine;
    const worker = createWorker(patientOf(actor.deps), createEngines(load(actor)), {
      concurrency: stage.host.concurrency,
      lanes: null,
      graceMs: GRACE_MS,
      // JavaScript cannot stop a step: the process goes, sooner or later.
      onAbandoned: () => stage.scheduler.in(stage.draw("workers") * SECOND_MS, () => actor.die()),
    });
    const replace = (): void => {
      if (stop !== mine) return;
      stop = null;
      stage.scheduler.in(stage.draw("workers") * RESTART_MS, begin);
    };
    actor.onDeath(replace);
    void worker.run(mine.signal).then(() => {
      replace();
      actor.die();
    });
  }
  return () => {
    if (stop === null && started === 0) begin();
    else stop?.abort();
  };
}

function invokeInSlot(stage: Stage, name: string, load: Loaded): () => void {
  const { environment, scheduler, host } = stage;
  const polls = createPolls(() => stage.nowMs());
  stage.polls.add(polls);
  // What takes messages from the queue and calls the functions is no part of them, and does not die with them.
  const processes = environment.machine.tableOf(name);
  const queue = createMemoryQueue({ clock: polls.clock, processes, broker: environment.brokerOf("test") });
  // Of this world alone: what waits on a signal of all would keep every world in memory.
  const never = new AbortController();
  const visibilityMs = INVOCATION_MS * 2;
  let sandbox: { readonly actor: SimProcess; readonly engines: Engines } | null = null;
  let started = 0;
  function inSandbox(): NonNullable<typeof sandbox> {
    if (sandbox !== null && !sandbox.actor.isDead() && stage.draw("workers") > COLD) return sandbox;
    sandbox?.actor.die();
    started += 1;
    const actor = createProcess(stage, `${name}.${started}`);
    sandbox = { actor, engines: createEngines(load(actor)) };
    return sandbox;
  }
  async function invoke(messages: readonly Message[]): Promise<void> {
    const { actor, engines } = inSandbox();
    const endsAtMs = actor.clock.nowMs() + INVOCATION_MS;
    const deps = patientOf(actor.deps);
    const ended = await new Promise<{ readonly finished: readonly Message[] } | null>((resolve) => {
      actor.onDeath(() => resolve(null));
      const cancel = scheduler.in(INVOCATION_MS, () => actor.die());
      void workBatch(deps, engines, messages, { endsAtMs }).then((end) => {
        cancel();
        resolve(end);
        if (end.abandoned.length > 0) actor.die();
      });
    });
    for (const message of ended?.finished ?? []) {
      await queue.remove(message);
      await stage.see(name, { port: "queue", method: "remove", args: [message] }, undefined);
    }
  }
  async function serve(): Promise<void> {
    for (;;) {
      polls.begin();
      const messages = await queue.receive({
        lanes: null,
        max: host.concurrency,
        waitMs: 1,
        visibilityMs,
        abortSignal: never.signal,
      });
      if (messages.length === 0) continue;
      stage.pokeIn(visibilityMs + 0.01);
      await new Promise<void>((resolve) => scheduler.in(stage.draw("workers") * 20, resolve));
      await invoke(messages);
    }
  }
  return () => {
    if (started === 0) void serve();
    else sandbox = null;
    started = Math.max(1, started);
  };
}
