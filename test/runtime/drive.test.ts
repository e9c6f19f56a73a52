/** Driving one item without the queue keeps the protocol: attempts, fences, alarms and hints. */
import { expect, test } from "vitest";
import type { Engine } from "../../src/domain/engine.ts";
import { UnknownEngineError, UnknownWorkItemError } from "../../src/domain/errors.ts";
import { parseWorkId } from "../../src/domain/ids.ts";
import { pause } from "../../src/runtime/deps.ts";
import { type Driven, drive } from "../../src/runtime/drive.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import { createWorld, type World } from "../support/world.ts";
import { counter, createLedger, engineOf, enqueue, expectOneLine } from "./builders.ts";
import { failAt, watched } from "./faults.ts";

interface Drive {
  readonly abandoned: string[];
  stop(): void;
  /** Null while it goes on. */
  driven(): Driven | null;
}
function driveIn(
  world: World,
  engines: readonly Engine[],
  workId: string,
  untilVersion: number | null = null,
  deps = world.process("driver"),
): Drive {
  const stop = new AbortController();
  const abandoned: string[] = [];
  let driven: Driven | null = null;
  const options = { untilVersion, graceMs: 1_000, onAbandoned: (id: string) => abandoned.push(id) };
  void drive(deps, createEngines(engines), parseWorkId(workId), stop.signal, options).then((how) => {
    driven = how;
  });
  return { abandoned, stop: () => stop.abort(), driven: () => driven };
}

test("it works to the end, beside workers that have the message, and no step runs twice", async () => {
  const world = createWorld();
  const ledger = createLedger();
  const engine = engineOf(async (state, ctx) => {
    await ledger.enter(world, ctx);
    await pause(world.clock, 500);
    return ctx.step === 9 ? ctx.complete(state) : ctx.next(1, { delayMs: ctx.step % 2 === 0 ? 1_000 : 0 });
  });
  const workId = await enqueue(world);
  const one = driveIn(world, [engine], workId);
  world.work([engine]);
  await world.pass(20_000);
  expect(one.driven()).toBe("ended");
  expect(ledger.runs).toHaveLength(10);
  await expectOneLine(world, workId);
});

test("it stops at the version that was asked for, and workers go on from there", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  world.loseMessages();
  const one = driveIn(world, [counter(10)], workId, 4);
  await world.pass(1_000);
  expect([one.driven(), (await world.client.status(workId)).version]).toEqual(["reached", 4]);
  world.work([counter(10)]);
  await world.end(workId, 1_000);
});

test("stopped, it gives the running step back and leaves a message", async () => {
  const world = createWorld();
  const engine = engineOf(async (_state, ctx) => {
    await pause(world.clock, 60_000, ctx.abortSignal);
    ctx.abortSignal.throwIfAborted();
    return ctx.complete("done");
  });
  const workId = await enqueue(world);
  world.loseMessages();
  const one = driveIn(world, [engine], workId);
  await world.pass(5_000);
  one.stop();
  await world.pass(2_000);
  expect([one.driven(), (await world.client.status(workId)).attempt]).toEqual(["stopped", 0]);
  world.work([engine]);
  expect((await world.end(workId, 61_000)).status).toBe("completed");
});

test("it says when the item is paused, and when a step does not heed its abort signal", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  await world.client.pause(workId);
  const paused = driveIn(world, [counter(2)], workId);
  await world.pass(1_000);
  expect(paused.driven()).toBe("paused");
  const hung = await enqueue(world, 2);
  const left = driveIn(world, [engineOf(() => new Promise(() => undefined), { limits: { stepMs: 1_000 } })], hung);
  await world.pass(10_000);
  expect([left.driven(), left.abandoned]).toEqual(["abandoned", [hung]]);
});

test("it waits for a lease that somebody holds, and takes over when its holder is gone", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  world.work([engineOf(() => new Promise(() => undefined))], { name: "holder" });
  await world.pass(2_000);
  const one = driveIn(world, [counter(3)], workId);
  await world.pass(5_000);
  expect(one.driven()).toBeNull();
  world.machine.end("holder");
  await world.pass(1_000);
  expect(one.driven()).toBe("ended");
});

test("items and engines that are not there are errors", async () => {
  const world = createWorld();
  const workId = parseWorkId(await enqueue(world));
  const run = (id: typeof workId, engines: Engine[]) =>
    drive(world.deps, createEngines(engines), id, new AbortController().signal, {
      untilVersion: null,
      graceMs: 0,
      onAbandoned: () => undefined,
    });
  await expect(run(parseWorkId("0123456789abcdefghjk"), [counter(1)])).rejects.toThrow(UnknownWorkItemError);
  await expect(run(workId, [])).rejects.toThrow(UnknownEngineError);
});

test.each(["before", "after"] as const)(
  "it ends well when any of its writes has no answer, %s it had its effect",
  async (when) => {
    const clean = watched();
    const first = createWorld({ patienceMs: 10_000 });
    driveIn(first, [counter(4)], await enqueue(first), null, first.process("driver", { intercept: clean.intercept }));
    await first.pass(1_000);
    for (const [n, call] of clean.calls.entries()) {
      if (call.method !== "write") continue;
      const world = createWorld({ patienceMs: 10_000 });
      const workId = await enqueue(world);
      const one = driveIn(world, [counter(4)], workId, null, world.process("driver", { intercept: failAt(n, when).intercept }));
      await world.pass(60_000);
      expect(one.driven()).toBe("ended");
      await expectOneLine(world, workId);
    }
  },
);
