/** The tree: ends go down it, and it is seen from both sides. */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import { defineContract } from "../../src/domain/contract.ts";
import { defineEngine, type Engine } from "../../src/domain/engine.ts";
import { COLLECT_AFTER_MS, DAY_MS, RETENTION_MS } from "../../src/domain/limits.ts";
import { pause } from "../../src/runtime/deps.ts";
import { createWorld, type World } from "../support/world.ts";
import { Child, childOf, enqueueParent, expectResult, type Order, Parent, parentOf, startAll } from "./family.ts";

const asleep: Order = { end: "sleep" };

/** Starts two of its kind, one in a group and one in none, until it is as deep as told; then it waits. */
const Branch = defineContract<number, null>({ id: "branch", payload: z.number(), result: z.null() });
function branch(): Engine {
  return defineEngine(Branch, {
    version: 1,
    state: z.number(),
    init: 0,
    async step(_state, ctx) {
      if (ctx.payload > 0) {
        await ctx.start(Branch, ctx.payload - 1, { key: "a", group: "g" });
        await ctx.start(Branch, ctx.payload - 1, { key: "b" });
      }
      return ctx.waitFor(1, { timeoutMs: 400 * DAY_MS });
    },
  });
}
async function descendants(world: World, workId: string): Promise<string[]> {
  const { entries } = await world.client.children(workId);
  const below = await Promise.all(entries.map((child) => descendants(world, child.workId)));
  return [...entries.map((child) => child.workId), ...below.flat()];
}

describe("a cancel", () => {
  test("goes down three levels", async () => {
    const world = createWorld();
    world.work([branch()]);
    const { workId } = await world.client.enqueue(Branch, 3);
    await world.pass(5_000);
    const all = await descendants(world, workId);
    expect(all).toHaveLength(14);
    await world.client.cancel(workId);
    await world.pass(5_000);
    for (const id of [workId, ...all]) expect(await world.client.status(id)).toMatchObject({ status: "cancelled" });
    const [child = ""] = all;
    expect((await world.client.status(child)).error?.message).toBe(`its parent ${workId} has ended: cancelled`);
  });
});

test.each([
  ["completes", "completed"],
  ["fails", "failed"],
] as const)("children that go with their parent are cancelled when it %s, and the others stay", async (_name, status) => {
  const world = createWorld();
  const parent = parentOf(async (_state, ctx) => {
    await ctx.start(Child, asleep, { key: "goes", group: "g" });
    await ctx.start(Child, asleep, { key: "goes too" });
    await ctx.start(Child, asleep, { key: "stays", ifParentEnds: "leave" });
    await ctx.start(Child, { end: "ok" }, { key: "ended", group: "g" });
    if (ctx.wake.kind === "go") return ctx.waitFor(1, { timeoutMs: 5_000 });
    return status === "completed" ? ctx.complete(null) : ctx.fail(new Error("no"));
  });
  world.work([childOf(world), parent]);
  const id = await enqueueParent(world);
  expect((await world.end(id)).status).toBe(status);
  await world.pass(5_000);
  const { entries } = await world.client.children(id);
  expect(Object.fromEntries(entries.map(({ key, item }) => [key, item?.status]))).toEqual({
    goes: "cancelled",
    "goes too": "cancelled",
    stays: "sleeping",
    ended: "completed",
  });
});

test("a child that was redriven goes with its parent too", async () => {
  const world = createWorld();
  let ends: Order["end"] = "fail";
  const parent = parentOf(async (state, ctx) => {
    if (state === 0) await startAll(ctx, [{ end: "fail" }], { group: "g" });
    return state === 0 ? ctx.waitFor(1, { timeoutMs: 3_600_000 }) : ctx.complete(null);
  });
  world.work([childOf(world, () => ends), parent]);
  const id = await enqueueParent(world);
  await world.pass(5_000);
  const [child] = (await world.client.children(id)).entries;
  ends = "sleep";
  await world.client.redrive(child?.workId ?? "");
  await world.pass(5_000);
  expect((await world.client.status(child?.workId ?? "")).status).toBe("sleeping");
  await world.client.cancel(id);
  await world.pass(5_000);
  expect((await world.client.status(child?.workId ?? "")).status).toBe("cancelled");
});

describe("from outside", () => {
  test("a child names its parent, and a parent its children, page by page", async () => {
    const world = createWorld();
    const parent = parentOf(async (_state, ctx) => {
      if (ctx.wake.kind !== "go") return ctx.complete(null);
      await startAll(
        ctx,
        Array.from({ length: 120 }, () => asleep),
        { group: "big" },
      );
      await startAll(ctx, [asleep, { end: "ok" }, { end: "fail" }], { group: "small", limit: 3 }, 200);
      await ctx.start(Child, asleep, { key: "alone" });
      return ctx.waitFor(1, { group: "big" });
    });
    world.work([childOf(world), parent], { concurrency: 50 });
    const id = await enqueueParent(world);
    await world.pass(5_000);
    expect((await world.client.groups(id)).toSorted((a, b) => b.total - a.total)).toEqual([
      { name: "big", total: 120, succeeded: 0, failed: 0, limit: null },
      { name: "small", total: 3, succeeded: 1, failed: 1, limit: 3 },
    ]);
    const pagesOf = async (options: { group?: string }): Promise<string[][]> => {
      const pages: string[][] = [];
      for (let after: string | null = null; ; ) {
        const page = await world.client.children(id, { ...options, limit: 50, ...(after === null ? {} : { after }) });
        pages.push(page.entries.map(({ key }) => key));
        after = page.next;
        if (after === null) return pages;
      }
    };
    const big = await pagesOf({ group: "big" });
    expect(big.map((page) => page.length)).toEqual([50, 50, 20]);
    expect(big.flat()).toEqual(Array.from({ length: 120 }, (_, i) => String(i)));
    const all = await pagesOf({});
    expect(all.map((page) => page.length)).toEqual([50, 50, 24]);
    expect(new Set(all.flat()).size).toBe(124);
    const [first] = (await world.client.children(id, { group: "small" })).entries;
    expect(first).toMatchObject({ key: "200", engine: "child", group: "small", item: { status: "sleeping" } });
    expect(first?.item?.parent).toEqual({ workId: id, key: "200", group: "small" });
    expect(await world.client.status(id)).toMatchObject({ hasChildren: true, parent: null, waitsFor: { group: "big" } });
    for (const bad of [{ after: "x" }, { after: "x", group: "big" }, { limit: 0 }, { group: "" }])
      await expect(world.client.children(id, bad)).rejects.toThrow(/^(after|limit|group): expected/);
  });
  test("an item without children has an empty page and no groups", async () => {
    const world = createWorld();
    const { workId } = await world.client.enqueue(Parent, null);
    expect(await world.client.children(workId)).toEqual({ entries: [], next: null });
    expect(await world.client.groups(workId)).toEqual([]);
  });
});

describe("what a child leaves behind", () => {
  test("is kept as long as its parent is open, and forgotten after it", async () => {
    const world = createWorld({ retentionMs: 2 * DAY_MS });
    const parent = parentOf(async (state, ctx) => {
      if (state === 0) {
        await startAll(ctx, [{ end: "ok" }], { group: "g" });
        return ctx.next(1, { delayMs: 10 * DAY_MS });
      }
      return ctx.complete(await Array.fromAsync(ctx.results(Child, "g"), ({ status }) => status));
    });
    world.work([childOf(world), parent]);
    const id = await enqueueParent(world);
    await world.pass(5_000);
    const [child] = (await world.client.children(id)).entries;
    await world.advance(10 * DAY_MS, 3_600_000);
    await expectResult(world, id, ["completed"]);
    await world.advance(DAY_MS + COLLECT_AFTER_MS, 3_600_000);
    expect(await world.records(child?.workId ?? "")).toEqual([]);
    expect(RETENTION_MS).toBeGreaterThan(0);
  });
});

test("what a child leaves behind is kept for a parent that may be redriven, which does not start it anew", async () => {
  const world = createWorld({ retentionMs: 3 * DAY_MS });
  let ran = 0;
  const child = childOf(world, () => {
    ran += 1;
    return undefined;
  });
  const parent = parentOf(async (state, ctx) => {
    await startAll(ctx, [{ end: "ok" }], { group: "g" });
    if (state === 0) return ctx.next(1, { delayMs: 10 * DAY_MS });
    if (ctx.wake.kind === "go") throw new TypeError("a bug");
    return ctx.complete(await Array.fromAsync(ctx.results(Child, "g"), ({ status }) => status));
  });
  world.work([child, parent]);
  const id = await enqueueParent(world);
  await world.pass(5_000);
  await world.advance(10 * DAY_MS, 3_600_000);
  expect(await world.client.status(id)).toMatchObject({ status: "dead_lettered" });
  await world.advance(2 * DAY_MS, 3_600_000);
  await world.client.redrive(id);
  await expectResult(world, id, ["completed"]);
  expect(ran).toBe(1);
});

test("the message of a parent stays with its worker while it cancels its children, however long that takes", async () => {
  const world = createWorld();
  const parent = parentOf(async (_state, ctx) => {
    if (ctx.wake.kind !== "go") return ctx.complete(null);
    await startAll(
      ctx,
      Array.from({ length: 40 }, () => asleep),
      { group: "g" },
    );
    return ctx.waitFor(1, { timeoutMs: 60_000 });
  });
  let cancels = 0;
  const slow: Intercept = async (call, run) => {
    const [record] = call.args;
    const isCancel = call.method === "write" && JSON.stringify(record).includes('"kind":"cancel"');
    if (isCancel) {
      cancels += 1;
      await pause(world.clock, 20_000);
    }
    return run();
  };
  world.work([childOf(world), parent], { intercept: slow, concurrency: 50 });
  const id = await enqueueParent(world);
  await world.end(id);
  await world.pass(300_000);
  const statuses = (await world.client.children(id)).entries.map(({ item }) => item?.status);
  expect(statuses).toEqual(statuses.map(() => "cancelled"));
  expect(cancels).toBe(40);
});
