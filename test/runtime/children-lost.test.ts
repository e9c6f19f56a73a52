/** An attempt that dies after it listed its children and before its commit: only those that a later one starts are waited for. */
import { expect, test } from "vitest";
import type { Intercept, PortCall } from "../../src/adapters/memory/intercept.ts";
import type { Engine } from "../../src/domain/engine.ts";
import type { Json } from "../../src/domain/json.ts";
import { createWorld, type World } from "../support/world.ts";
import { Child, childOf, enqueueParent, expectResult, type FamilyCtx, type Order, parentOf, startAll, toldOf } from "./family.ts";
import { draftOf, freezer, never } from "./faults.ts";

const ok: Order = { end: "ok" };
const bad: Order = { end: "fail" };
const long: Order = { end: "sleep" };

const lists = (call: PortCall): boolean => {
  const { sort, body } = draftOf(call);
  return sort.includes("/leaf/") && /[oSF]/.test(String(body["marks"]));
};
const unlists = (call: PortCall): boolean => {
  const { sort, body } = draftOf(call);
  return sort.includes("/leaf/") && String(body["marks"]).startsWith(".") && call.args[1] !== "absent";
};
/** Its worker is dead once it has listed somebody. */
function diesOnceListed(world: World, name: string): Intercept {
  let dead = false;
  return async (call, run) => {
    if (dead) return never();
    const done = await run();
    if (!lists(call)) return done;
    dead = true;
    world.machine.end(name);
    return never();
  };
}
/** Every attempt starts what it is told to, in groups of its own choosing; then it waits for `g`. */
function fickle(starts: (ctx: FamilyCtx<Json>, tries: number) => Promise<unknown>): Engine {
  let tries = 0;
  return parentOf(
    async (_state, ctx) => {
      if (ctx.wake.kind === "children") return ctx.complete([ctx.wake.succeeded, ctx.wake.failed]);
      await starts(ctx, ++tries);
      return ctx.waitFor(1, { group: "g" });
    },
    { retry: { unknown: { attempts: 3, minMs: 0, maxMs: 0 } } },
  );
}

const SECOND_ATTEMPTS: readonly [name: string, starts: (ctx: FamilyCtx<Json>) => Promise<unknown>, told: [number, number]][] = [
  ["others", (ctx) => startAll(ctx, [ok, bad], { group: "g" }, 10), [1, 1]],
  ["nobody", async () => undefined, [0, 0]],
  ["some of them and others", (ctx) => startAll(ctx, [ok, ok], { group: "g" }, 2), [2, 0]],
  ["all of them", (ctx) => startAll(ctx, [ok, bad, ok], { group: "g" }), [2, 1]],
];
test.each(SECOND_ATTEMPTS)(
  "a parent does not wait for those of a dead attempt when the next one starts %s",
  async (_n, starts, told) => {
    const world = createWorld();
    const parent = fickle((ctx, n) => (n === 1 ? startAll(ctx, [ok, bad, ok], { group: "g" }) : starts(ctx)));
    world.work([parent], { name: "first", intercept: diesOnceListed(world, "first") });
    const id = await enqueueParent(world);
    world.work([childOf(world)], { name: "children" });
    await world.pass(2_000);
    expect(await world.client.groups(id)).toMatchObject([{ total: 3 }]);
    world.work([parent], { name: "second" });
    await expectResult(world, id, told);
    expect(await toldOf(world, id)).toHaveLength(1);
    expect(await world.client.groups(id)).toMatchObject([{ total: told[0] + told[1], succeeded: told[0], failed: told[1] }]);
  },
);

test("nor does a later step, for those of a group that the next attempt does not mention", async () => {
  const world = createWorld();
  let tries = 0;
  const parent = parentOf(async (state, ctx) => {
    if (ctx.wake.kind === "children") return ctx.complete([ctx.wake.succeeded, ctx.wake.failed]);
    if (state === 1) return ctx.waitFor(2, { group: "h" });
    if (++tries === 1) await startAll(ctx, [long], { group: "h" });
    return ctx.next(1);
  });
  world.work([parent], { name: "first", intercept: diesOnceListed(world, "first") });
  const id = await enqueueParent(world);
  await world.pass(2_000);
  world.work([childOf(world), parent], { name: "second" });
  await expectResult(world, id, [0, 0]);
});

test("nor for those of an attempt that could not list all of them, within one claim", async () => {
  for (const starts of SECOND_ATTEMPTS.map(([, second]) => second)) {
    const world = createWorld();
    let failed = false;
    const intercept: Intercept = async (call, run) => {
      const fails = !failed && lists(call) && draftOf(call).body["name"] === "h";
      if (!fails) return run();
      failed = true;
      throw new Error("pretended");
    };
    const parent = fickle(async (ctx, n) => {
      if (n > 1) return starts(ctx);
      await startAll(ctx, [long, long], { group: "g" }, 20);
      return startAll(ctx, [long], { group: "h" }, 30);
    });
    world.work([childOf(world), parent], { intercept });
    const id = await enqueueParent(world);
    expect(await world.end(id)).toMatchObject({ status: "completed" });
    expect(failed).toBe(true);
    const told = SECOND_ATTEMPTS.find(([, second]) => second === starts)?.[2];
    expect(await world.client.resultJson(id)).toEqual(told);
  }
});

const WAKES: readonly [name: string, at: (call: PortCall) => boolean, rounds: readonly (readonly string[])[]][] = [
  ["as it says who they are", (call) => draftOf(call).sort.includes("/list/"), [["a"], ["x"]]],
  ["as it lists them", lists, [["a"], ["x"]]],
  ["as it unlists those of an attempt before it", unlists, [["a"], [], ["a"]]],
];
test.each(WAKES)("a worker that sleeps %s and wakes up when another has the item changes nothing", async (_name, at, rounds) => {
  const world = createWorld();
  const frost = freezer();
  let asleep = false;
  let failed = false;
  const intercept: Intercept = async (call, run) => {
    if (!asleep && at(call)) {
      asleep = true;
      frost.freeze();
    }
    // Where there is to be something to unlist: an attempt that comes to nothing once it has listed somebody.
    const fails = rounds.length === 3 && !failed && lists(call);
    const done = await frost.intercept(call, run);
    if (!fails) return done;
    failed = true;
    throw new Error("pretended");
  };
  const parent = fickle(async (ctx, n) => {
    const keys = rounds[n - 1] ?? [];
    return Promise.all(keys.map((key) => ctx.start(Child, { end: "ok", afterMs: 60_000 }, { key, group: "g" })));
  });
  world.work([parent], { name: "first", intercept });
  const id = await enqueueParent(world);
  await world.pass(1_000);
  expect(asleep).toBe(true);
  world.work([childOf(world), parent], { name: "second" });
  await world.reach(id, "waiting");
  frost.thaw();
  await world.pass(20_000);
  expect(await world.client.groups(id)).toMatchObject([{ total: 1, succeeded: 0, failed: 0 }]);
  await expectResult(world, id, [1, 0]);
});
