/** Signals: buffered before the wait, delivered once each and in order, refused when they do not fit, accepted truly. */
import { expect, test } from "vitest";
import { z } from "zod";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import { defineContract } from "../../src/domain/contract.ts";
import { type Ctx, defineEngine, type Engine, type Outcome, type WaitOptions } from "../../src/domain/engine.ts";
import { InboxFullError, InvalidArgumentError, SchemaError, SignalConflictError } from "../../src/domain/errors.ts";
import type { Json } from "../../src/domain/json.ts";
import { inboxKey } from "../../src/domain/keys.ts";
import { writeDue } from "../../src/runtime/alarms.ts";
import { createClient } from "../../src/runtime/client.ts";
import { pause } from "../../src/runtime/deps.ts";
import { readDue } from "../../src/runtime/live.ts";
import { put } from "../../src/runtime/records.ts";
import { sweep } from "../../src/runtime/sweep.ts";
import { encodeSignal } from "../../src/wire/inbox.ts";
import { createWorld, type World } from "../support/world.ts";
import { expectOneLine, kinds } from "./builders.ts";
import { crashAt, type Fault, freezer, nameOf, watched } from "./faults.ts";

const DAY_MS = 86_400_000;
const Note = z.object({ n: z.number() });
type BoxSignals = { note: { n: number }; stop: null; other: Json };
const Box = defineContract<Json, Json, BoxSignals>({
  id: "box",
  payload: z.any(),
  result: z.any(),
  signals: { note: Note, stop: z.null(), other: z.any() },
});
type BoxCtx = Ctx<Json, Json, BoxSignals, Json, Json>;

function box(step: (state: Json, ctx: BoxCtx) => Promise<Outcome>): Engine {
  return defineEngine<Json, Json, BoxSignals, Json, Json>(Box, { version: 1, state: z.any(), log: z.any(), init: 0, step });
}
/** Waits for notes and appends them to its log; "stop" ends it with their number. */
const collector = (timeoutMs?: number) =>
  box(async (state, ctx) => {
    const { wake } = ctx;
    const wait: WaitOptions<BoxSignals, Json> = {
      signals: ["note", "stop"],
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
    if (wake.kind === "timeout") return ctx.complete("timed out", { ifUnread: "step" });
    if (wake.kind !== "signal") return ctx.waitFor(state, wait);
    if (wake.signal.name === "stop") return ctx.complete(state, { ifUnread: "step" });
    return ctx.waitFor(Number(state) + 1, { ...wait, append: [wake.signal.payload] });
  });
async function start(world: World, engine: Engine): Promise<string> {
  const { workId } = await world.client.enqueue(Box, null);
  world.work([engine]);
  await world.settle();
  return workId;
}
const note = (world: World, workId: string, n: number, id?: string) =>
  world.client.signal(Box, workId, "note", { n }, id === undefined ? {} : { id });

test("a waiting item goes on with the signal, and says what it waits for meanwhile", async () => {
  const world = createWorld();
  const workId = await start(world, collector());
  expect(await world.client.status(workId)).toMatchObject({
    status: "waiting",
    waitsFor: { signals: ["note", "stop"], group: null },
  });
  expect(await note(world, workId, 1)).toEqual({ accepted: true, status: "waiting" });
  await world.settle();
  expect(await world.client.log(workId)).toEqual([{ n: 1 }]);
  await world.client.signal(Box, workId, "stop", null);
  await world.settle();
  expect(await world.client.resultJson(workId)).toBe(1);
  expect(await kinds(world, workId)).toEqual(["step", "woken", "step", "woken", "step", "ended"]);
  await expectOneLine(world, workId);
});

test("signals sent before the wait are buffered, and delivered in order, once each", async () => {
  const world = createWorld();
  const { workId } = await world.client.enqueue(Box, null);
  for (let n = 1; n <= 30; n++) expect((await note(world, workId, n)).accepted).toBe(true);
  world.work([collector()]);
  await world.settle();
  expect(await world.client.log(workId)).toEqual(Array.from({ length: 30 }, (_, i) => ({ n: i + 1 })));
  expect((await world.client.status(workId)).buffered).toBe(0);
});

test("what an item waits for is found behind a hundred signals that it does not want yet", async () => {
  const world = createWorld();
  const { workId } = await world.client.enqueue(Box, null);
  for (let i = 0; i < 100; i++) await world.client.signal(Box, workId, "other", i);
  world.work([collector()]);
  await world.settle();
  await note(world, workId, 7);
  await world.settle();
  expect(await world.client.log(workId)).toEqual([{ n: 7 }]);
  await world.client.cancel(workId);
  expect((await world.end(workId)).status).toBe("cancelled");
});

test("the same id is the same signal, and does not stand for another", async () => {
  const world = createWorld();
  const workId = await start(world, collector());
  await note(world, workId, 1, "a");
  await note(world, workId, 1, "a");
  await world.settle();
  expect(await note(world, workId, 1, "a")).toMatchObject({ accepted: true });
  await world.settle();
  expect(await world.client.log(workId)).toEqual([{ n: 1 }]);
  await expect(note(world, workId, 2, "a")).rejects.toThrow(SignalConflictError);
});

test("a payload or a name that does not fit is refused to the sender", async () => {
  const world = createWorld();
  const workId = await start(world, collector());
  await expect(world.client.signal(Box, workId, "note", { n: "x" as never })).rejects.toThrow(SchemaError);
  await expect(world.client.signal(Box, workId, "nots" as never, null as never)).rejects.toThrow(InvalidArgumentError);
  await expect(world.client.signal(Box, workId, "note", { n: 1 }, { id: "a/b" })).rejects.toThrow(InvalidArgumentError);
  expect((await world.client.status(workId)).buffered).toBe(0);
});

test("a thousand signals are buffered; the next is refused, and a cancel is not", async () => {
  const world = createWorld();
  const { workId } = await world.client.enqueue(Box, null);
  for (let n = 0; n < 999; n++) {
    const content = encodeSignal({ id: `s${n}`, sentAtMs: n, name: "note", payload: { kind: "inline", json: `{"n":${n}}` } });
    await put(world.deps, { partition: `test/${workId}`, sort: inboxKey(n, `s${n}`), ...content }, "absent");
  }
  await note(world, workId, 999);
  await expect(note(world, workId, 1_000)).rejects.toThrow(InboxFullError);
  await world.client.cancel(workId);
  world.work([collector()]);
  expect((await world.end(workId)).status).toBe("cancelled");
});

test("a wait times out after days, and not before", async () => {
  const world = createWorld();
  const workId = await start(world, collector(3 * DAY_MS));
  await world.advance(3 * DAY_MS - 60_000, 3_600_000);
  expect((await world.client.status(workId)).status).toBe("waiting");
  await world.pass(120_000);
  expect(await world.client.resultJson(workId)).toBe("timed out");
});

test("a signal in hand is still there when the step throws and runs again, and its worker dies", async () => {
  const world = createWorld();
  const seen: Json[] = [];
  const engine = box(async (state, ctx) => {
    const { wake } = ctx;
    if (wake.kind !== "signal") return ctx.waitFor(state, { signals: ["note"], timeoutMs: DAY_MS });
    seen.push([ctx.attempt, wake.signal.id]);
    if (ctx.attempt === 1) throw new Error("once is not enough");
    if (ctx.attempt === 2) {
      world.machine.end("first");
      await new Promise(() => undefined);
    }
    return ctx.complete(wake.signal.payload);
  });
  const { workId } = await world.client.enqueue(Box, null);
  world.work([engine], { name: "first" });
  await world.settle();
  await note(world, workId, 1, "one");
  await note(world, workId, 2, "two");
  await world.pass(2_000);
  world.work([engine]);
  await world.end(workId);
  expect(seen).toEqual([
    [1, "one"],
    [2, "one"],
    [3, "one"],
  ]);
  expect(await world.client.resultJson(workId)).toEqual({ n: 1 });
  expect((await world.client.status(workId)).buffered).toBe(1);
});

test("a wake by timeout stays one on the next attempt, whatever came in meanwhile", async () => {
  const world = createWorld();
  const wakes: string[] = [];
  const engine = box(async (state, ctx) => {
    if (ctx.step === 0) return ctx.waitFor(state, { signals: ["note"], timeoutMs: 60_000 });
    wakes.push(ctx.wake.kind);
    if (ctx.attempt === 1) {
      world.machine.end("first");
      await new Promise(() => undefined);
    }
    return ctx.complete(ctx.wake.kind);
  });
  const { workId } = await world.client.enqueue(Box, null);
  world.work([engine], { name: "first" });
  await world.pass(61_000);
  await note(world, workId, 1);
  world.work([engine]);
  await world.end(workId);
  expect(wakes).toEqual(["timeout", "timeout"]);
});

test("take gives what is buffered, without waiting, and the commit consumes it", async () => {
  const world = createWorld();
  const engine = box(async (state, ctx) => {
    if (ctx.step === 0) {
      const [a, b] = await Promise.all([ctx.take("note", 2), ctx.take("note", 2)]);
      const rest = await ctx.take("note");
      if (ctx.attempt === 1) throw new Error("nothing is consumed by a failed attempt");
      return ctx.next(state, { append: [[a, b, rest].map((some) => some.map(({ payload }) => payload))] });
    }
    const left = await ctx.take("note");
    return left.length > 0 ? ctx.next(state, { append: [left.map(({ payload }) => payload)] }) : ctx.complete("empty");
  });
  const { workId } = await world.client.enqueue(Box, null);
  for (let n = 1; n <= 20; n++) await note(world, workId, n);
  world.work([engine]);
  await world.end(workId);
  const n = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => ({ n: from + i }));
  expect(await world.client.log(workId)).toEqual([[n(1, 2), n(3, 4), n(5, 16)], n(17, 20)]);
});

test("a signal that came before the end is read first, when the engine asks for that", async () => {
  const world = createWorld();
  const frozen = freezer();
  const engine = box(async (state, ctx) => {
    if (ctx.wake.kind === "signal") return ctx.complete(ctx.wake.signal.payload);
    await pause(world.clock, 1_000);
    return ctx.complete(state, { ifUnread: ctx.payload === "drop" ? "drop" : "step" });
  });
  for (const [payload, result] of [
    ["step", { n: 5 }],
    ["drop", 0],
  ] as const) {
    const { workId } = await world.client.enqueue(Box, payload);
    const worker = world.work([engine], { intercept: frozen.intercept });
    await world.settle();
    expect((await note(world, workId, 5)).accepted).toBe(true);
    await world.end(workId);
    expect(await world.client.resultJson(workId)).toEqual(result);
    expect(await note(world, workId, 6)).toEqual({ accepted: false, status: "completed" });
    await worker.stop();
  }
});

test("around the end, accepted means read: whichever port call the sender comes between", async () => {
  const engine = box(async (state, ctx) => {
    if (ctx.wake.kind === "signal")
      return ctx.complete(Number(state) + 1, { ifUnread: "step", append: [ctx.wake.signal.payload] });
    return ctx.complete(state, { ifUnread: "step" });
  });
  const counted = createWorld();
  const fault = watched();
  counted.work([engine], { intercept: fault.intercept });
  await counted.end((await counted.client.enqueue(Box, null)).workId);
  const answers = new Set<boolean>();
  for (let at = 0; at < fault.calls.length; at++) {
    const world = createWorld();
    let calls = 0;
    let sent: Promise<{ accepted: boolean }> | null = null;
    const { workId } = await world.client.enqueue(Box, null);
    world.work([engine], {
      intercept: async (call, run) => {
        if (call.method === "receive" || calls++ !== at) return run();
        // Its own look waits for the end, so it is not waited for here.
        sent = note(world, workId, 1);
        await Promise.race([sent, new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))))]);
        return run();
      },
    });
    await world.end(workId);
    await world.pass(100);
    const { accepted } = await (sent ?? { accepted: false });
    answers.add(accepted);
    expect({ at, accepted }).toEqual({ at, accepted: (await world.client.log(workId)).length === 1 });
  }
  expect(answers).toEqual(new Set([true, false]));
});

test("a wait or a delay that ends after the last instant there is is refused", async () => {
  const world = createWorld();
  const engine = box(async (state, ctx) => {
    if (ctx.payload === "wait") return ctx.waitFor(state, { timeoutMs: 8.64e15 });
    return ctx.next(state, { delayMs: 8.64e15 });
  });
  world.work([engine]);
  for (const payload of ["wait", "next"]) {
    const { workId } = await world.client.enqueue(Box, payload);
    const { status, error } = await world.end(workId);
    expect([status, error?.code]).toEqual(["dead_lettered", "invalid_argument"]);
  }
});

test("a pause holds a waiting item, and its signals and timeout come through after a resume", async () => {
  const world = createWorld();
  const workId = await start(world, collector(600_000));
  await world.client.pause(workId);
  await world.settle();
  await note(world, workId, 1);
  await world.pass(700_000);
  expect(await world.client.status(workId)).toMatchObject({ status: "paused", waitsFor: { signals: ["note", "stop"] } });
  await world.client.resume(workId);
  await world.pass(1_000);
  expect(await world.client.log(workId)).toEqual([{ n: 1 }]);
});

test("start and signal are one: of a new item, of an open one, and of a new life", async () => {
  const world = createWorld();
  world.work([collector(60_000)]);
  const send = (n: number, id: string) =>
    world.client.enqueue(Box, null, { key: "k", ifEnded: "again", signal: { name: "note", payload: { n }, id } });
  const first = await send(1, "a");
  expect(first).toMatchObject({ created: true, accepted: true });
  await world.settle();
  const second = await send(2, "b");
  expect(second).toMatchObject({ workId: first.workId, created: false, accepted: true });
  await world.settle();
  expect(await world.client.log(first.workId)).toEqual([{ n: 1 }, { n: 2 }]);
  await world.end(first.workId);
  // A call that is repeated because its answer was lost begins no new life.
  expect(await send(2, "b")).toMatchObject({ workId: first.workId, created: false, accepted: true });
  const third = await send(3, "c");
  expect(third).toMatchObject({ created: true, accepted: true });
  expect(third.workId).not.toBe(first.workId);
  await world.settle();
  expect(await world.client.log(third.workId)).toEqual([{ n: 3 }]);
});

test("a large payload comes through, and order holds across clients of one sender's clock", async () => {
  const world = createWorld();
  const workId = await start(
    world,
    box(async (_s, ctx) =>
      ctx.wake.kind === "signal"
        ? ctx.complete(JSON.stringify(ctx.wake.signal.payload).length)
        : ctx.waitFor(0, { signals: ["other"] }),
    ),
  );
  await createClient(world.deps).signal(Box, workId, "other", "x".repeat(500_000));
  await world.settle();
  expect(await world.client.resultJson(workId)).toBe(500_002);
});

test("hints of signals that are lost are made good by the alarm", async () => {
  const world = createWorld();
  const { workId } = await world.client.enqueue(Box, null);
  const worker = world.work([collector()]);
  await world.settle();
  await worker.stop();
  await note(world, workId, 1);
  world.loseMessages();
  world.work([collector()]);
  await world.pass(150_000);
  expect(await world.client.log(workId)).toEqual([{ n: 1 }]);
});

test("parked items are let alone: no message, and a look a day later", async () => {
  const world = createWorld();
  const workId = await start(world, collector());
  expect(await world.broker.entries.size).toBe(0);
  const { alarmAtMs } = await world.client.status(workId);
  expect((alarmAtMs ?? 0) - world.clock.nowMs()).toBeLessThanOrEqual(DAY_MS);
  await world.advance(40 * DAY_MS, DAY_MS / 2);
  expect((await world.client.status(workId)).status).toBe("waiting");
  await note(world, workId, 1);
  await world.settle();
  expect(await world.client.log(workId)).toEqual([{ n: 1 }]);
});

test("a sender that was frozen before its write, and was repeated meanwhile, is not heard twice", async () => {
  const world = createWorld();
  const workId = await start(world, collector());
  const frozen = freezer();
  const late = createClient(
    world.process("late", {
      intercept: (call, run) => {
        if (nameOf(call).startsWith("records.write LIVE/inbox")) frozen.freeze();
        return frozen.intercept(call, run);
      },
    }),
  );
  const sent = late.signal(Box, workId, "note", { n: 1 }, { id: "s" });
  await world.settle();
  await note(world, workId, 1, "s");
  await world.settle();
  await note(world, workId, 2);
  await world.settle();
  frozen.thaw();
  expect(await sent).toMatchObject({ accepted: true });
  await world.pass(100_000);
  await note(world, workId, 3);
  await world.settle();
  expect(await world.client.log(workId)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  expect((await world.client.status(workId)).buffered).toBe(0);
});

/** One signal into an item that waits, by a sender, a worker that dies in any of its calls, and one that goes on. */
async function told(
  worker: Fault | null,
  onCrash: (world: World) => void,
  sender: Fault | null,
): Promise<World & { workId: string }> {
  const world = createWorld();
  const { workId } = await world.client.enqueue(Box, null);
  world.work([collector()], { name: "first", ...(worker === null ? {} : { intercept: worker.intercept }) });
  await world.settle();
  const client = sender === null ? world.client : createClient(world.process("sender", { intercept: sender.intercept }));
  const sent = client.signal(Box, workId, "note", { n: 1 }, { id: "s" });
  await Promise.race([sent, world.pass(30_000)]);
  if (sender?.happened() === true) await note(world, workId, 1, "s");
  onCrash(world);
  world.work([collector()], { name: "second" });
  await world.pass(200_000);
  return { ...world, workId };
}

test.each(["before", "after"] as const)(
  "a sender that dies %s any of its calls and repeats itself is heard once",
  async (when) => {
    const clean = watched();
    await told(null, () => undefined, clean);
    expect(new Set(clean.calls.map(nameOf).map((name) => name.split(" ")[0]))).toContain("queue.send");
    for (let n = 0; n < clean.calls.length; n++) {
      const world = await told(
        null,
        () => undefined,
        crashAt(n, when, () => undefined),
      );
      expect({ n, log: await world.client.log(world.workId) }).toEqual({ n, log: [{ n: 1 }] });
    }
  },
);

test.each(["before", "after"] as const)(
  "a worker that dies %s any of its calls loses no signal and doubles none",
  async (when) => {
    const clean = watched();
    await told(clean, () => undefined, null);
    for (let n = 0; n < clean.calls.length; n++) {
      const fault = crashAt(n, when, () => undefined);
      const world = await told(fault, (one) => one.machine.end("first"), null);
      await note(world, world.workId, 2);
      await world.client.signal(Box, world.workId, "stop", null);
      await world.end(world.workId);
      expect({ n, log: await world.client.log(world.workId) }).toEqual({ n, log: [{ n: 1 }, { n: 2 }] });
      await expectOneLine(world, world.workId);
    }
  },
);

test("an alarm that is about to pass counts as past: to a sweeper whose clock is ahead it has", async () => {
  const world = createWorld();
  const { workId } = await world.client.enqueue(Box, null);
  const worker = world.work([collector()]);
  await world.settle();
  await worker.stop();
  const partition = `test/${workId}`;
  const { clock } = world;
  const { revision } = await readDue(world.deps, partition);
  await writeDue(world.deps, partition, { why: "waiting", atMs: clock.nowMs(), version: 1, rings: 0 }, revision);
  const behind = { after: clock.after, nowMs: () => clock.nowMs() - 9_000 };
  let isSent = false;
  const intercept: Intercept = async (call, run) => {
    if (!isSent && call.method === "write") {
      isSent = true;
      await createClient({ ...world.process("sender"), clock: behind }).signal(Box, workId, "note", { n: 1 });
      world.loseMessages();
    }
    return run();
  };
  await sweep(world.process("sweeper", { intercept }));
  expect(isSent).toBe(true);
  expect((await world.client.status(workId)).alarmAtMs).toBeLessThanOrEqual(clock.nowMs() + 60_000);
});
