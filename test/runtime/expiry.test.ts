/** The end of an item on a store that collects by itself: every record is told when it may go, and nothing is swept. */
import { expect, test } from "vitest";
import { z } from "zod";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import { defineContract } from "../../src/domain/contract.ts";
import { defineEngine } from "../../src/domain/engine.ts";
import { keyPartition, parseNamespace } from "../../src/domain/ids.ts";
import { createClient } from "../../src/runtime/client.ts";
import { pause } from "../../src/runtime/deps.ts";
import { sha256 } from "../../src/wire/digest.ts";
import { createWorld, type World } from "../support/world.ts";
import { counter, engineOf, enqueue, Work } from "./builders.ts";
import { childOf, enqueueParent, parentOf, startAll } from "./family.ts";
import { draftOf, freezer, never } from "./faults.ts";

const DAY_MS = 86_400_000;
const RETENTION_MS = 10 * DAY_MS;
const world = (): World => createWorld({ retentionMs: RETENTION_MS }, { collects: true });
const keyOf = async (in_: World, key: string) =>
  (await in_.deps.store.read(keyPartition(parseNamespace("test"), "work", sha256(key))))[0];
/** HEAD's less by what it outlives the others by, where it was told as it ended. */
const expiries = async (in_: World, workId: string) =>
  Object.fromEntries(
    (await in_.records(workId)).map(({ sort, expiresAtMs = Number.NaN, body }) => [
      sort.split("/", 2).join("/"),
      sort === "LIVE/HEAD" && /completed|cancelled/.test(JSON.stringify(body)) ? expiresAtMs - 30 * DAY_MS : expiresAtMs,
    ]),
  );
const dueOf = async (in_: World, workId: string) => (await in_.records(workId)).find(({ sort }) => sort === "LIVE/DUE");

const keepsMemos = (more: Parameters<typeof engineOf>[1] = {}) =>
  engineOf(async (state, ctx) => {
    await ctx.once("memo", async () => 1);
    if (ctx.payload === "fails") throw new TypeError("a bug");
    return ctx.step === 40
      ? ctx.complete(state, { append: ["x".repeat(400)] })
      : ctx.next(ctx.step, { append: ["x".repeat(400)] });
  }, more);

test("a completed item: every record may go a day after it may be forgotten, and nobody has to look again", async () => {
  const here = world();
  here.work([keepsMemos()]);
  const { workId } = await here.client.enqueue(Work, "p", { key: "k" });
  await here.end(workId);
  await here.pass(1_000);
  const until = (await here.client.status(workId)).rememberedUntilAtMs ?? 0;
  const expiresAtMs = until + DAY_MS;
  const told = await expiries(here, workId);
  expect(Object.keys(told)).toEqual(expect.arrayContaining(["LIVE/DUE", "LIVE/HEAD", "LIVE/ITEM", "LIVE/LEASE"]));
  expect(Object.keys(told).some((sort) => sort.startsWith("segment/"))).toBe(true);
  expect(new Set(Object.values(told))).toEqual(new Set([expiresAtMs]));
  expect(await keyOf(here, "k")).toMatchObject({ expiresAtMs, body: { remembered: until } });
  expect((await dueOf(here, workId))?.due).toBeNull();
  await here.advance(RETENTION_MS - DAY_MS, DAY_MS / 4);
  expect((await here.client.status(workId)).alarmAtMs).toBeNull();
});

test("an item with blobs is looked at when it may be forgotten, and they are deleted", async () => {
  const here = world();
  here.work([engineOf(async (_state, ctx) => ctx.complete("x".repeat(9_000)))]);
  const workId = await enqueue(here);
  await here.end(workId);
  await here.pass(1_000);
  const until = (await here.client.status(workId)).rememberedUntilAtMs ?? 0;
  expect((await dueOf(here, workId))?.due?.atMs).toBe(until);
  expect(new Set(Object.values(await expiries(here, workId)))).toEqual(new Set([until + DAY_MS]));
  const digest = JSON.stringify((await here.records(workId)).find(({ sort }) => sort === "LIVE/HEAD")?.body).match(
    /[0-9a-f]{64}/,
  )?.[0];
  expect(await here.deps.blobs.head(`test/${workId}`, digest ?? "")).not.toBeNull();
  await here.advance(RETENTION_MS + DAY_MS / 2, DAY_MS / 8);
  expect(await here.deps.blobs.head(`test/${workId}`, digest ?? "")).toBeNull();
  expect((await dueOf(here, workId))?.due).toBeNull();
});

test("one that may be redriven is told only once it is forgotten", async () => {
  const here = world();
  here.work([keepsMemos()]);
  const { workId } = await here.client.enqueue(Work, "fails", { key: "k" });
  expect((await here.end(workId)).status).toBe("dead_lettered");
  await here.pass(1_000);
  expect(new Set(Object.values(await expiries(here, workId)))).toEqual(new Set([Number.NaN]));
  expect((await keyOf(here, "k"))?.expiresAtMs).toBeUndefined();
  const until = (await here.client.status(workId)).rememberedUntilAtMs ?? 0;
  await here.advance(RETENTION_MS + DAY_MS / 2, DAY_MS / 8);
  expect(new Set(Object.values(await expiries(here, workId)))).toEqual(new Set([until + DAY_MS]));
  expect((await keyOf(here, "k"))?.expiresAtMs).toBe(until + DAY_MS);
});

test("one that is redriven in time has no record that expires", async () => {
  const here = world();
  let mended = false;
  here.work([
    engineOf(async (_state, ctx) => {
      if (!mended) throw new TypeError("a bug");
      return ctx.next(1, { delayMs: 400 * DAY_MS });
    }),
  ]);
  const { workId } = await here.client.enqueue(Work, "p", { key: "k" });
  await here.end(workId);
  mended = true;
  await here.client.redrive(workId);
  await here.reach(workId, "sleeping");
  await here.advance(RETENTION_MS + 5 * DAY_MS, DAY_MS / 4);
  expect((await here.client.status(workId)).status).toBe("sleeping");
  expect(new Set(Object.values(await expiries(here, workId)))).toEqual(new Set([Number.NaN]));
  expect((await here.client.enqueue(Work, "p", { key: "k" })).workId).toBe(workId);
});

test("what is sent to an item that has ended goes with it", async () => {
  const here = world();
  here.work([counter(1)]);
  const workId = await enqueue(here);
  await here.end(workId);
  await here.pass(1_000);
  // A sender that looked before the end and writes after it.
  await here.deps.store.write(
    { partition: `test/${workId}`, sort: "seen/late", body: { v: 1, at: 1 }, data: null, writeId: "w", due: null, listed: null },
    "absent",
  );
  const due = await dueOf(here, workId);
  await here.tamper(workId, "LIVE/DUE", {
    body: { v: 1, why: "inbox", at: here.clock.nowMs() + 60_000 },
    due: { shard: 0, atMs: 1 },
  });
  expect(due?.due).toBeNull();
  await here.advance(3 * 60_000, 60_000);
  const until = (await here.client.status(workId)).rememberedUntilAtMs ?? 0;
  expect(new Set(Object.values(await expiries(here, workId)))).toEqual(new Set([until + DAY_MS]));
});

test("what children that end later write into their parent's records goes with them", async () => {
  const here = world();
  const parent = parentOf(async (_state, ctx) => {
    await startAll(ctx, [{ end: "sleep" }, { end: "sleep" }], { group: "limited", limit: 1 });
    await startAll(ctx, [{ end: "ok", afterMs: 5_000 }], { group: "left", ifParentEnds: "leave" }, 2);
    return ctx.complete(null);
  });
  here.work([childOf(here), parent]);
  const workId = await enqueueParent(here);
  await here.end(workId);
  await here.pass(60_000);
  expect(await here.client.groups(workId)).toMatchObject([{ succeeded: 1 }, { failed: 2 }]);
  const until = (await here.client.status(workId)).rememberedUntilAtMs ?? 0;
  expect(new Set(Object.values(await expiries(here, workId)))).toEqual(new Set([until + DAY_MS]));
});

test("a signal that comes while the end is being settled goes with the item", async () => {
  const here = world();
  const Told = defineContract({ id: "told", payload: z.null(), result: z.null(), signals: { hello: z.null() } });
  let [isSent, hasEnded] = [false, false];
  // It looked before the end, and writes after the records were told; the alarm is early enough for it.
  const waits: Intercept = async (call, run) => {
    while (call.method === "write" && !hasEnded) await new Promise((resolve) => setImmediate(resolve));
    return run();
  };
  const beforeRetention: Intercept = async (call, run) => {
    if (!hasEnded && draftOf(call).body["why"] === "retention") {
      hasEnded = true;
      while (!isSent) await new Promise((resolve) => setImmediate(resolve));
    }
    return run();
  };
  const { workId } = await here.client.enqueue(Told, null, { deadlineMs: 50_000 });
  const sent = createClient(here.process("sender", { intercept: waits })).signal(Told, workId, "hello", null);
  await here.settle();
  void sent.then(() => {
    isSent = true;
  });
  here.work([defineEngine(Told, { version: 1, state: z.null(), init: null, step: async (_state, ctx) => ctx.complete(null) })], {
    intercept: beforeRetention,
    concurrency: 1,
  });
  await here.end(workId);
  expect(await sent).toMatchObject({ accepted: false });
  await here.pass(60_000);
  const until = (await here.client.status(workId)).rememberedUntilAtMs ?? 0;
  const told = await expiries(here, workId);
  expect(Object.keys(told)).toEqual(expect.arrayContaining(["LIVE/inbox", expect.stringContaining("seen/")]));
  expect(new Set(Object.values(told))).toEqual(new Set([until + DAY_MS]));
});

test("what a late worker wrote beside the end goes with the item", async () => {
  const here = world();
  const ice = freezer();
  const engineIn = (name: string) =>
    engineOf(async (_state, ctx) => {
      await pause(here.clock, 10_000);
      await ctx.once(`memo of ${name}`, async () => name);
      return ctx.complete(name);
    });
  here.work([engineIn("late")], { intercept: ice.intercept });
  const workId = await enqueue(here);
  await here.pass(9_000);
  ice.freeze();
  here.work([engineIn("other")]);
  await here.end(workId);
  await here.pass(1_000);
  ice.thaw();
  await here.pass(60_000);
  const { rememberedUntilAtMs } = await here.client.status(workId);
  const memos = (await here.records(workId)).filter(({ sort }) => sort.startsWith("once/"));
  expect(memos.map(({ expiresAtMs }) => expiresAtMs)).toEqual(Array(2).fill((rememberedUntilAtMs ?? 0) + DAY_MS));
  expect([...here.broker.entries]).toEqual([]);
});

test("an item that ended is not new again, though all stood still before its end was settled", async () => {
  const here = world();
  let steps = 0;
  const engine = engineOf(async (_state, ctx) => {
    steps += 1;
    return ctx.complete(null);
  });
  let isDead = false;
  const dies: Intercept = async (call, run) => {
    if (isDead) return never();
    const answer = await run();
    isDead = draftOf(call).sort === "LIVE/HEAD";
    return isDead ? never() : answer;
  };
  here.work([engine], { intercept: dies });
  const workId = await enqueue(here);
  await here.settle();
  expect(isDead).toBe(true);
  here.clock.advance(RETENTION_MS + 3 * DAY_MS);
  for (const record of await here.records(workId))
    if ((record.expiresAtMs ?? here.clock.nowMs()) < here.clock.nowMs()) await here.deps.store.remove(record, record.revision);
  here.work([engine]);
  await here.advance(DAY_MS, DAY_MS / 48);
  expect(steps).toBe(1);
  await expect(here.client.status(workId)).rejects.toThrow("no work item");
});

test("an item whose records may go is gone, in whatever order the store takes them", async () => {
  const here = world();
  let steps = 0;
  here.work([
    engineOf(async (_state, ctx) => {
      steps += 1;
      return ctx.complete(1);
    }),
  ]);
  const workId = await enqueue(here);
  await here.end(workId);
  await here.advance(RETENTION_MS + 2 * DAY_MS, DAY_MS / 4);
  const head = (await here.records(workId)).find(({ sort }) => sort === "LIVE/HEAD");
  await here.deps.store.remove({ partition: `test/${workId}`, sort: "LIVE/HEAD" }, head?.revision ?? 0);
  await expect(here.client.status(workId)).rejects.toThrow("no work item");
  await here.deps.queue.send(JSON.stringify({ v: 1, ns: "test", id: workId, at: 0 }), { delayMs: 0, lane: "normal", tenant: "" });
  await here.advance(60_000, 1_000);
  expect(steps).toBe(1);
  expect([...here.broker.entries]).toEqual([]);
});
