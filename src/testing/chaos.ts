/** The simulator over one's own engines: finds what does not stand a crash, a repeat, or a new release. */
import { createEventLoop } from "../adapters/node/event-loop.ts";
import type { Engine } from "../domain/engine.ts";
import { InvalidArgumentError } from "../domain/errors.ts";
import { createEngines } from "../runtime/engines.ts";
import { createCrashes } from "./crashes.ts";
import type { TestRig } from "./rig.ts";
import { drawRatesFor, type FaultKind, NO_FAULTS, type Rates } from "./simulator/rates.ts";
import { createScenarioRig, type ScenarioRig } from "./simulator/scenario-rig.ts";
import type { SimProcess } from "./simulator/sim-process.ts";
import { watchTruth } from "./simulator/truth.ts";
import { tellInjected } from "./simulator/words.ts";
import { type Play, type Simulated, shrink, simulate, type Theatre } from "./simulator/world.ts";

export interface ChaosOptions {
  readonly engines: readonly Engine[];
  /** How many, from 1 on; or these very ones, to play one again. */
  readonly seeds: number | readonly number[];
  /**
   * Drives a rig and throws what is wrong, for each seed anew: it makes its outside world, enqueues, waits by `rig.result`,
   * and looks. Time passes in every call of the rig, since what goes wrong takes time: waits are to be generous.
   */
  scenario(rig: TestRig): Promise<void>;
  /** A newer release of the engines, deployed in some seeds while the scenario goes on. Default none. */
  readonly upgrade?: readonly Engine[];
  /** How long a step may take in real time, for what it waits for outside of the rig. Default 5,000. */
  readonly realTimeoutMs?: number;
}

/** A seed in which something is not as it should be. Without any fault, when nothing had been done. */
export class ChaosError extends Error {
  override readonly name = "ChaosError";
  readonly seed: number;
  /** What had been done to the processes, in order and in words. */
  readonly injected: readonly string[];
  constructor(seed: number, injected: readonly string[], cause: Error) {
    const deeds = injected.length === 0 ? ["nothing: it is so without any fault"] : injected;
    const list = deeds.map((deed) => `  - ${deed}`).join("\n");
    super(
      `seed ${seed}: ${cause.message}\nwhat had been done before, in order:\n${list}\nplay it again with chaos({ seeds: [${seed}], … })`,
      {
        cause,
      },
    );
    this.seed = seed;
    this.injected = injected;
  }
}

/** Port calls of a seed until nothing goes wrong any more. */
const CALLS = 500;
/** A scenario that has not come to its end by then never will. */
/** More than any play has. */
const MOST_CRASHES = 1_000;
const MOST_CALLS = 200_000;
const REAL_PAUSE_MS = 1;

/** @throws ChaosError at the first seed in which something breaks, InvalidArgumentError */
export async function chaos(options: ChaosOptions): Promise<void> {
  const seeds = seedsOf(options.seeds);
  createEngines(options.engines);
  // What fails without any fault needs none; and how much happens says how often faults are to come.
  const first = seeds[0] ?? 1;
  const calm = await play(options, first, null, []);
  if (calm.run.broken !== null) throw new ChaosError(first, [], calm.run.broken);
  const usual = calm.run.calls;
  for (const seed of seeds) {
    const failed = await play(options, seed, usual, []);
    if (failed.run.broken === null) continue;
    const shrunk = await shrink(failed.run, async (without) => (await play(options, seed, usual, without)).run);
    const { run, told } = await play(options, seed, usual, shrunk.without);
    throw new ChaosError(seed, told, run.broken ?? failed.run.broken);
  }
}

function seedsOf(seeds: ChaosOptions["seeds"]): readonly number[] {
  const isSeed = (seed: unknown): boolean => Number.isSafeInteger(seed);
  if (typeof seeds === "number" && isSeed(seeds) && seeds >= 1) return Array.from({ length: seeds }, (_, i) => i + 1);
  if (Array.isArray(seeds) && seeds.length > 0 && seeds.every(isSeed)) return seeds;
  throw new InvalidArgumentError("chaos: seeds", "how many, from 1, or a list of whole numbers", seeds);
}

/** For a run of about so many calls. Null: without faults. */
function ratesOf(options: ChaosOptions, seed: number, calls: number | null, without: readonly FaultKind[]): Rates {
  if (calls === null) return NO_FAULTS;
  return drawRatesFor(calls, seed, new Set(options.upgrade === undefined ? [...without, "deploy"] : without));
}

async function play(
  options: ChaosOptions,
  seed: number,
  usual: number | null,
  without: readonly FaultKind[],
): Promise<{ readonly run: Simulated; readonly told: readonly string[] }> {
  const crashes = createCrashes((name) => processes?.get(name)?.die());
  let processes: ReadonlyMap<string, SimProcess> | null = null;
  let engineOf = (_workId: string): string => "item";
  const run = await simulate(
    {
      seed,
      rates: ratesOf(options, seed, usual, without),
      calls: Math.max(CALLS, 3 * (usual ?? 0)),
      around: crashes.interceptFor,
      stacks: true,
    },
    (theatre) => {
      ({ processes } = theatre.stage);
      engineOf = (workId) => [...theatre.witness.items.values()].find((one) => one.workId === workId)?.item?.engine ?? "item";
      return stageOf(options, theatre, crashes);
    },
  );
  // What befell a process that had nothing to do is of no interest.
  const deeds = run.injected.filter(({ during, call }) => during !== "" || call?.method !== "receive");
  return { run, told: deeds.map((one) => tellInjected(one, engineOf)) };
}

function stageOf(options: ChaosOptions, theatre: Theatre, crashes: ReturnType<typeof createCrashes>): Play {
  const { stage, witness } = theatre;
  const releases: (readonly Engine[])[] = [options.engines, ...(options.upgrade === undefined ? [] : [options.upgrade])];
  const returned = new Set<string>();
  let isOver = false;
  const scenario = createScenarioRig(theatre, crashes, (engines) => {
    // What is deployed is the release that comes next.
    releases.splice(theatre.release() + 1, releases.length, engines);
  });
  return {
    finishes: false,
    releases: 1,
    mostCalls: MOST_CALLS,
    engines: (_process, release) =>
      watchTruth(
        (releases[Math.min(release, releases.length - 1)] ?? options.engines).map(forgiving),
        returned,
        ({ key, engine, idempotencyKey }) =>
          stage.breakInvariant(
            "an effect's ifInDoubt is truthful",
            `effect "${key}" of engine ${engine} said that it did not happen, though its code had returned before (${idempotencyKey})`,
          ),
      ),
    callers: [
      {
        name: "scenario",
        act: async () => {
          try {
            await options.scenario(scenario.rig);
          } finally {
            isOver = true;
          }
        },
      },
    ],
    pause: realTime(theatre, scenario, () => isOver, options.realTimeoutMs ?? 5_000),
    check: () => {
      for (const { head, item, workId } of witness.items.values()) {
        if (head?.status.kind === "paused" && head.status.reason.startsWith("migrate failed"))
          throw new Error(`${item?.engine} ${workId} does not survive the new release: ${head.status.reason}`);
      }
    },
  };
}

/** The deaths that chaos brings about are no fault of the step that they meet. */
function forgiving(engine: Engine): Engine {
  const code: Engine["code"] = Object.create(engine.code);
  return { ...engine, code: Object.assign(code, { limits: { ...engine.code.limits, crashes: MOST_CRASHES } }) };
}

/** Virtual time stands still while the scenario or a step does something of its own, in real time. */
function realTime(theatre: Theatre, scenario: ScenarioRig, isOver: () => boolean, timeoutMs: number): () => Promise<void> | null {
  const { stage, witness } = theatre;
  const loop = createEventLoop();
  let left = 0;
  let sinceMs: number | null = null;
  function thinking(): number {
    let count = !isOver() && scenario.pending() === 0 ? 1 : 0;
    for (const actor of stage.processes.values()) {
      if (actor.isDead()) continue;
      count += Math.max(0, witness.running(actor.name) - actor.pending);
    }
    return count;
  }
  return () => {
    const now = thinking();
    left = Math.min(left, now);
    if (now <= left) {
      sinceMs = null;
      return null;
    }
    sinceMs ??= loop.nowMs();
    if (loop.nowMs() - sinceMs > timeoutMs) {
      // It hangs, or waits for something that is a matter of virtual time.
      left = now;
      return null;
    }
    return loop.nowMs() - sinceMs < REAL_PAUSE_MS ? loop.turn() : loop.sleep(REAL_PAUSE_MS);
  };
}
