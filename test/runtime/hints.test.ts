/** Hints do not multiply (DESIGN §4): what duplicates, redeliveries and alarms put into the queue dies out again. */
import { expect, test } from "vitest";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import { createSeededRandom } from "../../src/adapters/memory/random.ts";
import type { Engine } from "../../src/domain/engine.ts";
import type { Message } from "../../src/ports/work-queue.ts";
import { workBatch } from "../../src/runtime/batch.ts";
import { pause } from "../../src/runtime/deps.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import { sweep } from "../../src/runtime/sweep.ts";
import { work } from "../../src/runtime/work.ts";
import { createWorld, type World } from "../support/world.ts";
import { engineOf, enqueue, expectOneLine } from "./builders.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Longer than an invocation, as a queue's must be. */
const QUEUE_VISIBILITY_MS = 70 * SECOND_MS;
const INVOCATION_MS = 60 * SECOND_MS;

/** Of all sends, so many are made twice; of all deliveries too; and so many messages come back that are finished. */
interface Trouble {
  readonly sends: number;
  readonly deliveries: number;
  readonly returns: number;
}
const NONE: Trouble = { sends: 0, deliveries: 0, returns: 0 };
interface Seen {
  receives: number;
  /** Messages that were made up: sent or delivered twice, or back. */
  madeUp: number;
  rings: number;
}
/** Answers those that are finished. */
type Handle = (messages: readonly Message[], name: string) => Promise<readonly Message[]>;

/** Deliveries in batches, each to a process of its own, and a sweep a minute; until so much time has gone by. */
async function pass(world: World, ms: number, handle: Handle, seen: Seen, trouble = NONE): Promise<void> {
  const random = createSeededRandom(1);
  const source = world.process("event source").queue;
  const { signal } = new AbortController();
  let invocations = 0;
  async function invoke(messages: readonly Message[]): Promise<void> {
    seen.receives += messages.length;
    for (const message of await handle(messages, `lambda ${world.clock.nowMs()}.${++invocations}`)) {
      if (random.fraction() < trouble.returns) seen.madeUp += 1;
      else await source.remove(message);
    }
  }
  async function deliver(): Promise<boolean> {
    const how = { lanes: null, max: 10, waitMs: 0, visibilityMs: QUEUE_VISIBILITY_MS, abortSignal: signal };
    const messages = await source.receive(how);
    const twice = messages.filter(() => random.fraction() < trouble.deliveries);
    seen.madeUp += twice.length;
    for (const batch of [messages, twice]) if (batch.length > 0) void invoke(batch);
    await world.settle();
    return messages.length > 0;
  }
  const endMs = world.clock.nowMs() + ms;
  for (let sweepAtMs = world.clock.nowMs() + MINUTE_MS; world.clock.nowMs() < endMs; ) {
    while (await deliver());
    const visibleAtMs = [...world.broker.entries.values()].map((entry) => entry.visibleAtMs ?? 0);
    const nextMs = Math.min(sweepAtMs, ...visibleAtMs) - world.clock.nowMs();
    world.clock.advance(Math.max(1, Math.min(nextMs, world.clock.nextTimerInMs() ?? nextMs)));
    await world.settle();
    if (world.clock.nowMs() < sweepAtMs) continue;
    sweepAtMs += MINUTE_MS;
    seen.rings += (await sweep(world.deps)).looked;
  }
}

function invocations(world: World, engine: Engine, seen: Seen, trouble = NONE): Handle {
  const random = createSeededRandom(2);
  const sentTwice: Intercept = async (call, run) => {
    if (call.method === "send" && random.fraction() < trouble.sends) {
      seen.madeUp += 1;
      await run();
    }
    return run();
  };
  const engines = createEngines([engine]);
  return async (messages, name) => {
    const deps = world.process(name, { intercept: sentTwice });
    const end = await workBatch(deps, engines, messages, { endsAtMs: world.clock.nowMs() + INVOCATION_MS });
    return end.finished;
  };
}

const STEPS = 288;
/** Steps of up to 3 s, 5 minutes apart. */
function sleeper(world: World): Engine {
  const random = createSeededRandom(3);
  return engineOf(async (state, ctx) => {
    await pause(world.clock, Math.ceil(3 * SECOND_MS * random.fraction()));
    return ctx.step + 1 === STEPS ? ctx.complete(state) : ctx.next(state, { delayMs: 5 * MINUTE_MS });
  });
}
async function dayOfSleepers(collects: boolean, trouble: Trouble): Promise<Seen & { readonly steps: number }> {
  const world = createWorld({}, { collects });
  const seen: Seen = { receives: 0, madeUp: 0, rings: 0 };
  const ids: string[] = [];
  for (let n = 0; n < 2; n++) ids.push(await enqueue(world, n));
  await pass(world, DAY_MS + 60 * MINUTE_MS, invocations(world, sleeper(world), seen, trouble), seen, trouble);
  for (const workId of ids) {
    expect(await world.client.status(workId)).toMatchObject({ status: "completed", version: STEPS });
    await expectOneLine(world, workId);
  }
  expect([...world.broker.entries]).toEqual([]);
  return { ...seen, steps: ids.length * STEPS };
}

test.each([false, true])(
  "a 5-minute sleeper has at most 1.2 receives and 0.5 rings a step in a day with duplicates (a store that collects: %s)",
  async (collects) => {
    const { receives, madeUp, rings, steps } = await dayOfSleepers(collects, { sends: 0.06, deliveries: 0.04, returns: 0.02 });
    expect(madeUp).toBeGreaterThan(steps / 10);
    expect(receives / steps).toBeLessThan(1.2);
    expect(rings / steps).toBeLessThan(0.5);
  },
);

test("each of many duplicates costs a receive, two at most", async () => {
  const { receives, madeUp, rings, steps } = await dayOfSleepers(false, { sends: 0.4, deliveries: 0.2, returns: 0.2 });
  expect(madeUp).toBeGreaterThan(steps / 2);
  expect(receives).toBeLessThan(steps + 2 * madeUp);
  expect(rings / steps).toBeLessThan(0.5);
});

const COPIES = 50;
/** Ready for three steps, then asleep for a while, and so on. */
const busy = engineOf(async (state, ctx) => ctx.next(state, ctx.step % 3 === 2 ? { delayMs: 5 * MINUTE_MS } : {}));
const asleep = engineOf(async (state, ctx) => ctx.next(state, { delayMs: 5 * MINUTE_MS }));
const asleepLong = engineOf(async (state, ctx) => ctx.next(state, { delayMs: 60 * MINUTE_MS }));
const failing = engineOf(
  async () => {
    throw new Error("again");
  },
  { retry: { transient: { attempts: 10_000, minMs: MINUTE_MS, maxMs: 5 * MINUTE_MS } } },
);
const waiting = engineOf(async (state, ctx) => ctx.waitFor(state, { timeoutMs: 10 * MINUTE_MS }));

test.each([
  ["ready", busy, 0],
  ["asleep", asleep, MINUTE_MS],
  ["asleep for long", asleepLong, MINUTE_MS],
  ["retried", failing, MINUTE_MS],
  ["waiting", waiting, MINUTE_MS],
])("%s: copies of a hint die out", async (_name, engine, afterMs) => {
  const world = createWorld();
  const seen: Seen = { receives: 0, madeUp: 0, rings: 0 };
  const handle = invocations(world, engine, seen);
  await enqueue(world);
  let [last] = world.broker.entries.values();
  await pass(world, afterMs, handle, seen);
  [last = last] = world.broker.entries.values();
  for (let n = 0; n < COPIES; n++) await world.deps.queue.send(last?.body ?? "", { delayMs: 0, lane: "normal", tenant: "" });
  await pass(world, 20 * MINUTE_MS, handle, seen);
  expect(world.broker.entries.size).toBeLessThanOrEqual(1);
  const after = { ...seen };
  await pass(world, 60 * MINUTE_MS, handle, seen);
  expect(world.broker.entries.size).toBeLessThanOrEqual(1);
  expect(seen.receives - after.receives).toBeLessThan(30);
});

test("an item that does not move on has its hints delayed more and more, and never more than one that counts", async () => {
  const world = createWorld();
  const seen: Seen = { receives: 0, madeUp: 0, rings: 0 };
  const engines = createEngines([
    engineOf(async (_state, ctx) => {
      ctx.abortSignal.throwIfAborted();
      return ctx.complete(null);
    }),
  ]);
  // Every worker shuts down just then.
  const givesBack: Handle = async (messages, name) => {
    for (const message of messages)
      await work(world.process(name), engines, message, {
        endsAtMs: null,
        shouldYield: () => false,
        giveBack: AbortSignal.abort(),
        committed: () => undefined,
        abandoned: () => undefined,
        becomeAlone: async () => true,
        isAlone: () => false,
        wouldDieAlone: () => false,
      });
    return [];
  };
  const workId = await enqueue(world);
  await pass(world, 10 * SECOND_MS, givesBack, seen);
  expect(seen.receives).toBeLessThan(20);
  const perDay: number[] = [];
  for (let day = 0; day < 3; day++) {
    const before = seen.receives;
    await pass(world, DAY_MS, givesBack, seen);
    perDay.push(seen.receives - before);
  }
  for (const receives of perDay) expect(receives).toBeLessThan(400);
  expect(await world.client.status(workId)).toMatchObject({ status: "queued", version: 0, attempt: 0 });
  const engine = engineOf(async (_state, ctx) => ctx.complete(null));
  await pass(world, 16 * MINUTE_MS, invocations(world, engine, seen), seen);
  expect((await world.client.status(workId)).status).toBe("completed");
});
