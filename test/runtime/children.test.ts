/** Children: started by key, waited for by group, told once. */
import { describe, expect, test } from "vitest";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import type { Json } from "../../src/domain/json.ts";
import { pause } from "../../src/runtime/deps.ts";
import { createWorld } from "../support/world.ts";
import {
  Child,
  childOf,
  enqueueParent,
  expectResult,
  type FamilyCtx,
  type Order,
  parentOf,
  startAll,
  toldOf,
  waiting,
} from "./family.ts";
import { draftOf, freezer } from "./faults.ts";

const ok: Order = { end: "ok" };
const bad: Order = { end: "fail" };
const later = (afterMs: number): Order => ({ end: "ok", afterMs });
type Until = NonNullable<Parameters<FamilyCtx<Json>["waitFor"]>[1]["until"]>;

const WAITS: readonly [name: string, orders: readonly Order[], until: Until, told: [number, number]][] = [
  ["all, when all have ended", [ok, bad, later(5_000)], "all", [2, 1]],
  ["all of an empty group, at once", [], "all", [0, 0]],
  ["any of an empty group, at once", [], "any", [0, 0]],
  ["all of more than a leaf", Array.from({ length: 230 }, () => ok), "all", [230, 0]],
  ["any, as soon as one has ended", [later(60_000), later(2_000), { end: "sleep" }], "any", [1, 0]],
  ["any, also a bad end", [later(60_000), { end: "fail", afterMs: 2_000 }], "any", [0, 1]],
  ["so many that succeed", [later(1_000), bad, later(2_000), later(60_000)], { succeeded: 2 }, [2, 1]],
  ["so many that succeed, or all, when there are fewer", [ok, bad, later(3_000)], { succeeded: 9 }, [2, 1]],
  [
    "more that fail than may",
    [{ end: "fail", afterMs: 1_000 }, { end: "fail", afterMs: 2_000 }, { end: "sleep" }],
    { failedAtMost: 1 },
    [0, 2],
  ],
  ["all, as no more fail than may", [bad, later(3_000)], { failedAtMost: 1 }, [1, 1]],
  ["the earlier of two bounds", [ok, later(1_000), bad, { end: "sleep" }], { succeeded: 2, failedAtMost: 3 }, [2, 1]],
  ["nothing more than what can happen, without bounds", [ok, later(3_000)], {}, [2, 0]],
];
test.each(WAITS)("a parent waits for %s", async (_name, orders, until, told) => {
  const world = createWorld();
  world.work([childOf(world), waiting(orders, until)]);
  const startedAtMs = world.clock.nowMs();
  const id = await enqueueParent(world);
  await expectResult(world, id, told);
  expect(await toldOf(world, id)).toHaveLength(1);
  // By whoever came last, and not by an alarm.
  expect(world.clock.nowMs() - startedAtMs).toBeLessThan(10_000);
});

describe("a wait", () => {
  test("for a group that ended before it began is over at once", async () => {
    const world = createWorld();
    const parent = parentOf(async (state, ctx) => {
      if (state === 0) {
        await startAll(ctx, [ok, bad], { group: "g" });
        return ctx.next(1, { delayMs: 60_000 });
      }
      return ctx.wake.kind === "children" ? ctx.complete([ctx.wake.succeeded, ctx.wake.failed]) : ctx.waitFor(1, { group: "g" });
    });
    world.work([childOf(world), parent]);
    await expectResult(world, await enqueueParent(world), [1, 1]);
  });
  test("ends with its timeout when the group is not as wanted by then, and a later one can follow", async () => {
    const world = createWorld();
    const parent = parentOf(async (state, ctx) => {
      if (state === 0) {
        await startAll(ctx, [later(90_000)], { group: "g" });
        return ctx.waitFor(1, { group: "g", timeoutMs: 10_000 });
      }
      if (ctx.wake.kind === "timeout") return ctx.waitFor("again", { group: "g", timeoutMs: 3_600_000 });
      return ctx.complete([state, ctx.wake.kind]);
    });
    world.work([childOf(world), parent]);
    const id = await enqueueParent(world);
    await expectResult(world, id, ["again", "children"]);
  });
  test("of the same group, after more were started, counts all of them", async () => {
    const world = createWorld();
    const parent = parentOf(async (state, ctx) => {
      const round = Number(state);
      if (round === 3) return ctx.complete(ctx.wake.kind === "children" ? [ctx.wake.succeeded, ctx.wake.failed] : "?");
      await startAll(ctx, [ok, bad], { group: "g" }, 2 * round);
      return ctx.waitFor(round + 1, { group: "g" });
    });
    world.work([childOf(world), parent]);
    const id = await enqueueParent(world);
    await expectResult(world, id, [3, 3]);
    expect(await toldOf(world, id)).toEqual([1, 2, 3].map((n) => ({ succeeded: n, failed: n })));
  });
  test("of a paused parent is over, and the parent goes on when it is resumed", async () => {
    const world = createWorld();
    world.work([childOf(world), waiting([later(30_000)])]);
    const id = await enqueueParent(world);
    await world.reach(id, "waiting");
    await world.client.pause(id);
    await world.reach(id, "paused");
    await world.pass(60_000);
    expect(await world.client.status(id)).toMatchObject({ status: "paused", waitsFor: null });
    await world.client.resume(id);
    await expectResult(world, id, [1, 0]);
  });
  test("is told by the sweeper when nobody else did", async () => {
    const world = createWorld();
    const parent = parentOf(async (state, ctx) => {
      if (state === 0) await startAll(ctx, [{ end: "sleep" }], { group: "g" });
      return state === 0 ? ctx.waitFor(1, { group: "g" }) : ctx.complete(ctx.wake.kind);
    });
    world.work([childOf(world), parent]);
    const id = await enqueueParent(world);
    await world.reach(id, "waiting");
    const [leaf] = (await world.records(id)).filter(({ sort }) => sort.includes("/leaf/"));
    await world.tamper(id, leaf?.sort ?? "", { body: { ...leaf?.body, marks: `S${".".repeat(99)}` } });
    await world.pass(86_400_000);
    await expectResult(world, id, "children");
  });
});

describe("ctx.start", () => {
  test("of the same key is the same child, in one step and in later ones", async () => {
    const world = createWorld();
    const ids = new Set<string>();
    const parent = parentOf(async (state, ctx) => {
      for (const id of await Promise.all([1, 2].map(() => ctx.start(Child, later(5_000), { key: "k", group: "g" })))) ids.add(id);
      return Number(state) < 2
        ? ctx.next(Number(state) + 1)
        : ctx.wake.kind === "go"
          ? ctx.waitFor(2, { group: "g" })
          : ctx.complete(1);
    });
    const seen: string[] = [];
    const child = childOf(world, (ctx) => {
      seen.push(ctx.workId);
      return undefined;
    });
    world.work([child, parent]);
    const id = await enqueueParent(world);
    await expectResult(world, id, 1);
    expect([...ids]).toEqual(seen);
    expect(await world.client.groups(id)).toMatchObject([{ name: "g", total: 1, succeeded: 1, failed: 0 }]);
  });
  test("of many keys again takes up no room in the group", async () => {
    const world = createWorld();
    const orders = Array.from({ length: 150 }, () => ok);
    const parent = parentOf(async (state, ctx) => {
      if (state === 0) await startAll(ctx, orders, { group: "g" });
      else for (const [i, order] of orders.entries()) await ctx.start(Child, order, { key: String(i), group: "g" });
      return state === 0 ? ctx.next(1) : ctx.complete(null);
    });
    world.work([childOf(world), parent]);
    const id = await enqueueParent(world);
    await world.end(id);
    expect((await world.records(id)).filter(({ sort }) => sort.includes("/leaf/"))).toHaveLength(3);
    expect(await world.client.groups(id)).toMatchObject([{ total: 150 }]);
  });
  test("with another payload or engine under the same key names both", async () => {
    const world = createWorld();
    const errors: string[] = [];
    const parent = parentOf(async (_state, ctx) => {
      await ctx.start(Child, ok, { key: "k" });
      const again = [ctx.start(Child, bad, { key: "k" }), ctx.start({ ...Child, id: "other" }, ok, { key: "k" })];
      for (const one of again) await one.catch((error: Error) => errors.push(error.message));
      return ctx.complete(null);
    });
    world.work([childOf(world), parent]);
    const id = await enqueueParent(world);
    await world.end(id);
    const digest = /[0-9a-f]{64}/;
    expect(errors).toHaveLength(2);
    for (const error of errors)
      expect(error).toMatch(new RegExp(`child "k" of work item ${id} .*${digest.source}.*got ${digest.source}`));
    expect(errors[1]).toMatch(/for engine child, got .* for engine other$/);
  });
  test("refuses at the door what cannot be", async () => {
    const world = createWorld();
    const errors: string[] = [];
    const attempts: readonly [unknown, object][] = [
      [ok, { key: "" }],
      [ok, { key: "k", group: "" }],
      [ok, { key: "k", limit: 3 }],
      [ok, { key: "k", group: "g", limit: 0.5 }],
      [ok, { key: "k", ifParentEnds: "never" }],
      [ok, { key: "k", lane: "fast" }],
      [{ end: "?" }, { key: "k" }],
    ];
    const parent = parentOf(async (_state, ctx) => {
      for (const [payload, options] of attempts)
        await Reflect.apply(ctx.start, ctx, [Child, payload, options]).catch((error: Error) => errors.push(error.message));
      return ctx.complete(null);
    });
    world.work([parent]);
    const id = await enqueueParent(world);
    expect((await world.end(id)).hasChildren).toBe(false);
    expect(errors).toHaveLength(attempts.length);
    expect(errors[2]).toBe("ctx.start: limit: expected a group beside it, got 3");
    expect(errors[6]).toMatch(/^payload of engine child does not match its schema/);
  });
  test("that nobody awaits is over before the step is committed", async () => {
    const world = createWorld();
    const parent = parentOf(async (_state, ctx) => {
      if (ctx.wake.kind === "children") return ctx.complete(ctx.wake.succeeded);
      void startAll(ctx, [ok, ok, ok], { group: "g" });
      return ctx.waitFor(1, { group: "g" });
    });
    world.work([childOf(world), parent]);
    await expectResult(world, await enqueueParent(world), 3);
  });
  test("hands on lane, tenant, labels and deadline", async () => {
    const world = createWorld();
    const options = { lane: "low", tenant: "acme", labels: { a: "b" }, deadlineMs: 5_000, delayMs: 60_000 } as const;
    const parent = parentOf(async (_state, ctx) => {
      if (ctx.wake.kind !== "go") return ctx.complete(ctx.wake.kind);
      await ctx.start(Child, ok, { key: "k", group: "g", ...options });
      return ctx.waitFor(1, { group: "g" });
    });
    world.work([childOf(world), parent]);
    const id = await enqueueParent(world);
    await expectResult(world, id, "children");
    const [child] = (await world.client.children(id)).entries;
    expect(child?.item).toMatchObject({
      lane: "low",
      tenant: "acme",
      labels: { a: "b" },
      status: "failed",
      cause: { kind: "deadline" },
    });
  });
  test("after the attempt has ended is refused", async () => {
    const world = createWorld();
    const escaped: FamilyCtx<Json>[] = [];
    const parent = parentOf(async (_state, ctx) => {
      escaped.push(ctx);
      return ctx.complete(null);
    });
    world.work([parent]);
    await world.end(await enqueueParent(world));
    expect(() => escaped[0]?.start(Child, ok, { key: "k" })).toThrow("ctx.start was used after its attempt had ended");
  });
});

describe("ctx.results", () => {
  test("gives every end, in the order of starting", async () => {
    const world = createWorld();
    const orders = Array.from({ length: 130 }, (_, i): Order => (i % 7 === 3 ? bad : later((i % 5) * 100)));
    const parent = parentOf(async (_state, ctx) => {
      if (ctx.wake.kind === "go") {
        await startAll(ctx, orders, { group: "g" });
        return ctx.waitFor(1, { group: "g" });
      }
      const ends: Json[] = [];
      for await (const end of ctx.results(Child, "g"))
        ends.push([end.key, end.status === "completed" ? "done" : `${end.status}: ${end.error.message}`]);
      return ctx.complete(ends);
    });
    world.work([childOf(world), parent]);
    const expected = orders.map(({ end }, i) => [String(i), end === "ok" ? "done" : "failed: told to"]);
    await expectResult(world, await enqueueParent(world), expected);
  });
  test("leaves out who has not ended", async () => {
    const world = createWorld();
    const parent = parentOf(async (_state, ctx) => {
      if (ctx.wake.kind === "go") {
        await startAll(ctx, [later(60_000), ok], { group: "g" });
        return ctx.waitFor(1, { group: "g", until: "any" });
      }
      return ctx.complete(await Array.fromAsync(ctx.results(Child, "g"), ({ key }) => key));
    });
    world.work([childOf(world), parent]);
    await expectResult(world, await enqueueParent(world), ["1"]);
  });
});

describe("a child that is redriven", () => {
  test("has ended for its parent, until it ends again", async () => {
    const world = createWorld();
    let fails = true;
    const child = childOf(world, ({ payload }) => (payload.end === "fail" && !fails ? "ok" : undefined));
    world.work([child, waiting([bad, later(120_000)], { succeeded: 2 })]);
    const id = await enqueueParent(world);
    await world.pass(10_000);
    expect(await world.client.groups(id)).toMatchObject([{ total: 2, succeeded: 0, failed: 1 }]);
    const failed = (await world.client.children(id)).entries.find(({ item }) => item?.status === "failed");
    fails = false;
    await world.client.redrive(failed?.workId ?? "");
    await world.pass(1_000);
    expect(await world.client.groups(id)).toMatchObject([{ total: 2, succeeded: 1, failed: 0 }]);
    await expectResult(world, id, [2, 0]);
  });
});

test("a child that is redriven in the last minute of its retention ends once more for its parent", async () => {
  const world = createWorld({ retentionMs: 50_000 });
  let told: Order["end"] = "fail";
  const parent = parentOf(async (_state, ctx) => {
    if (ctx.wake.kind !== "go") return ctx.complete(ctx.wake.kind);
    await startAll(ctx, [ok], { group: "g" });
    return ctx.waitFor(1, { timeoutMs: 60_000 });
  });
  world.work([childOf(world, () => told), parent]);
  const id = await enqueueParent(world);
  await world.pass(1_000);
  const [child] = (await world.client.children(id)).entries;
  expect(child?.item?.status).toBe("failed");
  told = "ok";
  await world.client.redrive(child?.workId ?? "");
  await world.pass(5_000);
  expect((await world.client.status(child?.workId ?? "")).status).toBe("completed");
  expect(await world.client.groups(id)).toMatchObject([{ total: 1, succeeded: 1, failed: 0 }]);
});

describe("an attempt that came to nothing", () => {
  test("leaves children behind that are not waited for, and that go with their parent", async () => {
    const world = createWorld();
    const parent = parentOf(
      async (_state, ctx) => {
        if (ctx.wake.kind === "children") return ctx.complete([ctx.wake.succeeded, ctx.wake.failed]);
        if (ctx.attempt === 1) {
          await startAll(ctx, [{ end: "sleep" }, { end: "sleep" }, ok], { group: "g" });
          throw new Error("once is not enough");
        }
        await startAll(ctx, [ok, bad], { group: "g" }, 2);
        return ctx.waitFor(1, { group: "g" });
      },
      // At once, and so within the same claim: the two attempts have one token.
      { retry: { unknown: { attempts: 2, minMs: 0, maxMs: 0 } } },
    );
    world.work([childOf(world), parent]);
    const id = await enqueueParent(world);
    await expectResult(world, id, [1, 1]);
    await world.pass(5_000);
    const { entries } = await world.client.children(id);
    expect(Object.fromEntries(entries.map(({ key, item }) => [key, item?.status]))).toEqual({
      "0": "cancelled",
      "1": "cancelled",
      "2": "completed",
      "3": "failed",
    });
    const items = await Promise.all(entries.map(({ workId }) => world.records(workId)));
    const slots = items.flat().flatMap(({ sort, body }) => (sort === "LIVE/ITEM" ? [JSON.stringify(body["parent"])] : []));
    expect(new Set(slots.map((slot) => slot.replace(/"key":"\d"/, ""))).size).toBe(4);
  });
  test("can start nobody once another worker has the item", async () => {
    const world = createWorld();
    const frost = freezer();
    const parent = parentOf(async (_state, ctx) => {
      if (ctx.attempt > 1) return ctx.complete("second");
      await new Promise<void>((resolve) => world.clock.after(15_000, resolve));
      await ctx.start(Child, ok, { key: "late", group: "g" });
      return ctx.complete("first");
    });
    world.work([parent], { name: "first", intercept: frost.intercept });
    const id = await enqueueParent(world);
    await world.pass(1_000);
    frost.freeze();
    world.work([childOf(world), parent], { name: "second" });
    await expectResult(world, id, "second");
    frost.thaw();
    await world.pass(60_000);
    expect((await world.client.children(id)).entries).toMatchObject([{ key: "late", item: null }]);
  });
});

test("a wait for a group in which nobody was started is satisfied, and logged: its name may be misspelt", async () => {
  const world = createWorld();
  const parent = parentOf(async (_state, ctx) => {
    if (ctx.wake.kind === "children") return ctx.complete(null);
    await ctx.start(Child, { end: "ok" }, { key: "a", group: "kids" });
    return ctx.waitFor(1, { group: "kid" });
  });
  world.work([childOf(world), parent]);
  const workId = await enqueueParent(world);
  await world.end(workId);
  expect(world.logger.entries.map(({ message, fields }) => [message, fields])).toEqual([
    ["waits for a group in which nobody was started", { workId, group: "kid" }],
  ]);
});

test("a child's first end that its parent hears of after its second one does not count", async () => {
  const world = createWorld();
  const frost = freezer();
  let fails = true;
  const child = childOf(world, ({ payload }) => (payload.end === "fail" && !fails ? "ok" : undefined));
  let slow = true;
  const intercept: Intercept = (call, run) => {
    if (slow && String(draftOf(call).body["marks"] ?? "").includes("F")) {
      slow = false;
      frost.freeze();
    }
    return frost.intercept(call, run);
  };
  const parent = waiting([bad, later(600_000)]);
  world.work([parent], { name: "parent" });
  world.work([child], { name: "first", intercept });
  const id = await enqueueParent(world);
  await world.pass(1_000);
  expect(slow).toBe(false);
  fails = false;
  const failed = (await world.client.children(id)).entries.find(({ item }) => item?.status === "failed");
  world.work([child], { name: "second" });
  await world.client.redrive(failed?.workId ?? "");
  await world.pass(60_000);
  expect(await world.client.groups(id)).toMatchObject([{ total: 2, succeeded: 1, failed: 0 }]);
  frost.thaw();
  await world.pass(60_000);
  expect(await world.client.groups(id)).toMatchObject([{ total: 2, succeeded: 1, failed: 0 }]);
});

test("a child that nobody awaits, begun behind an effect that nobody awaits, is started and waited for", async () => {
  const world = createWorld();
  const slow = { run: () => pause(world.clock, 1_000), ifInDoubt: "rerun" } as const;
  const parent = parentOf(async (_state, ctx) => {
    if (ctx.wake.kind === "children") return ctx.complete(ctx.wake.succeeded);
    await ctx.start(Child, { end: "ok" }, { key: "a", group: "g" });
    void ctx.effect("slow", null, slow).then(() => ctx.start(Child, { end: "ok", afterMs: 1_000 }, { key: "b", group: "g" }));
    return ctx.waitFor(1, { group: "g" });
  });
  world.work([childOf(world), parent]);
  await expectResult(world, await enqueueParent(world), 2);
});
