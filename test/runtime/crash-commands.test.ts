/** Deaths of callers and workers around enqueue, commands, `recover` and redrive: each is completed by a repeat or by the alarm. */
import { expect, test } from "vitest";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import { StoreUnavailableError } from "../../src/domain/errors.ts";
import { SHARDS } from "../../src/domain/limits.ts";
import type { DueEntry } from "../../src/ports/record-store.ts";
import { createClient } from "../../src/runtime/client.ts";
import { sweep } from "../../src/runtime/sweep.ts";
import { createWorld, type World } from "../support/world.ts";
import { counter, engineOf, enqueue, expectOneLine, kinds, Work } from "./builders.ts";
import { crashAt, type Fault, failAt, freezer, nameOf, watched } from "./faults.ts";

const BOTH = ["before", "after"] as const;

/** The calls of one undisturbed run, to die in one after the other. */
async function callsOf(run: (fault: Fault) => Promise<void>): Promise<Fault["calls"]> {
  const fault = watched();
  await run(fault);
  return [...fault.calls];
}
async function atEvery(when: "before" | "after", calls: Fault["calls"], run: (n: number) => Promise<void>): Promise<void> {
  for (let n = 0; n < calls.length; n++) {
    await run(n).catch((error: unknown) => {
      throw new Error(`${when} call ${n}, ${nameOf(calls[n] ?? { port: "", method: "", args: [] })}`, { cause: error });
    });
  }
}
function clientOf(world: World, fault: Fault, name = "caller") {
  return createClient(world.process(name, { intercept: fault.intercept }));
}

async function allDue(world: World): Promise<DueEntry[]> {
  const shards = Array.from({ length: SHARDS }, (_, shard) => world.deps.store.due(shard, Number.MAX_SAFE_INTEGER, 10));
  return (await Promise.all(shards)).flat();
}

const enqueued = await callsOf(async (fault) => {
  await clientOf(createWorld(), fault).enqueue(Work, "x".repeat(9_000), { key: "k" });
});

test.each(BOTH)("an enqueue that dies %s any call is completed by repeating it", async (when) => {
  await atEvery(when, enqueued, async (n) => {
    const world = createWorld();
    const fault = crashAt(n, when, () => world.machine.end("caller"));
    void clientOf(world, fault).enqueue(Work, "x".repeat(9_000), { key: "k" });
    await world.settle();
    expect(fault.happened()).toBe(true);
    const { workId } = await world.client.enqueue(Work, "x".repeat(9_000), { key: "k" });
    world.work([counter(2)]);
    expect((await world.end(workId, 1_000)).version).toBe(2);
    expect((await world.client.list()).entries.map((item) => item.workId)).toEqual([workId]);
  });
});

test.each(BOTH)("an enqueue that dies %s any call and is not repeated goes on by its alarm, or leaves nothing", async (when) => {
  await atEvery(when, enqueued, async (n) => {
    const world = createWorld();
    void clientOf(
      world,
      crashAt(n, when, () => undefined),
    ).enqueue(Work, "x".repeat(9_000), { key: "k" });
    await world.settle();
    world.work([counter(2)]);
    await world.advance(3 * 24 * 3_600_000, 30 * 60_000);
    const { entries } = await world.client.list();
    for (const item of entries) expect(item.status).toBe("completed");
    if (entries.length > 0) return;
    expect(await allDue(world)).toEqual([]);
  });
});

test("an enqueue repeated just when its orphaned alarm is removed keeps an alarm", async () => {
  const world = createWorld();
  const dueWritten = enqueued.findIndex((call) => nameOf(call).endsWith("write LIVE/DUE"));
  void clientOf(
    world,
    crashAt(dueWritten, "after", () => undefined),
  ).enqueue(Work, "x".repeat(9_000), { key: "k" });
  await world.settle();
  await world.pass(10 * 60_000);
  const [orphan] = await allDue(world);
  world.clock.advance((orphan?.atMs ?? 0) - world.clock.nowMs());
  const ice = freezer();
  const intercept: Intercept = (call, run) => (nameOf(call).endsWith("write LIVE/ITEM") ? ice.intercept(call, run) : run());
  ice.freeze();
  const late = createClient(world.process("late", { intercept })).enqueue(Work, "x".repeat(9_000), { key: "k" });
  await world.settle();
  await sweep(world.deps);
  ice.thaw();
  const { workId } = await late;
  world.loseMessages();
  world.work([counter(2)]);
  await world.end(workId, 10 * 60_000);
});

test.each(BOTH)("an enqueue whose answer is lost %s any call can be repeated", async (when) => {
  await atEvery(when, enqueued, async (n) => {
    const world = createWorld();
    const client = clientOf(world, failAt(n, when));
    await client
      .enqueue(Work, "x".repeat(9_000), { key: "k" })
      .catch((error) => expect(error).toBeInstanceOf(StoreUnavailableError));
    const { workId } = await client.enqueue(Work, "x".repeat(9_000), { key: "k" });
    world.work([counter(2)]);
    expect((await world.end(workId, 1_000)).version).toBe(2);
  });
});

async function sleeper(): Promise<{ world: World; workId: string }> {
  const world = createWorld();
  world.work([engineOf(async (state, ctx) => (state === 1 ? ctx.complete(1) : ctx.next(1, { delayMs: 24 * 3_600_000 })))]);
  const workId = await enqueue(world);
  await world.reach(workId, "sleeping");
  return { world, workId };
}
const cancelled = await callsOf(async (fault) => {
  const { world, workId } = await sleeper();
  await clientOf(world, fault).cancel(workId, "enough", { id: "c-1" });
});

test.each(BOTH)("a cancel that dies %s any call takes effect within two minutes, or when it is repeated", async (when) => {
  await atEvery(when, cancelled, async (n) => {
    const { world, workId } = await sleeper();
    void clientOf(
      world,
      crashAt(n, when, () => undefined),
    ).cancel(workId, "enough", { id: "c-1" });
    await world.pass(3 * 60_000);
    if ((await world.client.status(workId)).status === "sleeping") await world.client.cancel(workId, "enough", { id: "c-1" });
    await world.reach(workId, "cancelled", 1_000);
    expect((await kinds(world, workId)).filter((kind) => kind === "cancel_requested")).toHaveLength(1);
  });
});

/** Fails in its second step, is compensated in two, is redriven and completes. */
async function twoLives(world: World, onReady: (workId: string) => Promise<void>): Promise<string> {
  const workId = await enqueue(world);
  await onReady(workId);
  await world.reach(workId, "dead_lettered", 5 * 60_000);
  await world.client.redrive(workId, "again", { id: "r-1" });
  await world.reach(workId, "completed", 5 * 60_000);
  return workId;
}
function fragile(recovered: string[]) {
  return engineOf(
    async (state, ctx) => {
      if (state === 0) return ctx.next(1);
      if (ctx.wake.kind === "resumed") return ctx.complete(ctx.wake.note);
      throw new TypeError("a bug");
    },
    {
      recover: async (state, cause, ctx) => {
        recovered.push(`${cause.kind} ${ctx.attempt}`);
        return state === 1 ? ctx.next(2) : ctx.fail(new Error("compensated"));
      },
    },
  );
}
const lived = await callsOf(async (fault) => {
  const world = createWorld();
  world.work([fragile([])], { intercept: fault.intercept });
  await twoLives(world, async () => undefined);
  await world.settle();
});

test.each(BOTH)("`recover` and redrive survive a death %s any call of their worker", async (when) => {
  await atEvery(when, lived, async (n) => {
    const world = createWorld();
    const recovered: string[] = [];
    const fault = crashAt(n, when, () => world.machine.end("first"));
    world.work([fragile(recovered)], { name: "first", intercept: fault.intercept });
    const workId = await twoLives(world, async () => {
      await world.settle();
      world.work([fragile(recovered)], { name: "second" });
    });
    expect(await world.client.resultJson(workId)).toBe("again");
    await expectOneLine(world, workId);
    expect((await kinds(world, workId)).filter((kind) => kind === "recovering")).toHaveLength(1);
    expect((await kinds(world, workId)).filter((kind) => kind === "redriven")).toHaveLength(1);
    expect(recovered.length).toBeLessThanOrEqual(3);
  });
});

const DAY_MS = 24 * 3_600_000;
async function ended(): Promise<{ world: World; workId: string }> {
  const world = createWorld({ retentionMs: DAY_MS });
  const worker = world.work([engineOf(async (_state, ctx) => ctx.complete("x".repeat(9_000)))]);
  const { workId } = await world.client.enqueue(Work, 1, { key: "k" });
  await world.end(workId);
  await worker.stop();
  return { world, workId };
}
async function collectAll(world: World, fault: Fault): Promise<void> {
  for (const afterMs of [DAY_MS, DAY_MS]) {
    world.clock.advance(afterMs);
    await sweep(world.process("sweeper", { intercept: fault.intercept }));
  }
}
const collected = (
  await callsOf(async (fault) => {
    const { world } = await ended();
    await collectAll(world, fault);
  })
).filter((call) => call.method !== "due" && call.method !== "read");

test.each(BOTH)("nothing stays behind of an item when the sweeper dies %s any call that forgets or collects it", async (when) => {
  await atEvery(when, collected, async (n) => {
    const { world, workId } = await ended();
    const fault = crashAt(n, when, () => undefined);
    const { intercept } = fault;
    const writes: Fault = {
      ...fault,
      intercept: (call, run) => (call.method === "due" || call.method === "read" ? run() : intercept(call, run)),
    };
    void collectAll(world, writes);
    await world.settle();
    await world.advance(5 * DAY_MS, DAY_MS / 4);
    expect(fault.happened()).toBe(true);
    expect(await world.records(workId)).toEqual([]);
    expect((await world.client.enqueue(Work, 2, { key: "k" })).created).toBe(true);
  });
});
