import { createServer } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/limits.ts";
import { defineContract, defineEngine } from "../../src/index.ts";
import { createTestRig, NotSettledError, type TestRig } from "../../src/testing.ts";
import { counter, engineOf, Work } from "../runtime/builders.ts";

const Talk = defineContract({ id: "talk", payload: z.null(), result: z.array(z.string()), signals: { say: z.string() } });

async function start(rig: TestRig, payload = null): Promise<string> {
  return (await rig.enqueue(Work, payload)).workId;
}

test("an item goes from its start to its end in one settle", async () => {
  await using rig = createTestRig({ engines: [counter(3)] });
  const workId = await start(rig);
  await rig.settle();
  expect(await rig.result(Work, workId, { timeoutMs: 0 })).toEqual({ status: "completed", result: 3 });
  expect(await rig.state(workId)).toBe(2);
  expect(rig.crashed).toEqual([]);
});

test.each([30, 31 * 60_000, 40 * DAY_MS])("a sleep of %d ms ends to the millisecond", async (delayMs) => {
  const at: number[] = [];
  const engine = engineOf(async (state, ctx) => {
    at.push(ctx.now());
    return state === 0 ? ctx.next(1, { delayMs }) : ctx.complete(null);
  });
  await using rig = createTestRig({ engines: [engine], nowAtMs: 5_000 });
  const workId = await start(rig);
  await rig.advance(delayMs - 1);
  expect((await rig.status(workId)).status).toBe("sleeping");
  expect(rig.now()).toBe(5_000 + delayMs - 1);
  await rig.advance(1);
  expect((await rig.status(workId)).status).toBe("completed");
  expect(at).toEqual([5_000, 5_000 + delayMs]);
});

test("thirty days pass in no time where little happens in them", async () => {
  const engine = engineOf(async (state, ctx) => {
    if (ctx.wake.kind === "timeout") return ctx.complete(null);
    return state === 0 ? ctx.next(1, { delayMs: 10 * DAY_MS }) : ctx.waitFor(2, { timeoutMs: 19 * DAY_MS });
  });
  await using rig = createTestRig({ engines: [engine] });
  const ids = await Promise.all(Array.from({ length: 5 }, () => start(rig)));
  const fromMs = performance.now();
  await rig.advance(30 * DAY_MS);
  expect(performance.now() - fromMs).toBeLessThan(500);
  for (const id of ids) expect((await rig.status(id)).status).toBe("completed");
});

test("an item that wakes every hour is worked on every hour", async () => {
  const engine = engineOf(async (state, ctx) => ctx.next(Number(state) + 1, { delayMs: HOUR_MS }));
  await using rig = createTestRig({ engines: [engine] });
  const workId = await start(rig);
  await rig.advance(3 * DAY_MS);
  expect(await rig.state(workId)).toBe(3 * 24 + 1);
});

test("settle waits for a step's real timers and requests, and no virtual time goes by", async () => {
  const server = createServer((_request, response) => void wait(30).then(() => response.end("hello"))).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const engine = engineOf(async (_state, ctx) => {
    await wait(50);
    const response = await fetch(url, { signal: ctx.abortSignal });
    return ctx.complete({ text: await response.text(), atMs: ctx.now() });
  });
  await using rig = createTestRig({ engines: [engine], nowAtMs: 7 });
  const workId = await start(rig);
  await rig.settle();
  expect(await rig.resultJson(workId)).toEqual({ text: "hello", atMs: 7 });
  await new Promise((resolve) => server.close(resolve));
});

test("a large state is packed and read back", async () => {
  const engine = engineOf(async (state, ctx) => (state === 0 ? ctx.next("x".repeat(6_000)) : ctx.complete(String(state).length)));
  await using rig = createTestRig({ engines: [engine] });
  const workId = await start(rig);
  await rig.settle();
  expect(await rig.resultJson(workId)).toBe(6_000);
});

test("a step that does not end is named after the real time that it has", async () => {
  const engine = engineOf(() => new Promise(() => undefined));
  await using rig = createTestRig({ engines: [engine], realTimeoutMs: 40 });
  const workId = await start(rig);
  const error = await rig.settle().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(NotSettledError);
  expect(String(error)).toContain(`step "step" (attempt 1) of work ${workId}`);
  await expect(rig.advance(1)).rejects.toThrow(NotSettledError);
});

test("a step that hangs may be left, and its time passes", async () => {
  const engine = engineOf((_state, ctx) => new Promise((_resolve, reject) => ctx.abortSignal.addEventListener("abort", reject)), {
    limits: { stepMs: 2 * MINUTE_MS },
    retry: { transient: { attempts: 1 }, unknown: { attempts: 1 } },
  });
  await using rig = createTestRig({ engines: [engine], realTimeoutMs: 20, ifStepHangs: "leave" });
  const workId = await start(rig);
  await rig.advance(2 * MINUTE_MS - 1);
  expect((await rig.status(workId)).status).toBe("running");
  await rig.advance(1);
  expect((await rig.status(workId)).status).toBe("dead_lettered");
});

test("a cancel reaches a step that was left running", async () => {
  const engine = engineOf((_state, ctx) => new Promise((_resolve, reject) => ctx.abortSignal.addEventListener("abort", reject)));
  await using rig = createTestRig({ engines: [engine], realTimeoutMs: 20, ifStepHangs: "leave" });
  const workId = await start(rig);
  await rig.settle();
  await rig.cancel(workId);
  await rig.advance(10_000);
  expect((await rig.status(workId)).status).toBe("cancelled");
});

test("a step that does not even heed its abort signal is given up", async () => {
  const engine = engineOf(() => new Promise(() => undefined), {
    limits: { stepMs: MINUTE_MS },
    retry: { transient: { attempts: 1 }, unknown: { attempts: 1 } },
  });
  await using rig = createTestRig({ engines: [engine], realTimeoutMs: 20, ifStepHangs: "leave" });
  const workId = await start(rig);
  await rig.advance(2 * MINUTE_MS);
  expect((await rig.status(workId)).status).toBe("dead_lettered");
});

test("failed attempts are retried as time passes", async () => {
  const engine = engineOf(async (_state, ctx) => {
    if (ctx.attempt < 3) throw new TypeError("fetch failed");
    return ctx.complete(ctx.attempt);
  });
  await using rig = createTestRig({ engines: [engine] });
  const workId = await start(rig);
  await rig.settle();
  expect(await rig.status(workId)).toMatchObject({ status: "sleeping", retrying: true });
  await rig.advance(HOUR_MS);
  expect(await rig.resultJson(workId)).toBe(3);
});

test("result lets time pass up to the end, or up to its own", async () => {
  const engine = engineOf(async (state, ctx) => (state === 0 ? ctx.next(1, { delayMs: DAY_MS }) : ctx.complete("done")));
  await using rig = createTestRig({ engines: [engine] });
  const [workId, fromMs] = [await start(rig), rig.now()];
  expect(await rig.result(Work, workId, { timeoutMs: HOUR_MS })).toEqual({ status: "open" });
  expect(rig.now() - fromMs).toBe(HOUR_MS);
  const both = [1, 2].map(() => rig.result(Work, workId, { timeoutMs: 30 * DAY_MS }));
  expect(await Promise.all(both)).toEqual([1, 2].map(() => ({ status: "completed", result: "done" })));
  expect(rig.now() - fromMs).toBe(DAY_MS);
});

test("signals wake a wait, and its timeout ends it", async () => {
  const Asked = defineContract({ id: "asked", payload: z.null(), result: z.string(), signals: { answer: z.string() } });
  const asked = defineEngine(Asked, {
    version: 1,
    state: z.null(),
    init: null,
    step: async (_state, ctx) => {
      if (ctx.wake.kind === "signal") return ctx.complete(ctx.wake.signal.payload, { ifUnread: "step" });
      return ctx.wake.kind === "timeout" ? ctx.complete("nobody") : ctx.waitFor(null, { signals: ["answer"], timeoutMs: DAY_MS });
    },
  });
  await using rig = createTestRig({ engines: [asked] });
  const [one, other] = [await rig.enqueue(Asked, null), await rig.enqueue(Asked, null)];
  await rig.settle();
  const [first, second] = await Promise.all([
    rig.signal(Asked, one.workId, "answer", "yes"),
    rig.signal(Asked, one.workId, "answer", "no"),
  ]);
  expect([first.accepted, second.accepted]).toEqual([true, true]);
  await rig.settle();
  expect(await rig.resultJson(one.workId)).toBe("no");
  await rig.advance(DAY_MS);
  expect(await rig.resultJson(other.workId)).toBe("nobody");
});

test("signals and callbacks of one test come in the order in which they were sent", async () => {
  let token = "";
  const engine = defineEngine(Talk, {
    version: 1,
    state: z.number(),
    init: 0,
    step: async (state, ctx) => {
      if (state === 0) {
        token = await ctx.callbackToken("say", { expiresMs: DAY_MS });
        return ctx.next(1, { delayMs: 1_000 });
      }
      return ctx.complete((await ctx.take("say")).map(({ payload }) => payload));
    },
  });
  await using rig = createTestRig({ engines: [engine] });
  const { workId } = await rig.enqueue(Talk, null);
  await rig.settle();
  await rig.signal(Talk, workId, "say", "one");
  await rig.signal(Talk, workId, "say", "two");
  await rig.callback(Talk, token, "three");
  await rig.advance(1_000);
  expect(await rig.resultJson(workId)).toEqual(["one", "two", "three"]);
});

test("a crash before the commit loses the step, and one after it does not", async () => {
  const ran: string[] = [];
  const engine = engineOf(async (state, ctx) => {
    ran.push(`${ctx.step}.${ctx.attempt}`);
    return Number(state) < 2 ? ctx.next(Number(state) + 1) : ctx.complete(state);
  });
  await using rig = createTestRig({ engines: [engine] });
  rig.crashNext("before-commit");
  rig.crashNext("after-commit");
  const workId = await start(rig);
  await rig.settle();
  expect(rig.crashed).toEqual([
    { at: "before-commit", workId, process: "worker-1" },
    { at: "after-commit", workId, process: "worker-2" },
  ]);
  expect(await rig.status(workId)).toMatchObject({ status: "completed", version: 3 });
  // The attempt of the step to come is on record with the commit before it, so it counts as one that left no outcome.
  expect(ran).toEqual(["0.1", "0.2", "1.2", "2.1"]);
});

test("a crash before the commit of a failure loses the failure", async () => {
  let ran = 0;
  const engine = engineOf(async () => {
    ran += 1;
    throw new TypeError("a bug");
  });
  await using rig = createTestRig({ engines: [engine] });
  rig.crashNext("before-commit");
  const workId = await start(rig);
  await rig.settle();
  expect(rig.crashed).toHaveLength(1);
  expect(await rig.status(workId)).toMatchObject({ status: "dead_lettered" });
  expect(ran).toBe(2);
});

test("a crash before the commit of a failure that recover is to follow loses the failure", async () => {
  const ran: string[] = [];
  const engine = engineOf(
    async (_state, ctx) => {
      ran.push(`step ${ctx.attempt}`);
      throw new TypeError("a bug");
    },
    {
      recover: async (_state, _cause, ctx) => {
        ran.push(`recover ${ctx.attempt}`);
        return ctx.complete("undone");
      },
    },
  );
  await using rig = createTestRig({ engines: [engine] });
  rig.crashNext("before-commit");
  const workId = await start(rig);
  await rig.settle();
  expect(ran).toEqual(["step 1", "step 2", "recover 1"]);
  expect(await rig.resultJson(workId)).toBe("undone");
});

test("a process that has died is answered nothing, though its code runs on", async () => {
  const said: string[] = [];
  let release = (): void => undefined;
  const slow = engineOf(async (_state, ctx) => {
    const { attempt } = ctx;
    if (attempt === 1)
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    said.push(`asked in attempt ${attempt}`);
    await ctx.once("model", async () => "answer");
    said.push(`answered in attempt ${attempt}`);
    return ctx.complete(attempt);
  });
  const Other = defineContract({ id: "other", payload: z.null(), result: z.null() });
  const other = defineEngine(Other, { version: 1, state: z.null(), init: null, step: async (_s, ctx) => ctx.complete(null) });
  await using rig = createTestRig({ engines: [slow, other], realTimeoutMs: 20, ifStepHangs: "leave" });
  const workId = await start(rig);
  await rig.settle();
  rig.crashNext("after-commit");
  await rig.enqueue(Other, null);
  await rig.settle();
  release();
  await rig.settle();
  expect(said).toEqual(["asked in attempt 2", "answered in attempt 2", "asked in attempt 1"]);
  expect(await rig.resultJson(workId)).toBe(2);
});

test("settle waits for other steps while one that hangs is left", async () => {
  let first = true;
  const engine = engineOf(async (_state, ctx) => {
    if (first) {
      first = false;
      return new Promise<never>((_resolve, reject) => ctx.abortSignal.addEventListener("abort", reject));
    }
    await wait(30);
    return ctx.complete("real");
  });
  await using rig = createTestRig({ engines: [engine], realTimeoutMs: 200, ifStepHangs: "leave" });
  await start(rig);
  await rig.settle();
  const workId = await start(rig);
  await rig.settle();
  expect(await rig.resultJson(workId)).toBe("real");
});

test("a point at which nothing can crash is refused", async () => {
  await using rig = createTestRig({ engines: [counter(1)] });
  // @ts-expect-error
  expect(() => rig.crashNext("during-lunch")).toThrow('crashNext: expected "before-commit"');
  await expect(rig.advance(Number.NaN)).rejects.toThrow("advance: expected milliseconds, 0 or more, got NaN");
});

test("a deploy carries an item over to the next version of its engine", async () => {
  const first = engineOf(async (_state, ctx) => ctx.next("old", { delayMs: HOUR_MS }));
  const second = engineOf(async (state, ctx) => ctx.complete(state), {
    version: 2,
    migrate: (old: { state: unknown }) => ({ payload: null, state: `${String(old.state)} and new` }),
  });
  await using rig = createTestRig({ engines: [first] });
  const workId = await start(rig);
  await rig.settle();
  await rig.deploy([second]);
  await rig.advance(HOUR_MS);
  expect(await rig.resultJson(workId)).toBe("old and new");
});

test("an engine that is not deployed leaves its items queued until it is", async () => {
  await using rig = createTestRig({ engines: [] });
  const workId = await start(rig);
  await rig.advance(HOUR_MS);
  expect((await rig.status(workId)).status).toBe("queued");
  await rig.deploy([counter(1)]);
  await rig.advance(HOUR_MS);
  expect((await rig.status(workId)).status).toBe("completed");
});

test("what steps log is kept", async () => {
  const engine = engineOf(async (_state, ctx) => {
    ctx.logger.info("said", { step: ctx.step });
    return ctx.complete(null);
  });
  await using rig = createTestRig({ engines: [engine] });
  await start(rig);
  await rig.settle();
  expect(rig.logs).toEqual([{ level: "info", message: "said", fields: { step: 0 } }]);
});

test("dispose aborts what still runs", async () => {
  let aborted = false;
  const engine = engineOf(
    (_state, ctx) =>
      new Promise((_resolve, reject) =>
        ctx.abortSignal.addEventListener("abort", () => {
          aborted = true;
          reject(new Error("over"));
        }),
      ),
  );
  const rig = createTestRig({ engines: [engine], realTimeoutMs: 20, ifStepHangs: "leave" });
  await start(rig);
  await rig.settle();
  await rig.dispose();
  await rig.dispose();
  expect(aborted).toBe(true);
});

test("the same seed gives the same ids", async () => {
  const ids = async (seed: number): Promise<string> => {
    await using rig = createTestRig({ engines: [], seed });
    return start(rig);
  };
  expect(await ids(3)).toBe(await ids(3));
  expect(await ids(3)).not.toBe(await ids(4));
});
