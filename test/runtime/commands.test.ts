/** Cancel, pause and resume in every status; commands are idempotent by id and applied in order. */
import { expect, test } from "vitest";
import { InboxFullError, InvalidArgumentError, RefusedError } from "../../src/domain/errors.ts";
import { createClient } from "../../src/runtime/client.ts";
import { pause } from "../../src/runtime/deps.ts";
import type { ShownStatus } from "../../src/runtime/inspect.ts";
import { createWorld, type World } from "../support/world.ts";
import { engineOf, enqueue, kinds } from "./builders.ts";
import { freezer, nameOf } from "./faults.ts";

const LONG_MS = 24 * 3_600_000;
interface Scene {
  readonly world: World;
  readonly workId: string;
}
/** Items that stay in a status; the payload says which. */
const stay = (world: World) =>
  engineOf(
    async (_state, ctx) => {
      if (ctx.payload === "sleeping" && ctx.step === 0) return ctx.next(1, { delayMs: LONG_MS });
      if (ctx.payload === "retrying" && ctx.attempt === 1) throw new Error("first");
      if (ctx.payload === "failed") return ctx.fail(new Error("no"));
      if (ctx.payload === "dead_lettered") throw new TypeError("bug");
      if (ctx.payload === "running") await pause(world.clock, 20_000, ctx.abortSignal);
      ctx.abortSignal.throwIfAborted();
      return ctx.complete("done");
    },
    { retry: { unknown: { attempts: 3, minMs: LONG_MS, maxMs: LONG_MS } } },
  );

async function itemIn(what: ShownStatus | "retrying"): Promise<Scene> {
  const world = createWorld();
  const workId = await enqueue(world, what);
  if (what === "queued") return { world, workId };
  if (what === "paused") await world.client.pause(workId);
  if (what === "cancelled") await world.client.cancel(workId);
  world.work([stay(world)]);
  await world.reach(workId, what === "retrying" ? "sleeping" : what);
  if (what === "running") await world.pass(1_000);
  return { world, workId };
}

const OPEN = ["queued", "running", "sleeping", "retrying", "paused"] as const;
const ENDED = ["completed", "failed", "cancelled", "dead_lettered"] as const;

test.each(OPEN)("an item that is %s can be cancelled", async (what) => {
  const { world, workId } = await itemIn(what);
  await world.client.cancel(workId, "enough");
  if (what === "queued") world.work([stay(world)]);
  const status = await world.end(workId, 5_000);
  expect(status).toMatchObject({ status: "cancelled", error: { name: "CancelledError", message: "enough" } });
  expect(await kinds(world, workId)).toContain("cancel_requested");
});

test.each(ENDED)("an item that is %s cannot be cancelled, paused or resumed", async (what) => {
  const { world, workId } = await itemIn(what);
  for (const command of ["cancel", "pause", "resume"] as const)
    await expect(world.client[command](workId)).rejects.toThrow(RefusedError);
  expect((await world.client.status(workId)).status).toBe(what);
});

test.each(["queued", "sleeping", "retrying"] as const)(
  "an item that is %s is paused with its wake, and resumed with it",
  async (what) => {
    const { world, workId } = await itemIn(what);
    if (what === "queued") world.work([stay(world)], { lanes: ["low"] });
    const { wakeAtMs } = await world.client.status(workId);
    await world.client.pause(workId, "coffee");
    if (what === "queued") world.work([stay(world)]);
    expect(await world.reach(workId, "paused", 1_000)).toMatchObject({
      pausedBecause: "coffee",
      wakeAtMs,
      retrying: what === "retrying",
    });
    await world.advance(6 * 3_600_000, 600_000);
    expect((await world.client.status(workId)).status).toBe("paused");
    await world.client.resume(workId);
    if (what === "queued") return expect((await world.end(workId, 1_000)).status).toBe("completed");
    expect(await world.reach(workId, "sleeping", 1_000)).toMatchObject({ wakeAtMs, retrying: what === "retrying" });
    await world.advance(18 * 3_600_000 - 120_000, 600_000);
    expect((await world.end(workId, 181_000)).status).toBe("completed");
  },
);

test("an item resumed after its wake has passed goes on at once", async () => {
  const { world, workId } = await itemIn("sleeping");
  await world.client.pause(workId);
  await world.reach(workId, "paused");
  await world.advance(2 * LONG_MS, 3_600_000);
  await world.client.resume(workId);
  expect((await world.end(workId, 1_000)).status).toBe("completed");
});

test("a running item is paused when its step has ended; the outcome is kept", async () => {
  const world = createWorld();
  world.work([
    engineOf(async (_state, ctx) => pause(world.clock, 10_000).then(() => (ctx.step === 1 ? ctx.complete(1) : ctx.next("kept")))),
  ]);
  const workId = await enqueue(world);
  await world.pass(1_000);
  await world.client.pause(workId);
  expect(await world.reach(workId, "paused", 10_000)).toMatchObject({ version: 1 });
  expect(await world.client.state(workId)).toBe("kept");
  await world.client.resume(workId);
  await world.end(workId, 11_000);
});

test("a cancel aborts the running step within a heartbeat", async () => {
  const { world, workId } = await itemIn("running");
  await world.client.cancel(workId);
  await world.pass(4_000);
  expect(await world.client.status(workId)).toMatchObject({ status: "cancelled", version: 0 });
  expect(await kinds(world, workId)).toEqual(["given_back", "cancel_requested", "ended"]);
});

test("an outcome that a step returns despite the cancel is kept", async () => {
  const world = createWorld();
  world.work([
    engineOf(async (_state, ctx) => {
      await pause(world.clock, 20_000, ctx.abortSignal);
      return ctx.next(ctx.abortSignal.aborted);
    }),
  ]);
  const workId = await enqueue(world);
  await world.pass(1_000);
  await world.client.cancel(workId);
  expect(await world.end(workId, 5_000)).toMatchObject({ status: "cancelled", version: 1 });
  expect(await world.client.state(workId)).toBe(true);
});

test("a completion that crosses a cancel stands, and the cancel is on record as refused", async () => {
  const world = createWorld();
  world.work([engineOf(async (_state, ctx) => pause(world.clock, 2_000).then(() => ctx.complete("first")))]);
  const workId = await enqueue(world);
  await world.pass(1_000);
  await world.client.cancel(workId);
  await world.reach(workId, "completed", 2_000);
  await world.pass(2_000);
  expect(await kinds(world, workId)).toEqual(["step", "ended", "refused"]);
  expect(await world.client.status(workId)).toMatchObject({ status: "completed", unread: 0 });
});

test("a cancelled item has its `recover`, and a second cancel is refused meanwhile", async () => {
  const world = createWorld();
  world.work([
    engineOf(async (_state, ctx) => ctx.next(1, { delayMs: LONG_MS }), {
      recover: async (state, cause, ctx) =>
        state === "undone" ? ctx.complete(cause.kind) : ctx.next("undone", { delayMs: 60_000 }),
    }),
  ]);
  const workId = await enqueue(world);
  await world.reach(workId, "sleeping");
  await world.client.cancel(workId, "enough");
  await world.pass(1_000);
  expect((await world.client.status(workId)).recovering).toEqual({ kind: "cancelled", reason: "enough" });
  await expect(world.client.cancel(workId)).rejects.toThrow("an item that is not ending already");
  expect((await world.end(workId)).status).toBe("completed");
});

test("the same id is the same command, however often it is sent", async () => {
  const { world, workId } = await itemIn("sleeping");
  for (let i = 0; i < 3; i++) await world.client.pause(workId, "coffee", { id: "p-1" });
  await world.reach(workId, "paused");
  await world.client.resume(workId, { id: "r-1" });
  await world.reach(workId, "sleeping");
  await world.client.pause(workId, "coffee", { id: "p-1" });
  await world.pass(60_000);
  expect(await kinds(world, workId)).toEqual(["step", "paused", "resumed"]);
});

test("a repeat that comes late, when the command was consumed and taken away, changes nothing", async () => {
  const { world, workId } = await itemIn("sleeping");
  const ice = freezer();
  const stalled = createClient(
    world.process("stalled", {
      intercept: (call, run) => (nameOf(call).includes("LIVE/command") ? ice.intercept(call, run) : run()),
    }),
  );
  ice.freeze();
  const repeat = stalled.pause(workId, "coffee", { id: "p-1" });
  await world.settle();
  await world.client.pause(workId, "coffee", { id: "p-1" });
  await world.reach(workId, "paused");
  await world.client.resume(workId);
  await world.reach(workId, "sleeping");
  await world.client.cancel(workId, "so that the inbox is tidied up");
  await world.end(workId);
  ice.thaw();
  await repeat;
  await world.pass(60_000);
  expect(await kinds(world, workId)).toEqual(["step", "paused", "resumed", "cancel_requested", "ended"]);
});

test("commands of one sender are applied in order", async () => {
  const world = createWorld();
  const workId = await enqueue(world, "sleeping");
  for (let i = 0; i < 10; i++) {
    await world.client.pause(workId, `pause ${i}`);
    await world.client.resume(workId);
  }
  await world.client.pause(workId, "the last");
  world.work([stay(world)]);
  expect(await world.reach(workId, "paused")).toMatchObject({ pausedBecause: "the last", unread: 0 });
  const done = await kinds(world, workId);
  expect(done.filter((kind) => kind !== "step")).toEqual([
    ...Array.from({ length: 10 }, () => ["paused", "resumed"]).flat(),
    "paused",
  ]);
});

test("1,000 unread commands are the most that is buffered, and all are applied", async () => {
  const world = createWorld();
  const workId = await enqueue(world, "sleeping");
  for (let i = 0; i < 1_000; i++) await (i % 2 === 0 ? world.client.pause(workId) : world.client.resume(workId));
  const error: unknown = await world.client.pause(workId).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InboxFullError);
  expect(String(error)).toContain(`inbox of work item ${workId} is full: expected fewer than 1000 unread entries`);
  world.work([stay(world)]);
  await world.pass(1_000);
  expect(await world.client.status(workId)).toMatchObject({ status: "sleeping", unread: 0, version: 1 });
  expect((await kinds(world, workId)).filter((kind) => kind === "paused")).toHaveLength(500);
});

test("what is no command is refused at the door, and harms nothing", async () => {
  const { world, workId } = await itemIn("sleeping");
  for (const id of ["", "a b", "x".repeat(129), "é"])
    await expect(world.client.pause(workId, "r", { id })).rejects.toThrow(InvalidArgumentError);
  const wrong = 7 as unknown as string;
  await expect(world.client.cancel(workId, wrong)).rejects.toThrow(InvalidArgumentError);
  await expect(world.client.pause(workId, "x".repeat(1_000_000))).rejects.toThrow(InvalidArgumentError);
  expect((await world.client.status(workId)).status).toBe("sleeping");
});
