/** An item that is driven has its children worked on while it waits, and theirs. */
import { expect, test } from "vitest";
import { z } from "zod";
import { defineContract } from "../../src/domain/contract.ts";
import { defineEngine, type Engine } from "../../src/domain/engine.ts";
import { parseWorkId } from "../../src/domain/ids.ts";
import { pause } from "../../src/runtime/deps.ts";
import { type Driven, drive } from "../../src/runtime/drive.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import { createWorld, type ProcessOptions, type World } from "../support/world.ts";
import { Child, childOf, enqueueParent, expectResult, parentOf, startAll, toldOf, waiting } from "./family.ts";
import { failAt, watched } from "./faults.ts";

interface Drive {
  readonly abandoned: string[];
  stop(): void;
  /** Null while it goes on. */
  driven(): Driven | null;
}
/** No worker is there: whatever happens, this drive does. */
function driveIn(world: World, engines: readonly Engine[], workId: string, name = "driver", how: ProcessOptions = {}): Drive {
  world.loseMessages();
  const stop = new AbortController();
  const abandoned: string[] = [];
  let driven: Driven | null = null;
  const options = { untilVersion: null, graceMs: 1_000, onAbandoned: (id: string) => abandoned.push(id) };
  void drive(world.process(name, how), createEngines(engines), parseWorkId(workId), stop.signal, options).then((how) => {
    driven = how;
  });
  return { abandoned, stop: () => stop.abort(), driven: () => driven };
}
/** Heeds its abort signal: nothing is done then. */
function slow(world: World, msFor: (attempt: number) => number): Engine {
  return defineEngine(Child, {
    version: 1,
    state: z.null(),
    init: null,
    async step(_state, ctx) {
      await pause(world.clock, msFor(ctx.attempt), ctx.abortSignal);
      ctx.abortSignal.throwIfAborted();
      return ctx.complete("done");
    },
  });
}
const orders = (count: number, afterMs = 0) => Array.from({ length: count }, () => ({ end: "ok" as const, afterMs }));

test("it works on a fan-out by itself, ten at once", async () => {
  const world = createWorld();
  const child = childOf(world);
  const workId = await enqueueParent(world);
  const one = driveIn(world, [waiting(orders(35, 1_000)), child], workId);
  await world.pass(5_000);
  expect(one.driven()).toBe("ended");
  await expectResult(world, workId, [35, 0]);
  expect(child.atWork.most).toBe(10);
});

test("it keeps the limit of a group", async () => {
  const world = createWorld();
  const child = childOf(world);
  const workId = await enqueueParent(world);
  const one = driveIn(world, [waiting(orders(20, 1_000), "all", { limit: 2 }), child], workId);
  await world.pass(15_000);
  expect(one.driven()).toBe("ended");
  await expectResult(world, workId, [20, 0]);
  expect(child.atWork.most).toBe(2);
});

test("children of children are worked on, their retries and sleeps too, and found by the drive that goes on", async () => {
  const world = createWorld();
  const Branch = defineContract({ id: "branch", payload: z.number(), result: z.number() });
  const branch = defineEngine(Branch, {
    version: 1,
    state: z.number(),
    init: 0,
    retry: { unknown: { attempts: 3, minMs: 1_000, maxMs: 1_000 } },
    async step(asked, ctx) {
      if (asked === 0 && ctx.attempt === 1) throw new Error("once");
      if (ctx.payload === 0) return asked < 3 ? ctx.next(asked + 1, { delayMs: 1_000 }) : ctx.complete(1);
      if (ctx.wake.kind !== "children") {
        for (const key of ["left", "right"]) await ctx.start(Branch, ctx.payload - 1, { key, group: "twigs", limit: 1 });
        return ctx.waitFor(1, { group: "twigs" });
      }
      let twigs = 0;
      for await (const end of ctx.results(Branch, "twigs")) twigs += end.status === "completed" ? end.result : 0;
      return ctx.complete(twigs);
    },
  });
  const { workId } = await world.client.enqueue(Branch, 3);
  const first = driveIn(world, [branch], workId);
  await world.pass(6_000);
  first.stop();
  await world.pass(2_000);
  expect(first.driven()).toBe("stopped");
  const one = driveIn(world, [branch], workId, "next");
  await world.pass(120_000);
  expect(one.driven()).toBe("ended");
  await expectResult(world, workId, 8);
});

test("a drive that goes on for another finds the children that are there", async () => {
  const world = createWorld({ leaseDurationMs: 20_000 });
  const engines = [waiting(orders(3)), slow(world, (attempt) => (attempt === 1 ? 3_600_000 : 1_000))];
  const workId = await enqueueParent(world);
  driveIn(world, engines, workId, "first");
  await world.pass(2_000);
  world.machine.end("first");
  const one = driveIn(world, engines, workId, "second");
  // A second each, and one at a time: each may be the one that ended the process.
  await world.pass(2_500);
  expect(one.driven()).toBeNull();
  await world.pass(1_500);
  expect(one.driven()).toBe("ended");
  // Three ran at once: no death counts.
  const { entries } = await world.client.children(workId);
  for (const { workId: id } of entries)
    expect((await world.events(id)).filter((event) => event.kind === "taken_over")).toMatchObject([{ alone: false }]);
});

test("what comes to a child from outside is noticed", async () => {
  const world = createWorld();
  const workId = await enqueueParent(world);
  const one = driveIn(world, [waiting([{ end: "sleep" }]), childOf(world)], workId);
  await world.pass(2_000);
  const [child] = (await world.client.children(workId)).entries;
  await world.client.cancel(child?.workId ?? "");
  world.loseMessages();
  await world.pass(2_000);
  expect(one.driven()).toBe("ended");
  expect(await toldOf(world, workId)).toEqual([{ succeeded: 0, failed: 1 }]);
});

test("children whose engine is not loaded are left to workers", async () => {
  const world = createWorld();
  const workId = await enqueueParent(world);
  const one = driveIn(world, [waiting(orders(2))], workId);
  await world.pass(5_000);
  expect(one.driven()).toBeNull();
  world.work([childOf(world)]);
  await world.pass(5_000);
  expect(one.driven()).toBe("ended");
});

test("an end that cancels children has them ended, and theirs", async () => {
  const world = createWorld();
  const child = slow(world, () => 60_000);
  const middle = defineEngine(defineContract({ id: "middle", payload: z.null(), result: z.null() }), {
    version: 1,
    state: z.null(),
    init: null,
    async step(_state, ctx) {
      await ctx.start(Child, { end: "sleep" }, { key: "leaf", group: "leaves" });
      return ctx.waitFor(null, { group: "leaves" });
    },
  });
  const parent = parentOf(async (_state, ctx) => {
    if (ctx.wake.kind === "timeout") return ctx.complete("enough");
    await ctx.start(middle, null, { key: "middle", group: "g" });
    await startAll(ctx, orders(1, 60_000), { group: "g" });
    return ctx.waitFor(1, { group: "g", timeoutMs: 3_000 });
  });
  const workId = await enqueueParent(world);
  const one = driveIn(world, [parent, middle, child], workId);
  await world.pass(10_000);
  expect(one.driven()).toBe("ended");
  const { entries } = await world.client.children(workId);
  const { entries: leaves } = await world.client.children(entries.find(({ key }) => key === "middle")?.workId ?? "");
  expect([...entries, ...leaves].map(({ item }) => item?.status)).toEqual(["cancelled", "cancelled", "cancelled"]);
});

test("stopped, it gives the children's steps back, and leaves a message for each that is open", async () => {
  const world = createWorld();
  const child = slow(world, () => 60_000);
  const workId = await enqueueParent(world);
  const one = driveIn(world, [waiting(orders(2)), child], workId);
  await world.pass(3_000);
  world.loseMessages();
  one.stop();
  await world.pass(2_000);
  expect(one.driven()).toBe("stopped");
  const { entries } = await world.client.children(workId);
  expect(entries.map(({ item }) => `${item?.status} ${item?.attempt}`)).toEqual(["queued 0", "queued 0"]);
  world.work([waiting([]), child]);
  expect((await world.end(workId, 61_000)).status).toBe("completed");
});

test("a child whose step does not heed its abort signal has the process replaced", async () => {
  const world = createWorld();
  const hung = defineEngine(Child, {
    version: 1,
    state: z.null(),
    init: null,
    limits: { stepMs: 1_000 },
    step: () => new Promise(() => undefined),
  });
  const workId = await enqueueParent(world);
  const one = driveIn(world, [waiting(orders(1)), hung], workId);
  await world.pass(10_000);
  const { entries } = await world.client.children(workId);
  expect([one.driven(), one.abandoned]).toEqual(["abandoned", [entries[0]?.workId]]);
});

test("the driven item goes on beside a child that takes its time, and its death does not count then", async () => {
  const world = createWorld();
  const parent = parentOf(async (_state, ctx) => {
    if (ctx.wake.kind === "timeout") await pause(world.clock, 60_000, ctx.abortSignal);
    else await startAll(ctx, orders(1, 120_000), { group: "g" });
    return ctx.waitFor(1, { group: "g", timeoutMs: 2_000 });
  });
  const engines = [parent, childOf(world)];
  const workId = await enqueueParent(world);
  driveIn(world, engines, workId, "first");
  await world.pass(5_000);
  expect((await world.client.status(workId)).status).toBe("running");
  world.machine.end("first");
  driveIn(world, engines, workId, "second");
  await world.pass(2_000);
  const events = await world.events(workId);
  expect(events.filter((event) => event.kind === "taken_over")).toMatchObject([{ alone: false }]);
});

test.each(["before", "after"] as const)(
  "it ends well when any of its writes has no answer, %s it had its effect",
  async (when) => {
    const engines = (world: World) => [waiting(orders(3), "all", { limit: 2 }), childOf(world)];
    const clean = watched();
    const first = createWorld({ patienceMs: 10_000 });
    driveIn(first, engines(first), await enqueueParent(first), "driver", clean);
    await first.pass(5_000);
    for (const [n, call] of clean.calls.entries()) {
      if (call.method !== "write") continue;
      const world = createWorld({ patienceMs: 10_000 });
      const workId = await enqueueParent(world);
      const one = driveIn(world, engines(world), workId, "driver", failAt(n, when));
      await world.pass(60_000);
      expect(one.driven()).toBe("ended");
      await expectResult(world, workId, [3, 0]);
    }
  },
);
