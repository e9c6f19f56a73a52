/** One run of the simulation: workers, sweepers and callers until all is done, then without faults until all is at rest. */
import type { Intercept } from "../../adapters/memory/intercept.ts";
import type { Engine } from "../../domain/engine.ts";
import { shardOf } from "../../domain/ids.ts";
import { DAY_MS, HOUR_MS } from "../../domain/limits.ts";
import { AT_END } from "./invariants.ts";
import { describeRates, drawRates, type FaultKind, faultsOf, type Rates } from "./rates.ts";
import type { SimProcess } from "./sim-process.ts";
import { createStage, describeHost, drawHost, type Host, type Injected, type InvariantBroken, type Stage } from "./stage.ts";
import { startSweepers } from "./sweepers.ts";
import type { Trace } from "./trace.ts";
import { watchEngines } from "./watch.ts";
import { createWitness, type Witness } from "./witness.ts";
import { startWorkers } from "./workers.ts";

/** What is simulated. */
export interface Play {
  /** The engines of a release, as a process loads them. */
  engines(actor: SimProcess, release: number): readonly Engine[];
  /** Callers that act at the same time, each to its end. */
  readonly callers: readonly { readonly name: string; readonly act: () => Promise<void> }[];
  /** Once all is at rest; what it throws is a failure. */
  check?(): void | Promise<void>;
  /** False: items may be left open when the callers have come to their end. Default true. */
  readonly finishes?: boolean;
  /** How long all that can finish may take once it is calm. Default 12 days. */
  readonly restMs?: number;
  /** How many releases follow the first. Default 2. */
  readonly releases?: number;
  /** Holds time up, see Scheduler. */
  pause?(): Promise<void> | null;
  /** Calm or not, how many port calls there may be. Default five times those of the faults. */
  readonly mostCalls?: number;
}
export interface Theatre {
  readonly stage: Stage;
  readonly witness: Witness;
  /** The next release of the engines goes out. */
  deploy(): void;
  /** Which one is out, from 0. */
  release(): number;
}
export interface SimulationOptions {
  readonly seed: number;
  /** Faults that do not happen. */
  readonly without?: readonly string[];
  /** Instead of what the seed draws. */
  readonly rates?: Rates;
  readonly host?: Host;
  /** Port calls until it becomes calm. Default 3,000. */
  readonly calls?: number;
  /** Entries of the trace that are kept. Default 400. */
  readonly traced?: number;
  /** Between every process and its ports: for breaking something on purpose. */
  readonly around?: (name: string) => Intercept;
  /** Whether to answer a digest of the whole trace. */
  readonly digested?: boolean;
  /** Whether errors have stacks. Default false. */
  readonly stacks?: boolean;
}
export interface Simulated {
  readonly seed: number;
  readonly host: Host;
  readonly rates: Rates;
  readonly calls: number;
  readonly elapsedMs: number;
  readonly injected: readonly Injected[];
  readonly broken: InvariantBroken | Error | null;
  readonly trace: readonly string[];
  /** Of all that happened, in order. */
  readonly digest: string;
}

const CALLS = 3_000;
/** How long all that can finish may take once it is calm: longer than any look that is owed to a waiting item. */
const REST_MS = 12 * DAY_MS;
const ECHO_MS = 2 * HOUR_MS;
const RELEASES = 2;
/** What has not come to rest after so many times the calls never will. */
const AT_REST_TIMES = 5;

/**
 * Stacks are stored with errors, and tell of where the files are and who called: without them (the default) a seed is the same
 * run everywhere.
 */
export async function simulate(options: SimulationOptions, play: (theatre: Theatre) => Play): Promise<Simulated> {
  if (options.stacks === true) return simulated(options, play);
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await simulated(options, play);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function simulated(options: SimulationOptions, play: (theatre: Theatre) => Play): Promise<Simulated> {
  const { seed, calls: most = CALLS } = options;
  const host = options.host ?? drawHost(seed);
  const rates = options.rates ?? drawRates(seed, new Set(options.without));
  const stage = createStage({
    ...{ seed, host, rates },
    ...(options.traced === undefined ? {} : { traced: options.traced }),
    ...(options.digested === undefined ? {} : { digested: options.digested }),
    ...(options.around === undefined ? {} : { around: options.around }),
  });
  const { scheduler, trace } = stage;
  const witness = createWitness(stage, stage.processes);
  const theatre: Theatre = {
    stage,
    witness,
    deploy: () => workers.deploy(),
    release: () => workers.release,
  };
  const {
    engines,
    callers,
    check,
    finishes = true,
    restMs = REST_MS,
    releases = RELEASES,
    pause,
    mostCalls = AT_REST_TIMES * most,
  } = play(theatre);
  const waiting = new Set(callers.map(({ name }) => name));
  let calmAtMs: number | null = null;
  let failed: Error | null = null;
  const becomeCalm = (): void => {
    if (calmAtMs !== null) return;
    calmAtMs = scheduler.elapsedMs();
    stage.calm();
    stage.pokeIn(1);
  };
  const workers = startWorkers(stage, (actor, release) => watchEngines(actor, engines(actor, release), witness));
  stage.observers.push(witness, {
    applied: () => undefined,
    called: () => {
      if (stage.calls >= most) becomeCalm();
      else if (workers.release < releases && stage.chance("deploy")) {
        stage.inject("deploy", "release", String(workers.release + 1));
        workers.deploy();
      }
    },
  });
  startSweepers(stage, () => dueShards(stage, witness));
  for (const { name, act } of callers) {
    act().then(
      () => waiting.delete(name),
      (error: unknown) => {
        failed ??= error instanceof Error ? error : new Error(String(error));
      },
    );
  }
  const isBroken = (): boolean => stage.broken() !== null || failed !== null;
  const hasPlayed = (): boolean => waiting.size === 0 && (witness.open() === 0 || !finishes);
  const restAtMs = (): number => (calmAtMs ?? Number.POSITIVE_INFINITY) + restMs;
  const isTooMuch = (): boolean => stage.calls > mostCalls || (finishes && scheduler.elapsedMs() > restAtMs());
  const messages = (): number => [...stage.environment.brokers()].reduce((sum, { entries }) => sum + entries.size, 0);
  for (;;) {
    await scheduler.run(() => isBroken() || hasPlayed() || isTooMuch(), pause);
    becomeCalm();
    if (!finishes || isBroken() || isTooMuch()) break;
    const untilMs = scheduler.elapsedMs() + ECHO_MS;
    await scheduler.run(() => isBroken() || !hasPlayed() || messages() === 0 || scheduler.elapsedMs() > untilMs);
    // What was redriven goes on, though everything had ended by then.
    if (hasPlayed()) break;
  }
  if (!isBroken() && !finishes && waiting.size > 0) failed = new Error(`${[...waiting].join(", ")} did not come to an end`);
  if (!isBroken() && finishes) {
    const end = { stage, items: [...witness.items.values()], messages: messages(), waiting: [...waiting] };
    for (const { name, check: holds } of AT_END) {
      const wrong = holds(end);
      if (wrong !== null) stage.breakInvariant(name, wrong);
    }
  }
  if (!isBroken() && check !== undefined) {
    try {
      await check();
    } catch (error) {
      failed = error instanceof Error ? error : new Error(String(error));
    }
  }
  return traced(trace, {
    seed,
    host,
    rates,
    calls: stage.calls,
    elapsedMs: scheduler.elapsedMs(),
    injected: stage.injected,
    broken: stage.broken() ?? failed,
    digest: trace.digest(),
  });
}
/** The trace is put into words when it is asked for. */
function traced(trace: Trace, run: Omit<Simulated, "trace">): Simulated {
  return {
    ...run,
    get trace() {
      return trace.lines();
    },
  };
}

/** Those with an alarm that has passed. */
function dueShards(stage: Stage, { items }: Witness): number[] {
  const nextAtMs = stage.environment.nextAlarmAtMs();
  if (nextAtMs === null || nextAtMs > stage.nowMs()) return [];
  const shards = new Set<number>();
  for (const { due, partition } of items.values()) {
    if (due !== null && due.atMs !== null && due.atMs <= stage.nowMs()) shards.add(shardOf(partition));
  }
  return [...shards].sort((a, b) => a - b);
}

export function describeSimulated(run: Simulated): string {
  const { seed, host, rates, calls, elapsedMs } = run;
  return `seed ${seed}: ${describeHost(host)}; ${describeRates(rates)}; ${calls} port calls in ${Math.round(elapsedMs / 1_000)} s`;
}

/** Switches the faults of a failing seed off, one by one, as long as something still breaks. */
export async function shrink(
  failing: Simulated,
  again: (without: readonly FaultKind[]) => Promise<Simulated>,
): Promise<{ readonly run: Simulated; readonly without: readonly FaultKind[] }> {
  let run = failing;
  let without: FaultKind[] = [];
  for (const kind of faultsOf(failing.rates)) {
    const next = await again([...without, kind]);
    if (next.broken === null) continue;
    run = next;
    without = [...without, kind];
  }
  return { run, without };
}
