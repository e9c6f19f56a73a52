/** Leases that lapse under live workers, and workers that give their steps back (G1, G2, G4). */
import { expect, test } from "vitest";
import type { Engine } from "../../src/domain/engine.ts";
import { LEASE_DURATION_MS } from "../../src/domain/limits.ts";
import { pause } from "../../src/runtime/deps.ts";
import { createWorld, type World } from "../support/world.ts";
import { createLedger, engineOf, enqueue, expectOneLine, kinds, type Ledger } from "./builders.ts";
import { failAt, freezer, nameOf, watched } from "./faults.ts";

/** Three steps of 10 s each; a line of the log says which attempt committed. */
function slow(world: World, ledger: Ledger, steps = 3, stepMs = 10_000): Engine {
  return engineOf(async (state, ctx) => {
    await ledger.enter(world, ctx);
    await pause(world.clock, stepMs, ctx.abortSignal);
    const append = [`${ctx.step}.${ctx.attempt}`];
    return ctx.step + 1 >= steps ? ctx.complete("done", { append }) : ctx.next(Number(state) + 1, { append });
  });
}

for (const atMs of [1_000, 9_999, 10_000, 15_000, 29_999]) {
  test(`a worker frozen after ${atMs} ms and thawed beyond its lease changes nothing`, async () => {
    const world = createWorld();
    const ledger = createLedger();
    const ice = freezer();
    world.work([slow(world, ledger)], { name: "zombie", intercept: ice.intercept });
    const workId = await enqueue(world);
    await world.settle();
    world.work([slow(world, ledger)], { name: "other" });
    await world.pass(atMs);
    ice.freeze();
    await world.pass(27_000);
    const before = await world.client.status(workId);
    ice.thaw();
    await world.settle();
    const after = await world.client.status(workId);
    expect({ ...after, alarmAtMs: 0 }).toEqual({ ...before, alarmAtMs: 0 });
    await world.end(workId);
    await expectOneLine(world, workId);
    expect(await world.client.log(workId)).toHaveLength(3);
    expect(await kinds(world, workId)).toContain("taken_over");
  });
}

test("a claim that is answered when its lease is over runs no step", async () => {
  const world = createWorld();
  const ice = freezer();
  const runs: string[] = [];
  const engineIn = (name: string) =>
    engineOf(async (_state, ctx) => {
      runs.push(`${name} ${ctx.attempt}`);
      return ctx.complete(name);
    });
  world.work([engineIn("late")], {
    intercept: async (call, run) => {
      const answer = await run();
      if (nameOf(call) === "records.write LIVE/LEASE") await ice.intercept(call, async () => undefined);
      return answer;
    },
  });
  ice.freeze();
  const workId = await enqueue(world);
  await world.pass(LEASE_DURATION_MS + 1);
  ice.thaw();
  expect((await world.end(workId)).status).toBe("completed");
  // It claims the item anew: the attempt that it did not make is on record.
  expect(runs).toEqual(["late 2"]);
});

test("a zombie is told by its abort signal that its lease was lost, and its outcome is discarded", async () => {
  const world = createWorld();
  const ice = freezer();
  const reasons: unknown[] = [];
  const engineIn = (name: string): Engine =>
    engineOf(async (_state, ctx) => {
      ctx.abortSignal.addEventListener("abort", () => reasons.push(name, ctx.abortSignal.reason));
      await pause(world.clock, 40_000, ctx.abortSignal);
      return ctx.complete(name);
    });
  world.work([engineIn("zombie")], { concurrency: 1, intercept: ice.intercept });
  const workId = await enqueue(world);
  await world.pass(5_000);
  ice.freeze();
  world.work([engineIn("other")]);
  await world.pass(30_000);
  ice.thaw();
  await world.end(workId);
  expect(reasons[0]).toBe("zombie");
  expect(String(reasons[1])).toContain("its lease was lost");
  expect(await world.client.resultJson(workId)).toBe("other");
});

test("a long step keeps its lease and its message by heartbeats", async () => {
  const world = createWorld();
  const ledger = createLedger();
  for (const name of ["one", "two"]) world.work([slow(world, ledger, 1, 280_000)], { name });
  const workId = await enqueue(world);
  await world.pass(100_000);
  const { status, holder, attempt } = await world.client.status(workId);
  expect({ status, held: (holder?.expiresAtMs ?? 0) > world.clock.nowMs(), attempt }).toEqual({
    status: "running",
    held: true,
    attempt: 1,
  });
  await world.end(workId);
  expect(ledger.runs).toEqual(["0.1"]);
});

test("a heartbeat whose answer is lost, or that fails, does not lose the lease", async () => {
  const world = createWorld();
  const clean = watched();
  world.work([slow(world, createLedger(), 1, 30_000)], { intercept: clean.intercept });
  await world.end(await enqueue(world));
  const isBeat = (name: string): boolean => /hide|LEASE|command/.test(name);
  const calls = clean.calls.flatMap((call, n) => (isBeat(`${nameOf(call)} ${JSON.stringify(call.args[1])}`) ? [n] : []));
  // The first is the claim, and the last the look for commands after the end.
  const beats = calls.slice(1, -1);
  expect(beats).toHaveLength(8 * 3);
  for (const when of ["before", "after"] as const) {
    for (const n of beats) {
      const again = createWorld();
      const ledger = createLedger();
      again.work([slow(again, ledger, 1, 30_000)], { intercept: failAt(n, when).intercept });
      await again.end(await enqueue(again));
      expect(ledger.runs, `${when} call ${n}`).toEqual(["0.1"]);
    }
  }
});

test("a worker that stops lets a short step finish, and sends the item on", async () => {
  const world = createWorld();
  const ledger = createLedger();
  const first = world.work([slow(world, ledger)]);
  const workId = await enqueue(world);
  await world.pass(5_000);
  await first.stop();
  expect((await world.client.status(workId)).version).toBe(1);
  expect(first.inFlight()).toBe(0);
  world.work([slow(world, ledger)]);
  await world.end(workId, 21_000);
  expect(ledger.runs).toEqual(["0.1", "1.1", "2.1"]);
});

test("a step given back at the end of the grace spends no attempt", async () => {
  const world = createWorld();
  const runs: number[] = [];
  const engine = engineOf(async (_state, ctx) => {
    runs.push(ctx.attempt);
    await pause(world.clock, 60_000, ctx.abortSignal);
    ctx.abortSignal.throwIfAborted();
    return ctx.complete("done");
  });
  for (let stops = 0; stops < 7; stops++) {
    const worker = world.work([engine], { graceMs: 1_000 });
    const workId = (await world.client.list()).entries[0]?.workId ?? (await enqueue(world));
    await world.pass(2_000);
    await worker.stop();
    expect(await world.client.status(workId)).toMatchObject({ status: "queued", attempt: 0 });
  }
  world.work([engine]);
  const [item] = (await world.client.list()).entries;
  await world.end(item?.workId ?? "", 61_000);
  expect(runs).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  expect((await kinds(world, item?.workId ?? "")).filter((kind) => kind === "given_back")).toHaveLength(7);
});

test("a step that does not heed its abort signal at shutdown is left, and reported", async () => {
  const world = createWorld();
  let hang = true;
  const engine = engineOf(async (_state, ctx) => (hang ? new Promise(() => undefined) : ctx.complete("done")));
  const worker = world.work([engine], { graceMs: 1_000 });
  const workId = await enqueue(world);
  await world.settle();
  await worker.stop();
  expect(worker.abandoned).toEqual([workId]);
  expect(await world.client.status(workId)).toMatchObject({ status: "queued", attempt: 0 });
  hang = false;
  world.work([engine]);
  expect((await world.end(workId, 1_000)).status).toBe("completed");
});

test("duplicate hints run no step twice and die out", async () => {
  const world = createWorld();
  const ledger = createLedger();
  const engine = engineOf(async (_state, ctx) => {
    await ledger.enter(world, ctx);
    await pause(world.clock, 1_000);
    return ctx.step === 4 ? ctx.complete("done") : ctx.next(1, { delayMs: ctx.step % 2 === 0 ? 5_000 : 0 });
  });
  for (let i = 0; i < 3; i++) world.work([engine]);
  const workId = await enqueue(world);
  const repeat = (): void => {
    for (const entry of [...world.broker.entries.values()])
      void world.deps.queue.send(entry.body, { delayMs: 0, lane: "normal", tenant: "" });
  };
  for (let i = 0; i < 16; i++) {
    if (world.broker.entries.size < 40) repeat();
    await world.pass(500);
  }
  await world.end(workId);
  expect(ledger.runs).toEqual(["0.1", "1.1", "2.1", "3.1", "4.1"]);
  await world.pass(10_000);
  expect(world.broker.entries.size).toBe(0);
});

test("duplicate hints of a sleeping item do not multiply", async () => {
  const world = createWorld();
  world.work([engineOf(async (_state, ctx) => (ctx.step === 20 ? ctx.complete(1) : ctx.next(1, { delayMs: 10_000 })))]);
  const workId = await enqueue(world);
  await world.settle();
  const [entry] = world.broker.entries.values();
  for (let i = 0; i < 20; i++) await world.deps.queue.send(entry?.body ?? "", { delayMs: 0, lane: "normal", tenant: "" });
  await world.pass(25_000);
  expect(world.broker.entries.size).toBe(1);
  await world.end(workId);
});

test("hints for older versions of an item that gives way to others die out", async () => {
  const world = createWorld();
  const ledger = createLedger();
  world.work([slow(world, ledger, 5, 6_000)], { concurrency: 1 });
  const workId = await enqueue(world);
  const [entry] = world.broker.entries.values();
  for (let i = 0; i < 20; i++) await world.deps.queue.send(entry?.body ?? "", { delayMs: 0, lane: "normal", tenant: "" });
  await world.pass(20_000);
  expect(world.broker.entries.size).toBe(1);
  await world.end(workId);
  expect(ledger.runs).toHaveLength(5);
});

test("a lost hint is found by the alarm", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  world.loseMessages();
  world.work([engineOf(async (_state, ctx) => (ctx.step === 0 ? ctx.next(1, { delayMs: 60_000 }) : ctx.complete(1)))]);
  await world.reach(workId, "sleeping", 6 * 60_000);
  world.loseMessages();
  await world.end(workId, 17 * 60_000);
});
