/** Delays from 0 to years, and clocks that jump: never early, and late by no more than the design says (G3, G7). */
import { expect, test } from "vitest";
import { sweep } from "../../src/runtime/sweep.ts";
import { createWorld, type World } from "../support/world.ts";
import { engineOf, enqueue, Work } from "./builders.ts";
import { watched } from "./faults.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;

/** Sleeps once; the result says how late it woke. */
function sleeper(world: World, delayMs: number) {
  return engineOf(async (state, ctx) =>
    ctx.step === 0 ? ctx.next(world.clock.nowMs() + delayMs, { delayMs }) : ctx.complete(world.clock.nowMs() - Number(state)),
  );
}
/** How late it woke, when time passes in these steps. */
async function lateness(delayMs: number, stepMs: number, disturb: (world: World) => void = () => undefined): Promise<number> {
  const world = createWorld();
  world.work([sleeper(world, delayMs)]);
  const workId = await enqueue(world);
  await world.settle();
  disturb(world);
  const coarseMs = Math.max(0, delayMs - 30 * MINUTE_MS);
  await world.advance(coarseMs, stepMs);
  expect((await world.client.status(workId)).version).toBe(delayMs === 0 ? 2 : 1);
  await world.end(workId, 40 * MINUTE_MS);
  return Number(await world.client.resultJson(workId));
}

test.each([0, 1, 999, 14 * MINUTE_MS, 15 * MINUTE_MS - 1, 15 * MINUTE_MS, 15 * MINUTE_MS + 1, 16 * MINUTE_MS])(
  "a sleep of %d ms ends to the millisecond",
  async (delayMs) => {
    expect(await lateness(delayMs, MINUTE_MS)).toBe(0);
  },
);

test.each([HOUR_MS, DAY_MS, 30 * DAY_MS, YEAR_MS, 10 * YEAR_MS])("a sleep of %d ms ends to the millisecond", async (delayMs) => {
  const late = await lateness(delayMs, Math.max(MINUTE_MS, Math.min(DAY_MS, delayMs / 500)));
  expect(late).toBe(0);
});

test.each([30 * SECOND_MS, 15 * MINUTE_MS, 15 * MINUTE_MS + 1, DAY_MS])(
  "a sleep of %d ms whose hint is lost ends within the alarm's grace and a sweep",
  async (delayMs) => {
    const late = await lateness(delayMs, MINUTE_MS, (world) => world.loseMessages());
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThanOrEqual((delayMs <= 15 * MINUTE_MS ? 15 : 2) * MINUTE_MS + MINUTE_MS);
  },
);

test("a sleep that is a little more than a message can do does not miss its hint, however slow the store", async () => {
  const world = createWorld();
  let delays = 0;
  world.work([sleeper(world, 15 * MINUTE_MS + 10)], {
    intercept: (call, run) => {
      const range = call.args[1];
      const readsDue =
        call.method === "read" && typeof range === "object" && range !== null && "from" in range && range.from === "LIVE/DUE";
      if (readsDue && delays++ === 1) world.clock.advance(50);
      return run();
    },
  });
  const workId = await enqueue(world);
  await world.end(workId, 30 * MINUTE_MS);
  expect(delays).toBeGreaterThan(1);
  expect(Number(await world.client.resultJson(workId))).toBeLessThanOrEqual(MINUTE_MS);
});

test.each([8, 60])("with less left to the queue, a sleep of %d s has no message until the sweep sends one", async (seconds) => {
  const world = createWorld({ maxDelayMs: 5 * SECOND_MS });
  world.work([sleeper(world, seconds * SECOND_MS)]);
  const workId = await enqueue(world);
  await world.settle();
  await world.advance((seconds - 5) * SECOND_MS, SECOND_MS);
  expect(world.broker.entries.size).toBe(0);
  expect(await world.client.status(workId)).toMatchObject({ status: "sleeping", version: 1 });
  expect(await sweep(world.deps)).toMatchObject({ looked: 1, hinted: 1 });
  await world.end(workId, 5 * SECOND_MS);
  expect(await world.client.resultJson(workId)).toBe(0);
});

test("an item enqueued with a delay that is longer than is left to the queue begins by the sweep, too", async () => {
  const world = createWorld({ maxDelayMs: 5 * SECOND_MS });
  const atMs = world.clock.nowMs() + 30 * SECOND_MS;
  world.work([engineOf(async (_state, ctx) => ctx.complete(ctx.now()))]);
  const { workId } = await world.client.enqueue(Work, 1, { delayMs: 30 * SECOND_MS });
  await world.advance(25 * SECOND_MS, SECOND_MS);
  expect(world.broker.entries.size).toBe(0);
  expect(await sweep(world.deps)).toMatchObject({ looked: 1, hinted: 1 });
  await world.end(workId, 5 * SECOND_MS);
  expect(await world.client.resultJson(workId)).toBe(atMs);
});

test("`untilAtMs` names an instant, one that is past means at once", async () => {
  const world = createWorld();
  const untilAtMs = world.clock.nowMs() + 5_000;
  world.work([
    engineOf(async (_state, ctx) => {
      if (ctx.step === 0) return ctx.next(0, { untilAtMs });
      return ctx.step === 1 ? ctx.next(0, { untilAtMs: 5 }) : ctx.complete(ctx.now());
    }),
  ]);
  const workId = await enqueue(world);
  await world.end(workId, 6_000);
  expect(await world.client.resultJson(workId)).toBe(untilAtMs);
});

test.each([0, 1, 0.5, 15 * MINUTE_MS, DAY_MS])("an item enqueued with a delay of %d ms begins then", async (delayMs) => {
  const world = createWorld();
  const atMs = world.clock.nowMs() + Math.ceil(delayMs);
  world.work([engineOf(async (_state, ctx) => ctx.complete(ctx.now()))]);
  const { workId } = await world.client.enqueue(Work, 1, { delayMs });
  await world.advance(Math.max(0, delayMs - HOUR_MS), MINUTE_MS);
  await world.end(workId, 2 * HOUR_MS);
  expect(await world.client.resultJson(workId)).toBe(atMs);
});

test("a sleeping item costs nothing but its alarm", async () => {
  const world = createWorld();
  const { calls, intercept } = watched();
  world.work([sleeper(world, YEAR_MS)], { intercept });
  await enqueue(world);
  await world.settle();
  const before = calls.length;
  await world.advance(364 * DAY_MS, DAY_MS);
  expect(calls).toHaveLength(before);
  expect(world.broker.entries.size).toBe(0);
});

test.each(["queued", "running", "sleeping", "held by the dead"] as const)(
  "a clock that jumps back an hour does not wedge an item that is %s",
  async (what) => {
    const world = createWorld();
    const workId = await enqueue(world);
    const engine = sleeper(world, what === "sleeping" ? 5 * MINUTE_MS : 0);
    const slow = engineOf(async (_state, ctx) => {
      await new Promise<void>((resolve) => world.clock.after(30_000, resolve));
      return ctx.step === 1 ? ctx.complete(1) : ctx.next(1);
    });
    if (what !== "queued") world.work([what === "running" || what === "held by the dead" ? slow : engine], { name: "first" });
    await world.pass(10_000);
    if (what === "held by the dead") world.machine.end("first");
    world.clock.setNowMs(world.clock.nowMs() - HOUR_MS);
    world.work([what === "running" ? slow : engine]);
    const withinMs = what === "sleeping" ? HOUR_MS + 20 * MINUTE_MS : 10 * MINUTE_MS;
    expect((await world.end(workId, withinMs)).status).toBe("completed");
  },
);

test("a clock that jumps back an hour does not hold up a lease whose holder died unnoticed", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  let dead = false;
  world.work([engineOf(async () => new Promise(() => undefined))], {
    intercept: (_call, run) => (dead ? new Promise(() => undefined) : run()),
  });
  await world.pass(10_000);
  dead = true;
  world.clock.setNowMs(world.clock.nowMs() - HOUR_MS);
  world.work([sleeper(world, 0)]);
  await world.end(workId, 5 * MINUTE_MS);
});

test("a clock that jumps ahead a day wakes what is due, and no running step is lost", async () => {
  const world = createWorld();
  const runs: number[] = [];
  world.work([
    engineOf(async (_state, ctx) => {
      runs.push(ctx.attempt);
      await new Promise<void>((resolve) => world.clock.after(30_000, resolve));
      return ctx.complete(1);
    }),
  ]);
  const workId = await enqueue(world);
  await world.pass(6_000);
  world.clock.setNowMs(world.clock.nowMs() + DAY_MS);
  await world.end(workId, 2 * MINUTE_MS);
});
