/** Faults between the SDK and AWS, of every kind on every operation: nothing is lost, and nothing is done twice that must not be. */
import type { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { rentPlace } from "../../bench/cost/place.ts";
import { createMemoryLogger } from "../../src/adapters/memory/logger.ts";
import { createMeter } from "../../src/adapters/metering/meter.ts";
import { type AwsWorld, type AwsWorldOptions, createAwsWorld } from "../../src/aws.ts";
import { defineContract } from "../../src/domain/contract.ts";
import type { Fence } from "../../src/domain/effect.ts";
import { type Ctx, defineEngine, type Engine, type Outcome } from "../../src/domain/engine.ts";
import { invariant, RookeryError } from "../../src/domain/errors.ts";
import type { Metric } from "../../src/ports/metrics.ts";
import { workBatch } from "../../src/runtime/batch.ts";
import { type Client, createClient } from "../../src/runtime/client.ts";
import { drainDeadLetters } from "../../src/runtime/dead-letters.ts";
import { NO_METRICS, pause } from "../../src/runtime/deps.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import { patientOf } from "../../src/runtime/rookery.ts";
import { sweepShards } from "../../src/runtime/shard-sweep.ts";
import { nothingSwept, type Swept } from "../../src/runtime/sweep.ts";
import { times } from "../contract/fixture.ts";
import { endpoint } from "./clients.ts";
import { type Choose, type FaultyDoor, openFaultyDoor } from "./faulty-door.ts";
import { createTrouble, S3_ANSWER_MS } from "./trouble.ts";

const SOAK = process.env["ROOKERY_SOAK"] === "1";
const SEED = Number(process.env["ROOKERY_SEED"] ?? Date.now() % 1_000_000);
const ITEMS = SOAK ? 1_000 : 200;
const STEPS = 10;
const WORKERS = 4;
const timeout = SOAK ? 3_600_000 : 240_000;
/** Calls of the client at once. */
const LINES = 16;
const RECEIVE_WAIT_MS = 1_000;
/** Also of what was received, and its answer was lost. */
const QUEUE_VISIBILITY_MS = 20_000;
const INVOCATION_MS = 60_000;
const SWEEP_EVERY_MS = 12_000;
/** The sweeper's clock runs ahead by so much with each sweep: its alarms ring. */
const SWEEP_PASSES_MS = 16 * 60_000;

/** What an item does besides counting. */
const WAYS = ["counts", "hops", "grows", "shows", "acts", "acts or asks a person", "waits", "stumbles"] as const;
type Way = (typeof WAYS)[number];
const ASKS: Way = "acts or asks a person";
const wayOf = (n: number): Way => WAYS[n % WAYS.length] ?? "counts";

const Tally = defineContract({
  id: "tally",
  payload: z.object({ n: z.int(), way: z.enum(WAYS) }),
  result: z.object({ n: z.int(), sum: z.int(), told: z.string() }),
  signals: { word: z.string() },
});
const state = z.object({ sum: z.int(), told: z.string(), ballast: z.string() });
type State = z.infer<typeof state>;
type TallyCtx = Ctx<{ n: number; way: Way }, { n: number; sum: number; told: string }, { word: string }, State, never>;
function resultOf(n: number, workId: string) {
  const sum = times(STEPS, (step) => (step + 1) * n).reduce((total, more) => total + more, 0);
  const way = wayOf(n);
  return { n, sum, told: way === "waits" ? `word ${n}` : way.startsWith("acts") ? expect.stringContaining(workId) : "" };
}

/** An outside system that counts what was done to it. */
function createOutside() {
  const counts = new Map<string, number>();
  return {
    counts,
    act: async (_input: null, { idempotencyKey }: Fence): Promise<string> => {
      counts.set(idempotencyKey, (counts.get(idempotencyKey) ?? 0) + 1);
      return `done ${idempotencyKey}`;
    },
    ask: async (_input: null, { idempotencyKey }: Fence) =>
      counts.has(idempotencyKey) ? { happened: true as const, result: `done ${idempotencyKey}` } : { happened: false as const },
  };
}
type Outside = ReturnType<typeof createOutside>;

function tallyEngine(outside: Outside, isEnding: (n: number) => void): Engine {
  async function beside(ctx: TallyCtx): Promise<string> {
    const { way } = ctx.payload;
    if (way === "shows" && ctx.step % 4 === 1) await ctx.artifacts.put(`page ${ctx.step}`, "x".repeat(500));
    if (way === "stumbles" && ctx.step === 6 && ctx.attempt === 1) throw new Error("stumbled");
    if (ctx.step !== 5 || !way.startsWith("acts")) return "";
    const ifInDoubt = way === "acts" ? outside.ask : "park";
    return ctx.effect("act", null, { run: outside.act, ifInDoubt, timeoutMs: 3_000 });
  }
  return defineEngine(Tally, {
    version: 1,
    state,
    init: { sum: 0, told: "", ballast: "" },
    async step(before, ctx): Promise<Outcome> {
      const { n, way } = ctx.payload;
      const word = ctx.wake.kind === "signal" ? ctx.wake.signal.payload : "";
      const told = before.told + word + (await beside(ctx));
      const sum = before.sum + (ctx.step + 1) * n;
      if (ctx.step + 1 === STEPS) {
        isEnding(n);
        return ctx.complete({ n, sum, told });
      }
      const next = { sum, told, ballast: way === "grows" ? `${sum} `.repeat(5_000).slice(0, 9_000) : "" };
      if (way === "waits" && ctx.step === 3) return ctx.waitFor(next, { signals: ["word"] });
      return ctx.next(next, way === "hops" ? { delayMs: 1 } : {});
    },
  });
}

/** As users do: a call that fails is made again. */
async function again<T>(call: () => Promise<T>): Promise<T> {
  for (let left = 30; ; left--) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RookeryError && error.retryable) || left === 0) throw error;
    }
  }
}

/** What an S3 client may wait for by itself, a minute of silence, is what an upload needs; nobody waits for it here. */
function hurry(client: S3Client): void {
  const handler: object = client.config.requestHandler;
  const update: unknown = Reflect.get(handler, "updateHttpClientConfig");
  invariant(typeof update === "function", "the SDK's handler can be told another bound");
  Reflect.apply(update, handler, ["requestTimeout", S3_ANSWER_MS]);
  Reflect.apply(update, handler, ["throwOnRequestTimeout", true]);
}

/** As Lambda works: a batch at a time, and what is finished is deleted with it. */
async function work({ deps }: Pick<AwsWorld, "deps">, engines: readonly Engine[], stop: AbortSignal): Promise<void> {
  const patient = patientOf(deps);
  const how = { lanes: null, max: 10, waitMs: RECEIVE_WAIT_MS, visibilityMs: QUEUE_VISIBILITY_MS, abortSignal: stop };
  while (!stop.aborted) {
    const messages = await deps.queue.receive(how).catch(() => []);
    const endsAtMs = deps.clock.nowMs() + INVOCATION_MS;
    const { finished, abandoned } = await workBatch(patient, createEngines(engines), messages, { endsAtMs });
    expect(abandoned).toEqual([]);
    await Promise.allSettled(finished.map((message) => deps.queue.remove(message)));
  }
}
/** Under a clock that runs ahead: all alarms ring. */
async function sweeping({ deps, deadLetters }: AwsWorld, stop: AbortSignal): Promise<Swept> {
  const total = nothingSwept();
  for (let aheadMs = SWEEP_PASSES_MS; !stop.aborted; aheadMs += SWEEP_PASSES_MS) {
    await pause(deps.clock, SWEEP_EVERY_MS, stop);
    const nowMs = () => deps.clock.nowMs() + aheadMs;
    const own = { ...deps, clock: { ...deps.clock, nowMs } };
    const elsewhere = (shard: number) =>
      sweepShards(own, { endsAtMs: nowMs() + INVOCATION_MS, shards: [shard], elsewhere }).then(add);
    const add = ({ hinted }: Swept) => {
      total.hinted += hinted;
    };
    await drainDeadLetters(own, deadLetters, nowMs() + 1_000);
    add(await sweepShards(own, { endsAtMs: nowMs() + INVOCATION_MS, elsewhere }));
  }
  return total;
}
/** A person who is asked looks at what was done outside. */
async function answer(client: Client, workId: string, { counts }: Outside): Promise<void> {
  if ((await again(() => client.status(workId))).status !== "paused") return;
  const key = [...counts.keys()].find((one) => one.includes(workId));
  const happened = key === undefined ? ({ happened: false } as const) : ({ happened: true, result: `done ${key}` } as const);
  await again(() => client.resolve(workId, "act", happened));
}
/** What `make` makes of each number, in their order, some at a time. */
async function inLines<T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  const next = times(count, (n) => n)[Symbol.iterator]();
  const line = async (): Promise<void> => {
    for (const n of next) made[n] = await make(n);
  };
  await Promise.all(times(LINES, line));
  return made;
}

describe.skipIf(endpoint === null)("with faults between the SDK and AWS", () => {
  let rented: Awaited<ReturnType<typeof rentPlace>>;
  const ends: (() => Promise<void> | void)[] = [];
  beforeAll(async () => {
    rented = await rentPlace(endpoint ?? "");
  });
  afterAll(async () => {
    for (const end of ends.toReversed()) await end();
    await rented?.giveBack();
  });

  function start(self: string, more: Partial<AwsWorldOptions> & { door: FaultyDoor | null }): AwsWorld {
    const { door, ...options } = more;
    const world = createAwsWorld({
      deployment: rented.deployment,
      place: { ...rented.place, ...(door === null ? {} : { endpoint: door.endpoint }) },
      namespace: "faults",
      logger: createMemoryLogger(),
      metrics: NO_METRICS,
      processes: { self, isGone: () => false },
      settings: {},
      meter: { ...createMeter(), watch: ({ s3 }) => hurry(s3) },
      ...options,
    });
    ends.push(world.close);
    return world;
  }
  async function open(choose: Choose): Promise<FaultyDoor> {
    const door = await openFaultyDoor(endpoint ?? "", choose);
    ends.push(door.close);
    return door;
  }

  test(`${ITEMS} items of ${STEPS} steps complete, with every kind of fault on every operation`, { timeout }, async ({
    onTestFailed,
  }) => {
    const trouble = createTrouble(SEED, RECEIVE_WAIT_MS);
    onTestFailed(() => console.error(`replay with ROOKERY_SEED=${SEED}; so far:\n${trouble.told()}`));
    const door = await open(trouble.choose);
    const outside = createOutside();
    const ending = new Set<number>();
    const engines = [tallyEngine(outside, (n) => ending.add(n))];
    const stop = new AbortController();
    ends.push(() => stop.abort());
    const workers = times(WORKERS, (n) => work(start(`worker ${n}`, { door }), engines, stop.signal));
    const sweeper = sweeping(start("sweeper", { door }), stop.signal);
    const { deps } = start("client", { door });
    const client = createClient(deps);

    const ids = await inLines(ITEMS, async (n) => {
      const way = wayOf(n);
      const { workId } = await again(() => client.enqueue(Tally, { n, way }, { key: `item ${n}` }));
      if (way === "waits") await again(() => client.signal(Tally, workId, "word", `word ${n}`, { id: `word-${n}` }));
      return workId;
    });
    const results = ids.map(async (workId, n) => {
      // Whoever asked for its result all the time would ask more than all the others together.
      while (!ending.has(n)) {
        await pause(deps.clock, wayOf(n) === ASKS ? 5_000 : 500);
        if (wayOf(n) === ASKS) await answer(client, workId, outside);
      }
      for (;;) {
        const end = await again(() => client.result(Tally, workId, { timeoutMs: 5_000 }));
        if (end.status !== "open") return end;
      }
    });
    const found = await Promise.all(results);
    stop.abort();
    await Promise.all(workers);
    const { hinted } = await sweeper;
    trouble.end();

    expect(found).toEqual(ids.map((_, n) => ({ status: "completed", result: resultOf(n, ids[n] ?? "") })));
    expect(new Set(ids).size).toBe(ITEMS);
    expect([...outside.counts.values()]).toEqual(times(ITEMS / 4, () => 1));
    expect(hinted).toBeGreaterThan(0);
    expect(trouble.missing()).toEqual([]);
    const look = createClient(start("look", { door: null }).deps);
    const versions = await inLines(ITEMS, async (n) => {
      const events = await Array.fromAsync(look.events(ids[n] ?? ""));
      return events.flatMap((event) => (event.kind === "step" ? [event.version] : []));
    });
    expect(versions).toEqual(ids.map(() => times(STEPS, (step) => step + 1)));
  });

  test("a write whose answer is lost is no race that is lost", async () => {
    const seen = new Set<string>();
    const door = await open(({ name }, body) => {
      if ((name !== "PutItem" && name !== "DeleteItem") || seen.has(body)) return null;
      seen.add(body);
      return { kind: "lose" };
    });
    const counted: Metric[] = [];
    const stop = new AbortController();
    ends.push(() => stop.abort());
    const { deps } = start("worker", { door, namespace: "lost", metrics: { count: (metric) => counted.push(metric) } });
    const working = work({ deps }, [tallyEngine(createOutside(), () => undefined)], stop.signal);
    const client = createClient(start("client", { door, namespace: "lost" }).deps);
    const ways: readonly Way[] = ["counts", "acts", "stumbles"];
    await Promise.all(
      ways.map(async (way, n) => {
        const { workId, created } = await client.enqueue(Tally, { n, way }, { key: way });
        expect(created).toBe(true);
        expect((await client.result(Tally, workId, { timeoutMs: 60_000 })).status).toBe("completed");
        const [head] = await deps.store.read(`lost/${workId}`, { from: "LIVE/HEAD", to: "LIVE/HEAD!" });
        // No more claims than it takes: one that stumbles comes back once.
        expect([way, head?.body["token"]]).toEqual([way, way === "stumbles" ? 2 : 1]);
      }),
    );
    stop.abort();
    await working;
    expect(counted).toEqual([]);
    expect(seen.size).toBeGreaterThan(ways.length * STEPS);
  });
});
