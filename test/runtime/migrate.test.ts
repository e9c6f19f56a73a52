/** Engines of other versions: states are carried over, and newer ones left to newer workers. */
import { expect, test } from "vitest";
import type { Engine } from "../../src/domain/engine.ts";
import type { Json } from "../../src/domain/json.ts";
import { createWorld, type World } from "../support/world.ts";
import { type AnyCtx, engineOf, enqueue, kinds, type More, type Step } from "./builders.ts";
import { outage } from "./faults.ts";

const HOUR_MS = 3_600_000;
const first = engineOf(async (_state, ctx) => ctx.next({ v: 1, big: String(ctx.payload) }, { delayMs: HOUR_MS }));
const second = (step: Step, migrate: NonNullable<More["migrate"]>, more: More = {}): Engine =>
  engineOf(step, { version: 2, migrate, ...more });

/** An item at version 1 of its engine, asleep; its worker is gone. */
async function asleep(world: World, payload: Json = "old"): Promise<string> {
  const worker = world.work([first]);
  const workId = await enqueue(world, payload);
  await world.reach(workId, "sleeping");
  await worker.stop();
  return workId;
}
const whole = async (state: Json, ctx: AnyCtx) => ctx.complete([state, ctx.payload]);

test("`migrate` carries state and payload over, once, with the first commit of the new version", async () => {
  const world = createWorld();
  const workId = await asleep(world);
  const calls: unknown[] = [];
  const migrate: NonNullable<More["migrate"]> = (old, from) => {
    calls.push([old, from]);
    return { state: { v: 2 }, payload: "new" };
  };
  world.work([second(async (state, ctx) => (ctx.step === 1 ? ctx.next(state) : whole(state, ctx)), migrate)]);
  await world.end(workId, 2 * HOUR_MS);
  expect(calls).toEqual([[{ payload: "old", state: { v: 1, big: "old" } }, 1]]);
  expect(await world.client.resultJson(workId)).toEqual([{ v: 2 }, "new"]);
  expect(await kinds(world, workId)).toEqual(["step", "migrated", "step", "step", "ended"]);
  expect((await world.client.status(workId)).engineVersion).toBe(2);
});

test("an attempt that throws after `migrate` leaves the old state to the next", async () => {
  const world = createWorld();
  const workId = await asleep(world);
  const seen: unknown[] = [];
  const migrate: NonNullable<More["migrate"]> = (old) => {
    seen.push(old.state);
    return { state: { v: 2 }, payload: "new" };
  };
  const flaky: Step = async (state, ctx) => {
    if (ctx.attempt === 1) throw new Error("again");
    return whole(state, ctx);
  };
  world.work([second(flaky, migrate)]);
  await world.end(workId, 2 * HOUR_MS);
  expect(seen).toEqual([1, 2].map(() => ({ v: 1, big: "old" })));
});

test("without `migrate` state and payload go over as they are", async () => {
  const world = createWorld();
  const workId = await asleep(world);
  world.work([engineOf(whole, { version: 7 })]);
  await world.end(workId, 2 * HOUR_MS);
  expect(await world.client.resultJson(workId)).toEqual([{ v: 1, big: "old" }, "old"]);
});

test("a `migrate` that throws pauses the item with its reason; mended and resumed, it goes on", async () => {
  const world = createWorld();
  const workId = await asleep(world);
  const broken = world.work([
    second(whole, () => {
      throw new Error("no field n");
    }),
  ]);
  const paused = await world.reach(workId, "paused", 2 * HOUR_MS);
  expect(paused).toMatchObject({
    pausedBecause: "migrate failed: no field n",
    attempt: 0,
    version: 1,
    error: { message: "no field n" },
  });
  expect(await world.client.state(workId)).toEqual({ v: 1, big: "old" });
  await world.advance(40 * 24 * HOUR_MS, 12 * HOUR_MS);
  expect((await world.client.status(workId)).status).toBe("paused");
  await broken.stop();
  world.work([second(whole, () => ({ state: "mended", payload: null }))]);
  await world.client.resume(workId);
  await world.end(workId, 60_000);
  expect(await world.client.resultJson(workId)).toEqual(["mended", null]);
});

test("a `migrate` whose values are not as they should be pauses the item, too", async () => {
  const world = createWorld();
  const workId = await asleep(world);
  world.work([second(whole, () => ({ state: { when: new Date(0) as unknown as Json }, payload: null }))]);
  expect((await world.reach(workId, "paused", 2 * HOUR_MS)).pausedBecause).toContain(
    "expected plain JSON at $.when, got an instance of Date",
  );
});

test("blobs that are out of reach during `migrate` do not pause the item", async () => {
  const world = createWorld();
  const workId = await asleep(world, "x".repeat(10_000));
  const blobs = outage((call) => call.port === "blobs");
  blobs.on = true;
  world.work([second(whole, () => ({ state: 2, payload: "y".repeat(10_000) }))], { intercept: blobs.intercept });
  await world.advance(HOUR_MS + 300_000, 1_000);
  expect(blobs.failed).toBeGreaterThan(0);
  expect((await world.client.status(workId)).pausedBecause).toBeNull();
  blobs.on = false;
  await world.end(workId, HOUR_MS);
});

test("a state of a newer version is left to newer workers, uncharged", async () => {
  const world = createWorld();
  const newer = world.work([engineOf(async (_state, ctx) => ctx.next("of version 2", { delayMs: 60_000 }), { version: 2 })]);
  const workId = await enqueue(world, 1);
  await world.reach(workId, "sleeping");
  await newer.stop();
  world.work([first]);
  await world.advance(2 * HOUR_MS, 10_000);
  expect(await world.client.status(workId)).toMatchObject({
    status: "queued",
    attempt: 0,
    version: 1,
    error: null,
    engineVersion: 2,
  });
  expect(await kinds(world, workId)).toEqual(["step"]);
  expect(world.broker.buried).toEqual([]);
  world.work([engineOf(whole, { version: 3 })]);
  await world.end(workId, 16 * 60_000);
  expect(await world.client.resultJson(workId)).toEqual(["of version 2", 1]);
});

test("an item that has not begun has nothing to carry over", async () => {
  const world = createWorld();
  const workId = await enqueue(world, "p");
  let migrated = 0;
  world.work([second(whole, (old) => ({ state: migrated++, payload: old.payload as Json }))]);
  await world.end(workId);
  expect(migrated).toBe(0);
});
