import { expect, test } from "vitest";
import { z } from "zod";
import {
  type ChildOptions,
  DidNotHappen,
  defineContract,
  defineEngine,
  type Effect,
  EffectConflictError,
  type Outcome,
} from "../../src/index.ts";
import { runStep } from "../../src/testing.ts";

const Order = defineContract({
  id: "order",
  payload: z.object({ item: z.string(), count: z.number().default(1) }),
  result: z.object({ paid: z.string() }),
  signals: { approval: z.object({ yes: z.boolean() }), note: z.string() },
});
const Parcel = defineContract({ id: "parcel", payload: z.object({ to: z.string() }), result: z.number() });
const pay: Effect<{ cents: number }, string> = {
  run: async ({ cents }, { idempotencyKey }) => `${idempotencyKey}:${cents}`,
  ifInDoubt: "park",
};

function orderOf(
  step: Parameters<
    typeof defineEngine<
      { item: string; count: number },
      { paid: string },
      { approval: { yes: boolean }; note: string },
      { phase: string },
      { text: string }
    >
  >[1]["step"],
) {
  return defineEngine(Order, {
    version: 1,
    state: z.object({ phase: z.string() }),
    log: z.object({ text: z.string() }),
    init: ({ item }) => ({ phase: `new ${item}` }),
    step,
    recover: async (state, cause, ctx) => ctx.next({ phase: `${state.phase}, ${cause.kind}` }, { at: "undo" }),
  });
}
const payload = { item: "nest", count: 1 };

test("tells what comes next", async () => {
  const order = orderOf(async (state, ctx) =>
    ctx.next({ phase: `${state.phase}!` }, { at: "pay", delayMs: 500, append: [{ text: "so far" }] }),
  );
  expect(await runStep(order, { payload, nowAtMs: 1_000 })).toEqual({
    kind: "next",
    state: { phase: "new nest!" },
    at: "pay",
    delayMs: 500,
    wakeAtMs: 1_500,
    appended: [{ text: "so far" }],
    effects: [],
    once: [],
    meters: {},
    output: "",
    artifacts: [],
    started: [],
    taken: [],
    callbackTokens: [],
    logged: [],
  });
});

test("tells what is waited for", async () => {
  const order = orderOf(async (state, ctx) =>
    ctx.waitFor(state, { signals: ["approval"], group: "parcels", until: { failedAtMost: 2 }, timeoutMs: 9 }),
  );
  expect(await runStep(order, { payload })).toMatchObject({
    kind: "waitFor",
    at: "step",
    signals: ["approval"],
    group: "parcels",
    until: { failedAtMost: 2 },
    timeoutMs: 9,
  });
});

test("tells how it ends, and that it fails", async () => {
  expect(
    await runStep(
      orderOf(async (_s, ctx) => ctx.complete({ paid: "x" }, { ifUnread: "step" })),
      { payload },
    ),
  ).toMatchObject({
    kind: "complete",
    result: { paid: "x" },
    ifUnread: "step",
  });
  const failed = await runStep(
    orderOf(async (_s, ctx) => ctx.fail(new Error("sold out"))),
    { payload },
  );
  expect(failed).toMatchObject({ kind: "fail", error: new Error("sold out") });
});

test("gives a step what it is told to meet", async () => {
  const order = orderOf(async (state, ctx) => {
    const notes = await ctx.take("note", 1);
    const log = await ctx.readLog({ last: 1 });
    const wake = ctx.wake.kind === "signal" && ctx.wake.signal.name === "approval" ? ctx.wake.signal.payload.yes : null;
    const parts: string[] = [];
    for await (const child of ctx.results(Parcel, "parcels")) parts.push(`${child.key} ${child.status}`);
    for await (const bytes of ctx.artifacts.read("bill")) parts.push(new TextDecoder().decode(bytes));
    return ctx.next({ phase: JSON.stringify([state.phase, ctx.step, ctx.attempt, ctx.now(), wake, notes.length, log, parts]) });
  });
  const run = await runStep(order, {
    payload,
    state: { phase: "act" },
    step: 4,
    attempt: 2,
    nowAtMs: 77,
    wake: { kind: "signal", signal: { name: "approval", payload: { yes: true } } },
    signals: [
      { name: "note", payload: "one", id: "n1" },
      { name: "note", payload: "two" },
    ],
    log: [{ text: "a" }, { text: "b" }],
    results: {
      parcels: [
        { key: "p", status: "completed", result: 3 },
        { key: "q", status: "failed", error: new Error("lost") },
      ],
    },
    artifacts: { bill: "12 cents" },
  });
  expect(run).toMatchObject({
    state: { phase: JSON.stringify(["act", 4, 2, 77, true, 1, [{ text: "b" }], ["p completed", "q failed", "12 cents"]]) },
    taken: [{ name: "note", payload: "one", id: "n1", sentAtMs: 77 }],
  });
});

test("keeps what a step did", async () => {
  const order = orderOf(async (state, ctx) => {
    ctx.write("pay");
    ctx.write("ing");
    ctx.meter("usd", 0.5);
    ctx.meter("usd", 0.25);
    ctx.logger.info("hello");
    await ctx.start(Parcel, { to: "rook" }, { key: "p", group: "parcels" });
    await ctx.start(Parcel, { to: "rook" }, { key: "p", group: "parcels" });
    await ctx.artifacts.putJson("bill", { cents: 12 });
    await ctx.callbackToken("approval", { expiresMs: 60 });
    return ctx.next({ phase: await ctx.once("model", async () => `${state.phase}?`) });
  });
  const run = await runStep(order, { payload, once: { other: 1 } });
  expect(run).toMatchObject({
    state: { phase: "new nest?" },
    output: "paying",
    meters: { usd: 0.75 },
    once: ["model"],
    started: [{ contract: "parcel", payload: { to: "rook" }, options: { key: "p", group: "parcels" } }],
    callbackTokens: [{ signal: "approval", expiresMs: 60 }],
    logged: [{ level: "info", message: "hello" }],
  });
  expect(run.artifacts.map(({ name, content }) => [name, new TextDecoder().decode(content)])).toEqual([
    ["bill", '{\n  "cents": 12\n}\n'],
  ]);
  expect(await runStep(order, { payload, once: { model: "remembered" } })).toMatchObject({ state: { phase: "remembered" } });
});

const paying = orderOf(async (_state, ctx) => ctx.complete({ paid: await ctx.effect("pay", { cents: 5 }, pay) }));

test("runs an effect's own code unless told what it gives", async () => {
  const run = (effects?: Parameters<typeof runStep>[1]["effects"]) =>
    runStep(paying, { payload, ...(effects === undefined ? {} : { effects }) });
  expect(await run()).toMatchObject({
    result: { paid: "00000000000000000000/pay:5" },
    effects: [{ key: "pay", input: { cents: 5 }, result: "00000000000000000000/pay:5" }],
  });
  expect(await run({ pay: "canned" })).toMatchObject({ result: { paid: "canned" } });
  expect(await run({ pay: (input) => JSON.stringify(input) })).toMatchObject({ result: { paid: '{"cents":5}' } });
});

test("an effect that surely did not happen is thrown into the step, any other ends the attempt", async () => {
  const shy = orderOf(async (_state, ctx) =>
    ctx.complete({ paid: await ctx.effect("pay", { cents: 5 }, pay).catch((error: unknown) => String(error)) }),
  );
  const throwing = (error: Error) => ({ pay: () => Promise.reject(error) });
  expect(await runStep(shy, { payload, effects: throwing(new DidNotHappen("refused")) })).toMatchObject({
    result: { paid: "DidNotHappen: refused" },
  });
  await expect(runStep(shy, { payload, effects: throwing(new Error("no answer")) })).rejects.toThrow(
    'effect "pay" of work item 00000000000000000000 is in doubt: no answer',
  );
});

test("an effect's key stands for one input", async () => {
  const order = orderOf(async (_state, ctx) => {
    await ctx.effect("pay", { cents: 1 }, pay);
    return ctx.complete({ paid: await ctx.effect("pay", { cents: 2 }, pay) });
  });
  await expect(runStep(order, { payload })).rejects.toThrow("was given with another input before");
});

test("an effect that is not waited for has ended when the run is told", async () => {
  let done = false;
  const order = orderOf(async (_state, ctx) => {
    void ctx.effect("pay", { cents: 1 }, pay);
    return ctx.complete({ paid: "" });
  });
  await runStep(order, {
    payload,
    effects: {
      pay: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        done = true;
        return "x";
      },
    },
  });
  expect(done).toBe(true);
});

test("refuses a child as the runtime does", async () => {
  const starting = (...children: readonly [to: string, options: ChildOptions][]) =>
    runStep(
      orderOf(async (state, ctx) => {
        for (const [to, options] of children) await ctx.start(Parcel, { to }, options);
        return ctx.next(state);
      }),
      { payload },
    );
  await expect(starting(["rook", { key: "" }])).rejects.toThrow("key: expected a well-formed text of 1 to 16384 bytes");
  await expect(starting(["rook", { key: "p", limit: 2 }])).rejects.toThrow("expected a group beside it");
  await expect(starting(["rook", { key: "p" }], ["crow", { key: "p" }])).rejects.toThrow(EffectConflictError);
});

test("recover goes on with recover unless it names another step", async () => {
  const parcel = defineEngine(Parcel, {
    version: 1,
    state: z.number(),
    init: 0,
    step: async (_state, ctx) => ctx.next(1),
    recover: async (_state, _cause, ctx) => ctx.next(1),
  });
  const to = { to: "rook" };
  expect(await runStep(parcel, { payload: to, cause: { kind: "deadline" } })).toMatchObject({ at: "recover" });
  expect(await runStep(parcel, { payload: to })).toMatchObject({ at: "step" });
});

test("runs recover when there is a cause", async () => {
  const order = orderOf(async (state, ctx) => ctx.next(state));
  expect(await runStep(order, { payload, cause: { kind: "deadline" } })).toMatchObject({
    state: { phase: "new nest, deadline" },
    at: "undo",
  });
});

test("rejects with what the step threw", async () => {
  await expect(
    runStep(
      orderOf(async () => {
        throw new RangeError("too many");
      }),
      { payload },
    ),
  ).rejects.toThrow(new RangeError("too many"));
});

test("an effect within an effect is refused, as by the runtime", async () => {
  const order = orderOf(async (_s, ctx) => {
    const outer: Effect<null, string> = { run: () => ctx.effect("inner", { cents: 1 }, pay), ifInDoubt: "rerun" };
    return ctx.complete({ paid: await ctx.effect("outer", null, outer) });
  });
  await expect(runStep(order, { payload })).rejects.toThrow(/effect "inner" of .* was begun within effect "outer"/);
});
test("an effect that nobody awaits ends the step when it fails, and leaves no rejection behind", async () => {
  const stray: unknown[] = [];
  const keep = (reason: unknown): void => void stray.push(reason);
  process.on("unhandledRejection", keep);
  const order = orderOf(async (_s, ctx) => {
    const failing: Effect<null, string> = { run: () => Promise.reject(new Error("no line")), ifInDoubt: "park" };
    void ctx.effect("pay", null, failing);
    return ctx.complete({ paid: "so it says" });
  });
  await expect(runStep(order, { payload })).rejects.toThrow(/effect "pay" of .* is in doubt: no line/);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", keep);
  expect(stray).toEqual([]);
});

const never = orderOf(async () => {
  throw new Error("it ran");
});
/** What a caller without types may give. */
function untyped(value: unknown): never {
  return value as never;
}
const three = untyped(3);
const wrong: Record<string, [() => Promise<unknown>, string]> = {
  payload: [
    () => runStep(never, { payload: { item: three, count: 1 } }),
    "payload of engine order does not match its schema: $.item",
  ],
  state: [() => runStep(never, { payload, state: 3 }), "state of engine order does not match its schema"],
  signal: [
    () => runStep(never, { payload, signals: [{ name: "note", payload: three }] }),
    "payload of signal note (signal-1) does not match",
  ],
  log: [() => runStep(never, { payload, log: ["a"] }), "log entry 0 of engine order does not match"],
  result: [
    () =>
      runStep(
        orderOf(async (_s, ctx) => ctx.complete({ paid: three })),
        { payload },
      ),
    "result of engine order does not match its schema: $.paid",
  ],
  outcome: [
    () =>
      runStep(
        orderOf(async () => ({}) as Outcome),
        { payload },
      ),
    "expected the outcome of ctx.next",
  ],
};
test.each(Object.keys(wrong))("refuses a wrong %s", async (what) => {
  const [run, message] = wrong[what] ?? [];
  await expect(run?.()).rejects.toThrow(message);
});

test("ctx is of no use once the step is over", async () => {
  let late = (): unknown => null;
  const order = orderOf(async (state, ctx) => {
    late = () => ctx.next(state);
    return ctx.next(state);
  });
  await runStep(order, { payload });
  expect(late).toThrow("ctx.next was used after its attempt had ended");
});
