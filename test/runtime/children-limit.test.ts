/** `limit`: so many of a group at work at once, in the order of starting. */
import { expect, test } from "vitest";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import { createWorld } from "../support/world.ts";
import { Child, childOf, enqueueParent, expectResult, type Order, parentOf, startAll, toldOf, waiting } from "./family.ts";
import { nameOf } from "./faults.ts";

const orders = (count: number): Order[] =>
  Array.from({ length: count }, (_, i) => ({ end: i % 5 === 4 ? "fail" : "ok", afterMs: 100 + (i % 3) * 300 }));

test.each([1, 3, 8])("no more than %i of a group are at work at once, and no fewer for long", async (limit) => {
  const world = createWorld();
  const child = childOf(world);
  world.work([child, waiting(orders(40), "all", { limit })], { concurrency: 20 });
  const startedAtMs = world.clock.nowMs();
  const id = await enqueueParent(world);
  await expectResult(world, id, [32, 8]);
  expect(child.atWork.most).toBe(limit);
  // 40 children of 400 ms each.
  expect(world.clock.nowMs() - startedAtMs).toBeLessThan(1.3 * (16_000 / limit) + 1_000);
  expect(await world.client.groups(id)).toMatchObject([{ name: "g", total: 40, limit }]);
});

test("children begin in the order of starting", async () => {
  const world = createWorld();
  const seen: string[] = [];
  const child = childOf(world, (ctx) => {
    seen.push(ctx.workId);
    return undefined;
  });
  const ids: string[] = [];
  const parent = parentOf(async (state, ctx) => {
    const n = Number(state);
    if (n === 4) return ctx.wake.kind === "go" ? ctx.waitFor(4, { group: "g" }) : ctx.complete(null);
    ids.push(...(await startAll(ctx, orders(5), { group: "g", limit: 1 }, 5 * n)));
    return ctx.next(n + 1);
  });
  world.work([child, parent]);
  await world.end(await enqueueParent(world));
  expect(seen).toEqual(ids);
  expect(child.atWork.most).toBe(1);
});

test("the first limit that is given stands, also for those that are started without", async () => {
  const world = createWorld();
  const child = childOf(world);
  const parent = parentOf(async (state, ctx) => {
    const n = Number(state);
    if (n === 3) return ctx.complete(ctx.wake.kind);
    const limit = [{ limit: 2 }, {}, { limit: 9 }][n] ?? {};
    await startAll(ctx, orders(10), { group: "g", ...limit }, 10 * n);
    return n < 2 ? ctx.next(n + 1, { delayMs: 200 }) : ctx.waitFor(3, { group: "g" });
  });
  world.work([child, parent], { concurrency: 20 });
  await expectResult(world, await enqueueParent(world), "children");
  expect(child.atWork.most).toBe(2);
});

test("whoever was started before there was a limit takes up a place, and gives it to the next", async () => {
  const world = createWorld();
  const child = childOf(world);
  const parent = parentOf(async (_state, ctx) => {
    if (ctx.wake.kind === "children") return ctx.complete(ctx.wake.succeeded);
    await startAll(ctx, orders(1), { group: "g" });
    await startAll(ctx, orders(3), { group: "g", limit: 1 }, 1);
    return ctx.waitFor(1, { group: "g" });
  });
  world.work([child, parent], { concurrency: 20 });
  const startedAtMs = world.clock.nowMs();
  await expectResult(world, await enqueueParent(world), 4);
  expect(child.atWork.most).toBe(1);
  expect(world.clock.nowMs() - startedAtMs).toBeLessThan(10_000);
});

test("whoever has its turn while its parent's step goes on begins with the commit at the latest", async () => {
  const world = createWorld();
  const child = childOf(world);
  const parent = parentOf(async (state, ctx) => {
    if (state === 1) return ctx.complete(ctx.wake.kind);
    await startAll(ctx, orders(6), { group: "g", limit: 2 });
    await new Promise<void>((resolve) => world.clock.after(20_000, resolve));
    return ctx.waitFor(1, { group: "g" });
  });
  world.work([child, parent], { concurrency: 20 });
  const startedAtMs = world.clock.nowMs();
  await expectResult(world, await enqueueParent(world), "children");
  expect(child.atWork.most).toBe(2);
  expect(world.clock.nowMs() - startedAtMs).toBeLessThan(25_000);
});

test("those that an attempt started which came to nothing have their turns once another one is committed", async () => {
  const world = createWorld();
  const child = childOf(world);
  const parent = parentOf(
    async (_state, ctx) => {
      if (ctx.wake.kind === "children") return ctx.complete(ctx.wake.succeeded);
      await startAll(ctx, orders(4), { group: "g", limit: 2 });
      if (ctx.attempt === 1) throw new Error("once is not enough");
      return ctx.waitFor(1, { group: "g" });
    },
    { retry: { unknown: { attempts: 2, minMs: 500, maxMs: 500 } } },
  );
  world.work([child, parent], { concurrency: 20 });
  const startedAtMs = world.clock.nowMs();
  await expectResult(world, await enqueueParent(world), 4);
  expect(child.atWork.most).toBe(2);
  expect(world.clock.nowMs() - startedAtMs).toBeLessThan(10_000);
});

test("all hints lost, alarms bring everybody to their turn", async () => {
  const world = createWorld();
  const child = childOf(world);
  world.work([child, waiting(orders(6), "all", { limit: 2 })], { concurrency: 20 });
  const id = await enqueueParent(world);
  await world.reach(id, "waiting");
  world.loseMessages();
  expect(await world.end(id, 12 * 3_600_000)).toMatchObject({ status: "completed" });
  expect(child.atWork.most).toBe(2);
});

test("a child that waits for its turn is cancelled at once", async () => {
  const world = createWorld();
  const child = childOf(world);
  world.work([child, waiting([{ end: "ok", afterMs: 60_000 }, { end: "ok" }], "all", { limit: 1 })]);
  const id = await enqueueParent(world);
  await world.reach(id, "waiting");
  const second = (await world.client.children(id, { group: "g" })).entries[1];
  expect(second?.item?.status).toBe("queued");
  await world.client.cancel(second?.workId ?? "");
  await world.pass(1_000);
  expect((await world.client.status(second?.workId ?? "")).status).toBe("cancelled");
  await expectResult(world, id, [1, 1]);
  expect(child.atWork.most).toBe(1);
});

test("those that stay when the parent has ended still have their turns", async () => {
  const world = createWorld();
  const child = childOf(world);
  const parent = parentOf(async (_state, ctx) => {
    await startAll(ctx, orders(10), { group: "g", limit: 2, ifParentEnds: "leave" });
    return ctx.complete(null);
  });
  world.work([child, parent], { concurrency: 20 });
  const id = await enqueueParent(world);
  await world.end(id);
  await world.pass(30_000);
  expect(await world.client.groups(id)).toMatchObject([{ total: 10, succeeded: 8, failed: 2 }]);
  expect(child.atWork.most).toBe(2);
});

test("those of an attempt that came to nothing do not begin as long as their parent is open", async () => {
  const world = createWorld();
  const seen: string[] = [];
  const child = childOf(world, (ctx) => {
    seen.push(ctx.workId);
    return undefined;
  });
  const parent = parentOf(
    async (_state, ctx) => {
      if (ctx.wake.kind === "children") return ctx.waitFor(2, { timeoutMs: 3_600_000 });
      if (ctx.wake.kind === "timeout") return ctx.complete(null);
      await startAll(ctx, orders(3), { group: "g", limit: 1 }, 10 * ctx.attempt);
      if (ctx.attempt === 1) throw new Error("once is not enough");
      return ctx.waitFor(1, { group: "g" });
    },
    { retry: { unknown: { attempts: 2, minMs: 5_000, maxMs: 5_000 } } },
  );
  world.work([child, parent]);
  const id = await enqueueParent(world);
  await world.pass(3_000_000);
  const { entries } = await world.client.children(id);
  const keys = (statuses: readonly string[]): string[] =>
    entries.flatMap(({ key, item }) => (statuses.includes(item?.status ?? "") ? [key] : [])).sort();
  expect(keys(["completed"])).toEqual(["10", "20", "21", "22"]);
  expect(keys(["queued"])).toEqual(["11", "12"]);
  expect(new Set(seen).size).toBe(4);
  await world.end(id, 3_600_000);
  await world.pass(5_000);
  const ended = (await world.client.children(id)).entries.map(({ item }) => item?.status);
  expect(ended.sort()).toEqual(["cancelled", "cancelled", "completed", "completed", "completed", "completed"]);
});

test.each([0, 1, 2, 3, 4, 5, 6, 7])("the limit holds when the worker of the parent dies after %i starts", async (n) => {
  const world = createWorld();
  const child = childOf(world);
  let first = true;
  const parent = parentOf(async (_state, ctx) => {
    if (ctx.wake.kind === "children") return ctx.complete(ctx.wake.succeeded + ctx.wake.failed);
    const dies = first;
    first = false;
    for (const [i, order] of orders(8).entries()) {
      if (dies && i === n) {
        world.machine.end("first");
        await new Promise(() => undefined);
      }
      await ctx.start(Child, order, { key: String(i), group: "g", limit: 2 });
    }
    return ctx.waitFor(1, { group: "g" });
  });
  world.work([parent], { name: "first" });
  const id = await enqueueParent(world);
  world.work([child], { name: "children", concurrency: 20 });
  await world.pass(1_000);
  world.work([child, parent], { name: "second" });
  await expectResult(world, id, 8);
  expect(await toldOf(world, id)).toHaveLength(1);
  expect(child.atWork.most).toBeLessThanOrEqual(2);
});

test("those of a lost attempt that a later step starts again come after whoever has a place by then", async () => {
  const world = createWorld();
  const child = childOf(world);
  const parent = parentOf(
    async (state, ctx) => {
      if (ctx.wake.kind === "children") return ctx.complete([ctx.wake.succeeded, ctx.wake.failed]);
      const slow: Order[] = Array.from({ length: 4 }, () => ({ end: "ok", afterMs: 3_000 }));
      if (state === 0 && ctx.attempt === 1) {
        await startAll(ctx, slow, { group: "g", limit: 1, delayMs: 8_000 });
        throw new Error("once is not enough");
      }
      if (state === 0) {
        await startAll(ctx, slow, { group: "g", limit: 1 }, 10);
        return ctx.next(1, { delayMs: 8_500 });
      }
      await startAll(ctx, slow, { group: "g", limit: 1, delayMs: 8_000 });
      await startAll(ctx, slow, { group: "g" }, 20);
      return ctx.waitFor(2, { group: "g" });
    },
    { retry: { unknown: { attempts: 2, minMs: 0, maxMs: 0 } } },
  );
  world.work([child, parent], { concurrency: 20 });
  const startedAtMs = world.clock.nowMs();
  await expectResult(world, await enqueueParent(world), [12, 0]);
  expect(child.atWork.most).toBe(1);
  // Twelve of 3 s each, hinted by one another.
  expect(world.clock.nowMs() - startedAtMs).toBeLessThan(55_000);
});

test("an end reads a few leaves, though some at the head of the queue take long", async () => {
  const world = createWorld();
  const child = childOf(world);
  const count = 300;
  const order = (n: number): Order => ({ end: "ok", afterMs: n === 0 || n === 5 ? 200_000 : 500 });
  const parent = parentOf(async (state, ctx) => {
    const n = Number(state);
    if (n > count) return ctx.complete(ctx.wake.kind === "children" ? ctx.wake.succeeded : ctx.wake.kind);
    if (n === count) return ctx.waitFor(n + 1, { group: "g" });
    // A leaf each.
    await startAll(ctx, [order(n)], { group: "g", limit: 4 }, n);
    return ctx.next(n + 1);
  });
  let read = 0;
  const counting: Intercept = async (call, run) => {
    const answer = await run();
    if (call.method === "read" && Array.isArray(answer))
      read += answer.filter((record) => nameOf({ ...call, args: [record] }).includes("/leaf/")).length;
    return answer;
  };
  const id = await enqueueParent(world);
  world.work([parent], { name: "parent" });
  await world.reach(id, "waiting");
  world.work([child, parent], { concurrency: 20, intercept: counting });
  await expectResult(world, id, count);
  expect(child.atWork.most).toBe(4);
  // Five of the end itself; the others when a child is looked at before its turn, and in it, and all of them at last.
  expect(read / count).toBeLessThan(15);
});
