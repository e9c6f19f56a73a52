/** Interleavings at the edges of the protocol, each of them once a hole. */
import { expect, test } from "vitest";
import { z } from "zod";
import type { Intercept, PortCall } from "../../src/adapters/memory/intercept.ts";
import { defineContract, defineEngine } from "../../src/index.ts";
import { createClient } from "../../src/runtime/client.ts";
import { enqueue } from "../../src/runtime/enqueue.ts";
import { sweep } from "../../src/runtime/sweep.ts";
import { sha256 } from "../../src/wire/digest.ts";
import { createWorld } from "../support/world.ts";
import { draftOf, never } from "./faults.ts";

const Race = defineContract({ id: "race", payload: z.object({}), result: z.string() });
const MINUTE_MS = 60_000;
/** A process that dies at the first call that fits. */
const dying =
  (fits: (call: PortCall) => boolean): Intercept =>
  (call, run) =>
    fits(call) ? never() : run();

test("a redrive whose sender dies before its hint is not lost, though the end is settled meanwhile", async () => {
  const world = createWorld();
  const engine = defineEngine(Race, {
    version: 1,
    state: z.object({}),
    init: {},
    step: async () => {
      throw new TypeError("bug");
    },
  });
  const { workId } = await world.client.enqueue(Race, {}, { deadlineMs: 50_000 });
  let sent = false;
  const beforeRetention: Intercept = async (call, run) => {
    if (!sent && draftOf(call).body["why"] === "retention") {
      sent = true;
      void createClient(world.process("operator", { intercept: dying(({ method }) => method === "send") })).redrive(workId);
      await world.settle();
    }
    return run();
  };
  world.work([engine], { intercept: beforeRetention });
  await world.settle();
  await world.settle();
  expect(sent).toBe(true);
  expect(await Array.fromAsync(world.client.events(workId), ({ kind }) => kind)).toContain("redriven");
  expect(await world.client.status(workId)).toMatchObject({ status: "dead_lettered", unread: 0 });
});

test("a repeated enqueue keeps its alarm, though the sweep takes the item for an orphan at that moment", async () => {
  const world = createWorld();
  void enqueue(
    world.process("first", { intercept: dying((call) => draftOf(call).sort === "LIVE/ITEM") }),
    Race,
    {},
    { key: "k" },
    () => world.clock.nowMs(),
  );
  await world.settle();
  await world.advance(6 * MINUTE_MS, MINUTE_MS);
  const [key] = await world.deps.store.read(`test/KEY/race/${sha256("k")}`);
  const partition = `test/${String(key?.body["work"])}`;
  const [orphan] = await world.deps.store.read(partition, { from: "LIVE/DUE", to: "LIVE/DUE!" });
  world.clock.advance((orphan?.due?.atMs ?? 0) - world.clock.nowMs() - 1);
  const collecting: Intercept = async (call, run) => {
    if (call.method === "send") return never();
    if (draftOf(call).sort === "LIVE/ITEM") {
      world.clock.advance(1);
      await sweep(world.deps);
    }
    return run();
  };
  void enqueue(world.process("second", { intercept: collecting }), Race, {}, { key: "k" }, () => world.clock.nowMs());
  await world.settle();
  const left = await world.deps.store.read(partition);
  expect(left.map(({ sort }) => sort)).toEqual(["LIVE/DUE", "LIVE/ITEM"]);
});

test("an alarm that somebody set for a new item is not put off by a second call that enqueues it", async () => {
  const world = createWorld();
  const later = { key: "k", delayMs: 48 * 60 * MINUTE_MS };
  let goOn = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const first = enqueue(
    world.process("first", { intercept: async (call, run) => (draftOf(call).sort === "LIVE/DUE" ? gate.then(run) : run()) }),
    Race,
    {},
    later,
    () => world.clock.nowMs(),
  );
  await world.settle();
  let isCancelled = false;
  const second: Intercept = async (call, run) => {
    if (draftOf(call).sort === "LIVE/DUE" && !isCancelled) {
      isCancelled = true;
      goOn();
      const { workId } = await first;
      const operator = createClient(world.process("operator", { intercept: dying(({ method }) => method === "send") }));
      void operator.cancel(workId);
      await world.settle();
      expect((await world.client.status(workId)).alarmAtMs).toBe(world.clock.nowMs() + MINUTE_MS);
    }
    return run();
  };
  const { workId } = await enqueue(world.process("second", { intercept: second }), Race, {}, later, () => world.clock.nowMs());
  expect(isCancelled).toBe(true);
  expect((await world.client.status(workId)).alarmAtMs).toBe(world.clock.nowMs() + MINUTE_MS);
});

test("recover remembers for itself what it asks for under a key of the step that failed", async () => {
  const world = createWorld();
  const calls: string[] = [];
  const say = (text: string) => async () => {
    calls.push(text);
    return text;
  };
  const engine = defineEngine(Race, {
    version: 1,
    state: z.object({}),
    init: {},
    step: async (_state, ctx) => {
      await ctx.once("notify", say("hello"));
      throw new TypeError("bug");
    },
    recover: async (_state, _cause, ctx) => ctx.complete(await ctx.once("notify", say("sorry"))),
  });
  const { workId } = await world.client.enqueue(Race, {});
  world.work([engine]);
  await world.settle();
  expect(await world.client.result(Race, workId, { timeoutMs: 0 })).toEqual({ status: "completed", result: "sorry" });
  expect(calls).toEqual(["hello", "sorry"]);
});

test("a worker that slept through its lease does not extend it, but claims the item anew", async () => {
  const world = createWorld();
  const tokens: number[] = [];
  const engine = defineEngine(Race, {
    version: 1,
    state: z.object({}),
    init: {},
    async step(_state, ctx) {
      if (ctx.attempt > 1) return ctx.complete("again");
      await new Promise<void>((resolve) => ctx.abortSignal.addEventListener("abort", () => resolve()));
      return ctx.complete("late");
    },
  });
  const { workId } = await world.client.enqueue(Race, {});
  const watching: Intercept = (call, run) => {
    const record: unknown = call.args[0];
    if (draftOf(call).sort === "LIVE/LEASE" && typeof record === "object" && record !== null) {
      const body: unknown = Reflect.get(record, "body");
      if (typeof body === "object" && body !== null) tokens.push(Number(Reflect.get(body, "token")));
    }
    return run();
  };
  world.work([engine], { intercept: watching });
  await world.settle();
  world.clock.advance(MINUTE_MS);
  await world.settle();
  expect(await world.client.result(Race, workId, { timeoutMs: 0 })).toEqual({ status: "completed", result: "again" });
  expect(tokens).toEqual([1, 2]);
});

test("a message that is received as the stop comes begins no step", async () => {
  const world = createWorld();
  let began = 0;
  const engine = defineEngine(Race, {
    version: 1,
    state: z.object({}),
    init: {},
    async step(_state, ctx) {
      began += 1;
      return ctx.complete("done");
    },
  });
  const { workId } = await world.client.enqueue(Race, {});
  let worker: { stop(): Promise<void> } | null = null;
  const stopping: Intercept = async (call, run) => {
    const answer = await run();
    if (call.method === "receive") void worker?.stop();
    return answer;
  };
  worker = world.work([engine], { intercept: stopping });
  await world.settle();
  expect(began).toBe(0);
  world.work([engine]);
  await world.advance(1_000, 100);
  expect(await world.client.result(Race, workId, { timeoutMs: 0 })).toMatchObject({ status: "completed" });
});

const Talk = defineContract({ id: "talk", payload: z.object({}), result: z.array(z.string()), signals: { say: z.string() } });
/** Waits for a first word, and ends once it has read all that came in. */
const talk = defineEngine(Talk, {
  version: 1,
  state: z.array(z.string()),
  init: [],
  step: async (heard, ctx) => {
    const { wake } = ctx;
    if (wake.kind !== "signal") return ctx.waitFor(heard, { signals: ["say"] });
    return ctx.complete([...heard, wake.signal.payload], { ifUnread: "step" });
  },
});

test("a cancel that meets an item about to end is not dropped when the item goes on after all", async () => {
  const world = createWorld();
  const ending = defineEngine(Talk, {
    version: 1,
    state: z.array(z.string()),
    init: [],
    step: async (_heard, ctx) => ctx.complete(ctx.wake.kind === "signal" ? [ctx.wake.signal.payload] : [], { ifUnread: "step" }),
  });
  const { workId } = await world.client.enqueue(Talk, {});
  const beforeClosing: Intercept = async (call, run) => {
    const { sort, body } = draftOf(call);
    const closes = sort === "LIVE/HEAD" && JSON.stringify(body["status"]).includes("closing");
    if (closes && (await world.client.status(workId)).version === 0) {
      await world.client.cancel(workId, "enough");
      expect((await world.client.signal(Talk, workId, "say", "hello")).accepted).toBe(true);
    }
    return run();
  };
  world.work([ending], { intercept: beforeClosing });
  expect(await world.end(workId)).toMatchObject({ status: "cancelled", version: 1, unread: 0 });
});

test("a signal whose sender dies before its hint is not put off by a look that takes its time", async () => {
  const world = createWorld();
  const { workId } = await world.client.enqueue(Talk, {});
  const dueAtMs = (await world.client.status(workId)).alarmAtMs ?? 0;
  world.clock.advance(dueAtMs - 10 - world.clock.nowMs());
  let sent = false;
  const slowLook: Intercept = async (call, run) => {
    const answer = await run();
    const isLive = call.method === "read" && JSON.stringify(call.args[1] ?? null).includes('"LIVE/"');
    if (!isLive || sent || (await world.client.status(workId)).status !== "waiting") return answer;
    sent = true;
    // The alarm is early enough for the sender; it passes before the look has its answer.
    const sender = createClient(world.process("sender", { intercept: dying(({ method }) => method === "send") }));
    void sender.signal(Talk, workId, "say", "hello");
    await world.settle();
    world.clock.advance(20);
    return answer;
  };
  world.work([talk], { intercept: slowLook });
  await world.settle();
  await world.settle();
  expect(sent).toBe(true);
  expect(world.clock.nowMs()).toBeGreaterThan(dueAtMs);
  expect(await world.client.status(workId)).toMatchObject({ status: "waiting", buffered: 1 });
  await world.advance(2 * MINUTE_MS, MINUTE_MS);
  expect(await world.client.status(workId)).toMatchObject({ buffered: 0 });
});

test("a signal that comes with an enqueue is not called accepted when the item of its key ended meanwhile", async () => {
  const world = createWorld();
  const ending = defineEngine(Talk, { version: 1, state: z.null(), init: null, step: async (_state, ctx) => ctx.complete([]) });
  world.work([ending]);
  let goOn = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const first: Intercept = async (call, run) => {
    if (draftOf(call).sort === "LIVE/ITEM") await gate;
    return run();
  };
  void enqueue(world.process("first", { intercept: first }), Talk, {}, { key: "k" }, () => world.clock.nowMs());
  await world.settle();
  let looked = false;
  const second: Intercept = async (call, run) => {
    const answer = await run();
    if (looked || call.method !== "read") return answer;
    looked = true;
    goOn();
    for (let i = 0; i < 5; i++) await world.settle();
    return answer;
  };
  const signal = { name: "say", payload: "hello", id: "s-1" };
  const late = enqueue(world.process("second", { intercept: second }), Talk, {}, { key: "k", signal }, () => world.clock.nowMs());
  for (let i = 0; i < 20; i++) await world.settle();
  const found = await late;
  expect(await world.client.status(found.workId)).toMatchObject({ status: "completed" });
  expect(found).toMatchObject({ created: false, accepted: false });
});
