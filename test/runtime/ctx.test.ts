/** What a step may do with its ctx, and return; and what it may not. */
import { expect, test } from "vitest";
import { z } from "zod";
import { defineContract } from "../../src/domain/contract.ts";
import { defineEngine, type Outcome } from "../../src/domain/engine.ts";
import { CtxRevokedError } from "../../src/domain/errors.ts";
import type { Json } from "../../src/domain/json.ts";
import { createWorld } from "../support/world.ts";
import { type AnyCtx, engineOf, enqueue, type Step } from "./builders.ts";
import { freezer } from "./faults.ts";

async function errorOf(step: Step) {
  const world = createWorld();
  world.work([engineOf(step, { retry: { unknown: { attempts: 1 } } })]);
  const status = await world.end(await enqueue(world, { kept: true }));
  return { status: status.status, error: status.error, workId: status.workId };
}
const any = (value: unknown): Outcome => value as Outcome;

let otherCtx: AnyCtx | null = null;
test.each<[string, (ctx: AnyCtx) => unknown, string]>([
  ["nothing", () => undefined, "undefined"],
  ["a promise of nothing", async () => undefined, "undefined"],
  ["null", () => null, "null"],
  ["an object", () => ({ kind: "next" }), "an object"],
  ["its state", () => 5, "5"],
  ["ctx", (ctx) => ctx, "an object"],
  ["an outcome's likeness", (ctx) => ({ ...ctx.next(1) }), "an object"],
])("a step that returns %s has made an error that says so", async (_name, make, got) => {
  const { status, error, workId } = await errorOf(async (_state, ctx) => any(await make(ctx)));
  expect(status).toBe("dead_lettered");
  expect(error).toMatchObject({ name: "NotAnOutcomeError", code: "not_an_outcome", class: "bug" });
  expect(error?.message).toBe(
    `step of work item ${workId}: expected the outcome of ctx.next, ctx.complete or ctx.fail of this attempt, got ${got}`,
  );
});

test("an outcome that another attempt's ctx made is none of this attempt", async () => {
  const world = createWorld();
  let kept: Outcome | null = null;
  world.work([
    engineOf(async (_state, ctx) => {
      if (kept !== null) return kept;
      kept = ctx.complete("of the first attempt");
      throw new Error("again");
    }),
  ]);
  expect((await world.end(await enqueue(world))).error).toMatchObject({ name: "NotAnOutcomeError" });
});

test("of several outcomes the one that is returned counts", async () => {
  const world = createWorld();
  world.work([
    engineOf(async (_state, ctx) => {
      ctx.fail(new Error("not this one"));
      const chosen = ctx.complete("this one");
      ctx.next("nor this one");
      return chosen;
    }),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toBe("this one");
});

test.each<[string, (ctx: AnyCtx) => unknown]>([
  ["next", (ctx) => ctx.next(1)],
  ["complete", (ctx) => ctx.complete(1)],
  ["fail", (ctx) => ctx.fail(new Error("late"))],
  ["once", (ctx) => ctx.once("late", async () => 1)],
  ["meter", (ctx) => ctx.meter("late", 1)],
  ["readLog", (ctx) => ctx.readLog()],
  ["now", (ctx) => ctx.now()],
  ["remainingMs", (ctx) => ctx.remainingMs],
  ["artifacts.put", (ctx) => ctx.artifacts.put("late", "x")],
  ["artifacts.put", (ctx) => ctx.artifacts.putJson("late", 1)],
  ["artifacts.read", (ctx) => Array.fromAsync(ctx.artifacts.read("early"))],
])("ctx.%s after the step has returned throws, and changes nothing", async (name, use) => {
  const world = createWorld();
  world.work([
    engineOf(async (_state, ctx) => {
      otherCtx = ctx;
      await ctx.artifacts.put("early", "x");
      return ctx.complete("done");
    }),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  const before = await world.records(workId);
  const late = async (): Promise<unknown> => otherCtx && use(otherCtx);
  const error: unknown = await late().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CtxRevokedError);
  expect(String(error)).toContain(`ctx.${name} was used after its attempt had ended (work item ${workId})`);
  expect(await world.records(workId)).toEqual(before);
  expect(await world.client.artifacts(workId)).toHaveLength(1);
});

test("a step that was left can do nothing any more, and its late outcome does not count", async () => {
  const world = createWorld();
  const late: unknown[] = [];
  world.work([
    engineOf(
      async (_state, ctx) => {
        if (ctx.attempt > 1) return ctx.complete("second");
        await new Promise<void>((resolve) => world.clock.after(20_000, resolve));
        try {
          await ctx.once("late", async () => 1);
        } catch (error) {
          late.push(error);
        }
        return ctx.complete("first");
      },
      { limits: { stepMs: 1_000 } },
    ),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  await world.pass(30_000);
  expect(late[0]).toBeInstanceOf(CtxRevokedError);
  expect(await world.client.resultJson(workId)).toBe("second");
});

test("a once whose work ends after the attempt stores nothing", async () => {
  const world = createWorld();
  const seen: unknown[] = [];
  world.work([
    engineOf(
      async (_state, ctx) => {
        const memo = ctx.once("slow", async () => {
          if (ctx.attempt === 1) await new Promise<void>((resolve) => world.clock.after(5_000, resolve));
          return ctx.attempt;
        });
        if (ctx.attempt === 1) {
          memo.catch((error: unknown) => seen.push(error));
          throw new Error("did not wait");
        }
        await new Promise<void>((resolve) => world.clock.after(10_000, resolve));
        return ctx.complete(await memo);
      },
      { retry: { unknown: { attempts: 2, minMs: 1 } } },
    ),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(seen[0]).toBeInstanceOf(CtxRevokedError);
  expect(await world.client.resultJson(workId)).toBe(2);
});

test("a state that loads after the step's time runs no step in the attempt that has ended", async () => {
  const world = createWorld();
  const ice = freezer();
  const runs: number[] = [];
  world.work(
    [
      engineOf(
        async (_state, ctx) => {
          if (ctx.step === 0) return ctx.next("x".repeat(10_000), { delayMs: 1_000 });
          runs.push(ctx.attempt);
          return ctx.complete("done");
        },
        { limits: { stepMs: 2_000 } },
      ),
    ],
    { intercept: (call, run) => (call.port === "blobs" && call.method === "get" ? ice.intercept(call, run) : run()) },
  );
  const workId = await enqueue(world);
  await world.settle();
  ice.freeze();
  await world.pass(8_500);
  ice.thaw();
  await world.end(workId);
  expect(runs).toHaveLength(1);
  expect(runs[0]).toBeGreaterThan(1);
});

test.each<[string, (ctx: AnyCtx) => Outcome, string]>([
  ["a step name that is no text", (ctx) => ctx.next(1, { at: 5 as unknown as string }), "ctx.next: at: expected"],
  ["an empty step name", (ctx) => ctx.next(1, { at: "" }), "ctx.next: at: expected"],
  ["a step name with a tab", (ctx) => ctx.next(1, { at: "a\tb" }), "ctx.next: at: expected"],
  ["a negative delay", (ctx) => ctx.next(1, { delayMs: -1 }), "ctx.next: delayMs: expected milliseconds, 0 or more, got -1"],
  ["a delay that is no number", (ctx) => ctx.next(1, { delayMs: Number.NaN }), "got NaN"],
  ["an endless delay", (ctx) => ctx.next(1, { delayMs: Number.POSITIVE_INFINITY }), "got Infinity"],
  ["two instants", (ctx) => ctx.next(1, { delayMs: 1, untilAtMs: 1 }), "delayMs or untilAtMs, not both"],
])("ctx.next refuses %s", async (_name, make, message) => {
  const { status, error } = await errorOf(async (_state, ctx) => make(ctx));
  expect(status).toBe("dead_lettered");
  expect(error?.message).toContain(message);
});

test.each<[string, (ctx: AnyCtx) => Promise<unknown>]>([
  ["a name that is no text", (ctx) => ctx.artifacts.put(5 as unknown as string, "x")],
  ["an empty name", (ctx) => ctx.artifacts.put("", "x")],
  ["a media type that is no text", (ctx) => ctx.artifacts.put("a", "x", { mediaType: 5 as unknown as string })],
  ["metadata that are no texts", (ctx) => ctx.artifacts.put("a", "x", { metadata: { n: 5 as unknown as string } })],
  ["content that is no content", (ctx) => ctx.artifacts.put("a", 5 as unknown as string)],
])("an artifact with %s is refused, and the item stays readable", async (_name, put) => {
  const { status, error } = await errorOf(async (_state, ctx) => ctx.complete((await put(ctx)) === undefined));
  expect(status).toBe("dead_lettered");
  expect(error).toMatchObject({ code: "invalid_argument" });
});

test("values are those that the schemas return, and payload and result are checked", async () => {
  const world = createWorld();
  const Upper = defineContract({ id: "upper", payload: z.object({ text: z.string().trim() }), result: z.string().min(3) });
  const upper = defineEngine(Upper, {
    version: 1,
    state: z.object({ n: z.number() }),
    init: (payload) => ({ n: payload.text.length }),
    async step(state, ctx) {
      return ctx.complete(ctx.payload.text.toUpperCase().slice(0, state.n - 1));
    },
  });
  world.work([upper]);
  const good = await world.client.enqueue(Upper, { text: "  word  " });
  const bad = await world.client.enqueue(Upper, { text: "ab" });
  await world.pass(1_000);
  expect(await world.client.resultJson(good.workId)).toBe("WOR");
  expect((await world.client.status(bad.workId)).error?.message).toMatch(
    /^result of engine upper does not match its schema: \$: /,
  );
});

test("payload and state reach every step as fresh copies", async () => {
  const world = createWorld();
  const seen: Json[] = [];
  world.work([
    engineOf(
      async (state, ctx) => {
        seen.push(structuredClone([state, ctx.payload]) as Json);
        (state as { list: number[] }).list.push(ctx.step);
        (ctx.payload as { kept: boolean }).kept = false;
        return ctx.step === 1 ? ctx.complete(1) : ctx.next({ list: [] });
      },
      { init: () => ({ list: [] }) },
    ),
  ]);
  await world.end(await enqueue(world, { kept: true }));
  expect(seen).toEqual([
    [{ list: [] }, { kept: true }],
    [{ list: [] }, { kept: true }],
  ]);
});
