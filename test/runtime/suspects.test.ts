/** Items that left no outcome run alone, and only a death alone counts against them (G2); who goes first. */
import { expect, test } from "vitest";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import type { Engine } from "../../src/domain/engine.ts";
import { createClient } from "../../src/runtime/client.ts";
import { pause } from "../../src/runtime/deps.ts";
import { createWorld, type RunningWorker, type World } from "../support/world.ts";
import { type AnyCtx, engineOf, enqueue, kinds, type More, Work } from "./builders.ts";
import { outage } from "./faults.ts";

/** A worker that is started again whenever a step kills it. */
function restarting(world: World, engineFor: (kill: () => Promise<never>) => Engine, concurrency: number): { deaths: number } {
  const state = { deaths: 0 };
  const start = (): void => {
    let dead = false;
    const worker: RunningWorker = world.work(
      [
        engineFor(() => {
          dead = true;
          state.deaths += 1;
          worker.die();
          world.clock.after(100, start);
          return new Promise(() => undefined);
        }),
      ],
      { concurrency, intercept: (_call, run) => (dead ? new Promise(() => undefined) : run()) },
    );
  };
  start();
  return state;
}
/** Payload "poison" kills the process in its second step; the others work for a second or two. */
const poisonous = (world: World, kill: () => Promise<never>, more: More = {}) =>
  engineOf(async (state, ctx) => {
    if (ctx.step === 0) return ctx.next(1);
    if (ctx.payload === "poison") return kill();
    await pause(world.clock, 1_500);
    return ctx.step === 3 ? ctx.complete(state) : ctx.next(Number(state) + 1);
  }, more);

test("two poison items among ten good ones are dead-lettered for deaths alone; the good ones are not charged", async () => {
  const world = createWorld();
  const poison: string[] = [];
  const good: string[] = [];
  for (let i = 0; i < 12; i++) (i === 3 || i === 8 ? poison : good).push(await enqueue(world, i === 3 || i === 8 ? "poison" : i));
  const { deaths } = await (async () => {
    const state = restarting(world, (kill) => poisonous(world, kill), 12);
    for (const workId of [...poison, ...good]) await world.end(workId, 10 * 60_000);
    return state;
  })();
  for (const workId of good) {
    expect((await world.client.status(workId)).status).toBe("completed");
    const events = await world.events(workId);
    expect(events.filter((event) => event.kind === "taken_over" && event.alone)).toEqual([]);
  }
  for (const workId of poison) {
    expect(await world.client.status(workId)).toMatchObject({
      status: "dead_lettered",
      cause: { kind: "crashed" },
      error: { code: "crashed" },
    });
    const alone = (await world.events(workId)).filter((event) => event.kind === "taken_over" && event.alone);
    expect(alone).toHaveLength(6);
  }
  expect(deaths).toBeLessThanOrEqual(2 * 6 + 2);
});

test("limits.crashes bounds the deaths alone, and attempts were counted before each", async () => {
  const world = createWorld();
  const attempts: number[] = [];
  restarting(
    world,
    (kill) =>
      engineOf(
        async (_state, ctx: AnyCtx) => {
          attempts.push(ctx.attempt);
          return kill();
        },
        { limits: { crashes: 2 } },
      ),
    1,
  );
  const workId = await enqueue(world);
  expect(await world.end(workId)).toMatchObject({
    status: "dead_lettered",
    cause: { kind: "crashed", attempts: attempts.length },
  });
  expect(attempts).toEqual([1, 2, 3, 4]);
});

test("`recover` has its turn after crashes, with crashes of its own bounded too", async () => {
  const world = createWorld();
  let recoveries = 0;
  restarting(
    world,
    (kill) =>
      engineOf(async () => kill(), {
        limits: { crashes: 1 },
        recover: async (_state, cause, ctx) => (recoveries++ === 0 ? kill() : ctx.complete(cause.kind)),
      }),
    1,
  );
  const workId = await enqueue(world);
  expect((await world.end(workId)).status).toBe("completed");
  expect(await world.client.resultJson(workId)).toBe("crashed");
  expect((await kinds(world, workId)).filter((kind) => kind === "recovering")).toHaveLength(1);
});

test("a redriven poison item has all its deaths again", async () => {
  const world = createWorld();
  let attempts = 0;
  const dying = (kill: () => Promise<never>) =>
    engineOf(
      async () => {
        attempts += 1;
        return kill();
      },
      { limits: { crashes: 1 } },
    );
  restarting(world, dying, 1);
  const workId = await enqueue(world);
  await world.end(workId);
  const before = attempts;
  await world.client.redrive(workId);
  await world.pass(120_000);
  expect((await world.client.status(workId)).status).toBe("dead_lettered");
  expect(attempts - before).toBe(before);
});

test("a suspect has the worker to itself until its first commit, then others come in again", async () => {
  const world = createWorld();
  const runs: string[] = [];
  const engine = engineOf(async (_state, ctx) => {
    runs.push(`+${String(ctx.payload)}`);
    await pause(world.clock, 3_000);
    runs.push(`-${String(ctx.payload)}`);
    return ctx.step === 1 ? ctx.complete(1) : ctx.next(1);
  });
  const suspect = await enqueue(world, "suspect");
  let dead = false;
  const intercept: Intercept = (_call, run) => (dead ? new Promise(() => undefined) : run());
  const first = world.work([engineOf(async () => new Promise(() => undefined))], { intercept });
  await world.pass(1_000);
  dead = true;
  const others = [await enqueue(world, "a"), await enqueue(world, "b")];
  world.work([engine]);
  await world.pass(1_000);
  first.die();
  await world.pass(3_000);
  for (const name of ["c", "d"]) others.push(await enqueue(world, name));
  for (const workId of [suspect, ...others]) await world.end(workId, 60_000);
  const from = runs.indexOf("+suspect");
  expect(runs[from + 1]).toBe("-suspect");
  const before = runs.slice(0, from).map((run) => (run.startsWith("+") ? 1 : -1) as number);
  expect(before.reduce((sum, one) => sum + one, 0)).toBe(0);
  expect(runs.slice(from + 2)).toContain("+c");
});

test("a death beside a step that was abandoned, and runs on, is nobody's", async () => {
  const world = createWorld();
  const begun: string[] = [];
  const work = (name: string): (() => void) => {
    let dead = false;
    const engine = engineOf(
      async (state, ctx) => {
        begun.push(`${name} ${String(ctx.payload)}`);
        return name === "third" ? ctx.complete(state) : new Promise(() => undefined);
      },
      { limits: { stepMs: 2_000 } },
    );
    const worker = world.work([engine], { intercept: (_call, run) => (dead ? new Promise(() => undefined) : run()) });
    return () => {
      dead = true;
      worker.die();
    };
  };
  const suspect = await enqueue(world, "suspect");
  const first = work("first");
  await world.pass(1_000);
  first();
  await enqueue(world, "hangs");
  const second = work("second");
  await world.pass(8_000);
  expect(begun).toEqual(["first suspect", "second hangs", "second suspect"]);
  second();
  work("third");
  await world.end(suspect);
  const deaths = (await world.events(suspect)).filter((event) => event.kind === "taken_over");
  expect(deaths.map(({ alone }) => alone)).toEqual([false, false]);
});

test.each(["put", "get"])(
  "blobs that are out of reach are nobody's failure: the item goes on when they are back (%s)",
  async (method) => {
    const world = createWorld();
    const blobs = outage((call) => call.port === "blobs" && call.method === method);
    blobs.on = true;
    // It comes back for its state: what has just been written is not read.
    const large = "x".repeat(10_000);
    const engine = engineOf(async (_state, ctx) => (ctx.step === 0 ? ctx.next(large, { delayMs: 1 }) : ctx.complete("done")));
    world.work([engine], { intercept: blobs.intercept });
    const workId = await enqueue(world);
    await world.pass(30 * 60_000);
    expect(await world.client.status(workId)).toMatchObject({ endedAtMs: null, version: method === "put" ? 0 : 1, error: null });
    expect(blobs.failed).toBeGreaterThan(5);
    blobs.on = false;
    expect((await world.end(workId, 16 * 60_000)).status).toBe("completed");
  },
);

async function startOrder(world: World, concurrency = 1): Promise<string[]> {
  const order: string[] = [];
  world.work(
    [
      engineOf(async (_state, ctx) => {
        order.push(String(ctx.payload));
        return ctx.complete(1);
      }),
    ],
    { concurrency },
  );
  await world.pass(60_000);
  return order;
}

test("the high lane goes first, but not so much that the low one starves", async () => {
  const world = createWorld();
  for (const lane of ["low", "normal", "high"] as const)
    for (let i = 0; i < 20; i++) await world.client.enqueue(Work, lane, { lane });
  const order = await startOrder(world);
  expect(order).toHaveLength(60);
  expect(order.slice(0, 16).filter((lane) => lane === "high").length).toBeGreaterThanOrEqual(9);
  expect(order.slice(0, 16)).toContain("low");
  expect(order.indexOf("high")).toBe(0);
});

test("a worker keeps to its lanes", async () => {
  const world = createWorld();
  const high = await world.client.enqueue(Work, 1, { lane: "high" });
  const low = await world.client.enqueue(Work, 1, { lane: "low" });
  world.work([engineOf(async (_state, ctx) => ctx.complete(1))], { lanes: ["low"] });
  await world.end(low.workId, 10_000);
  expect((await world.client.status(high.workId)).status).toBe("queued");
});

test("tenants of a lane take turns, however many items one has", async () => {
  const world = createWorld();
  for (let i = 0; i < 30; i++) await world.client.enqueue(Work, "many", { tenant: "many" });
  for (const tenant of ["one", "two"]) await world.client.enqueue(Work, tenant, { tenant });
  const order = await startOrder(world);
  expect(order.indexOf("one")).toBeLessThan(6);
  expect(order.indexOf("two")).toBeLessThan(6);
});

test("an item that never blocks lets others have their turn", async () => {
  const world = createWorld();
  let steps = 0;
  world.work(
    [
      engineOf(async (state, ctx) => {
        if (ctx.payload === "short") return ctx.complete(steps);
        steps += 1;
        return steps >= 2_000 ? ctx.complete(steps) : ctx.next(state);
      }),
    ],
    { concurrency: 1 },
  );
  await enqueue(world, "long");
  const short = await enqueue(world, "short");
  await world.end(short, 60_000);
  expect(await world.client.resultJson(short)).toBeLessThanOrEqual(200);
});

test("namespaces are isolated: keys, items, workers and commands", async () => {
  const world = createWorld();
  const other = createClient(world.process("elsewhere", { namespace: "other" }));
  const done = engineOf(async (_state, ctx) => ctx.complete(ctx.namespace));
  const here = await world.client.enqueue(Work, "p", { key: "k" });
  const there = await other.enqueue(Work, "another payload", { key: "k" });
  expect(there).toMatchObject({ created: true });
  world.work([done]);
  expect((await world.end(here.workId)).status).toBe("completed");
  expect((await other.status(there.workId)).status).toBe("queued");
  await expect(world.client.status(there.workId)).rejects.toThrow(`no work item "${there.workId}" in namespace "test"`);
  await expect(world.client.cancel(there.workId)).rejects.toThrow("no work item");
  expect((await other.list()).entries.map((item) => item.workId)).toEqual([there.workId]);
  world.work([done], { namespace: "other" });
  await world.pass(1_000);
  expect(await other.resultJson(there.workId)).toBe("other");
});
