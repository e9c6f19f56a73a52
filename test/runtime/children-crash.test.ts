/** A worker that dies in any port call of a parent or a child: the parent is told once, and the counts are right (G1, G3). */
import { expect, test } from "vitest";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import type { Engine } from "../../src/domain/engine.ts";
import type { Json } from "../../src/domain/json.ts";
import { createWorld, type World } from "../support/world.ts";
import { Child, childOf, enqueueParent, expectResult, type Order, parentOf, startAll, toldOf, waiting } from "./family.ts";
import { crashAt, type Fault, failAt, nameOf, watched } from "./faults.ts";

const ORDERS: readonly Order[] = [{ end: "ok", afterMs: 700 }, { end: "fail" }];

/** Two rounds of children in one group; it ends with what it was told and with its results. */
function journey(limit: number | undefined): Engine {
  const options = { group: "g", ...(limit === undefined ? {} : { limit }) };
  return parentOf(async (state, ctx) => {
    const round = Number(state);
    if (round < 2) {
      await startAll(ctx, ORDERS, options, ORDERS.length * round);
      return round === 0 ? ctx.next(1, { delayMs: 100 }) : ctx.waitFor(2, { group: "g" });
    }
    if (ctx.wake.kind !== "children") return ctx.complete(ctx.wake.kind);
    const ends = await Array.fromAsync(ctx.results(Child, "g"), ({ key, status }) => `${key} ${status}`);
    return ctx.complete([ctx.wake.succeeded, ctx.wake.failed, ends]);
  });
}
/** A lease, its message and a retry or two: before any alarm. */
const WITHIN_MS = 120_000;
const RESULT: Json = [2, 2, ["0 completed", "1 failed", "2 completed", "3 failed"]];

async function expectTold(world: World, workId: string): Promise<void> {
  expect(await world.end(workId, WITHIN_MS)).toMatchObject({ status: "completed" });
  const result = await world.client.resultJson(workId);
  expect(Array.isArray(result) ? [...result.slice(0, 2), [...(result[2] as string[])].sort()] : result).toEqual(RESULT);
  expect(await toldOf(world, workId)).toEqual([{ succeeded: 2, failed: 2 }]);
  expect(await world.client.groups(workId)).toMatchObject([{ total: 4, succeeded: 2, failed: 2 }]);
  expect((await world.client.children(workId)).entries).toHaveLength(4);
}

/** Some kinds of death come at every call only in `npm run soak`. */
const SPARSE = process.env["ROOKERY_SOAK"] === "1" ? 1 : 3;

async function calls(limit: number | undefined): Promise<Fault["calls"]> {
  const world = createWorld();
  const fault = watched();
  world.work([childOf(world), journey(limit)], { intercept: fault.intercept });
  await expectTold(world, await enqueueParent(world));
  await world.settle();
  return fault.calls;
}

test.each([
  ["before", true, undefined],
  ["after", true, undefined],
  ["before", false, undefined],
  ["after", false, undefined],
  ["before", true, 1],
  ["after", true, 1],
] as const)("a parent is told once after a death %s any call (noticed: %s, limit: %s)", async (when, known, limit) => {
  const clean = await calls(limit);
  for (let n = 0; n < clean.length; n += known && limit === undefined ? 1 : SPARSE) {
    const world = createWorld();
    const child = childOf(world);
    const engines = [child, journey(limit)];
    const fault = crashAt(n, when, () => known && world.machine.end("first"));
    world.work(engines, { name: "first", intercept: fault.intercept });
    const id = await enqueueParent(world);
    for (let waited = 0; !fault.happened() && waited < 120; waited++) await world.pass(500);
    world.work(engines, { name: "second" });
    await expectTold(world, id).catch((error: unknown) => {
      throw new Error(`crash ${when} call ${n}, ${nameOf(clean[n] ?? { port: "", method: "", args: [] })}`, { cause: error });
    });
    // A step of a process that is dead goes on here as a zombie, beside the one that replaced it.
    if (limit !== undefined) expect(child.atWork.most).toBeLessThanOrEqual(2 * limit);
  }
});

test.each(["before", "after"] as const)(
  "a parent is told once when the store cannot be reached once, %s any call",
  async (when) => {
    const clean = await calls(undefined);
    for (let n = 0; n < clean.length; n++) {
      const world = createWorld();
      const fault = failAt(n, when);
      world.work([childOf(world), journey(undefined)], { intercept: fault.intercept });
      await expectTold(world, await enqueueParent(world)).catch((error: unknown) => {
        throw new Error(`no answer ${when} call ${n}, ${nameOf(clean[n] ?? { port: "", method: "", args: [] })}`, {
          cause: error,
        });
      });
    }
  },
);

test("a parent whose worker died just after it began to wait is told by whoever gets its message", async () => {
  const world = createWorld();
  const dying: Intercept = async (call, run) => {
    const done = await run();
    if (call.method !== "write" || !JSON.stringify(call.args[0]).includes('"kind":"waiting"')) return done;
    world.machine.end("first");
    return new Promise<never>(() => undefined);
  };
  world.work([waiting([])], { name: "first", intercept: dying });
  const id = await enqueueParent(world);
  await world.reach(id, "waiting");
  world.work([waiting([])], { name: "second" });
  expect(await world.end(id, 60_000)).toMatchObject({ status: "completed" });
});

test("a child's end reads a few leaves of its group, however many there are", async () => {
  const world = createWorld();
  const count = 120;
  const parent = parentOf(async (state, ctx) => {
    const n = Number(state);
    if (n > count) return ctx.complete(n);
    if (n === count) return ctx.waitFor(n + 1, { group: "g" });
    await ctx.start(Child, { end: "ok", afterMs: 30_000 + 100 * n }, { key: String(n), group: "g" });
    return ctx.next(n + 1);
  });
  let read = 0;
  const counting: Intercept = async (call, run) => {
    const answer = await run();
    if (call.method === "read" && Array.isArray(answer))
      read += answer.filter((record) => nameOf({ ...call, args: [record] }).includes("/leaf/")).length;
    return answer;
  };
  world.work([childOf(world), parent], { concurrency: count + 1, intercept: counting });
  await expectResult(world, await enqueueParent(world), count + 1);
  // One of its own, a page of those that follow, and once all of them.
  expect(read / count).toBeLessThan(25);
});

test.each([
  [undefined, 10],
  [5, 12],
] as const)("with a limit of %s, a child takes at most %i record writes in all", async (limit, most) => {
  const world = createWorld();
  const fault = watched();
  const count = 300;
  const orders = Array.from({ length: count }, (_, i): Order => ({ end: "ok", afterMs: (i % 7) * 10 }));
  const options = limit === undefined ? {} : { limit };
  world.work([childOf(world), waiting(orders, "all", options)], { concurrency: 10, intercept: fault.intercept });
  await expectResult(world, await enqueueParent(world), [count, 0]);
  const writes = fault.calls.filter(({ method }) => method === "write").length;
  expect(writes / count).toBeLessThanOrEqual(most);
  expect(writes / count).toBeGreaterThan(6);
});
