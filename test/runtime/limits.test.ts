/** Deadlines, step timeouts and the limits of an engine. */
import { expect, test } from "vitest";
import { pause } from "../../src/runtime/deps.ts";
import { createWorld, type World } from "../support/world.ts";
import { type AnyCtx, engineOf, enqueue, kinds, type More, Work } from "./builders.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const recover: NonNullable<More["recover"]> = async (_state, cause, ctx) =>
  ctx.wake.kind === "go" ? ctx.complete({ recovered: cause.kind, from: ctx.step }) : ctx.fail(new Error("no"));

async function failsBy(world: World, workId: string, withinMs: number, cause: object): Promise<void> {
  expect(await world.end(workId, withinMs)).toMatchObject({ status: "failed", cause });
}

test.each([
  ["sleeping", async (ctx: AnyCtx) => ctx.next(1, { delayMs: 100 * HOUR_MS })],
  [
    "retrying",
    async () => {
      throw new Error("again");
    },
  ],
  ["going on at once", async (ctx: AnyCtx, world: World) => pause(world.clock, 7_000).then(() => ctx.next(1))],
] as const)("a deadline ends an item that is %s, within a sweep", async (_what, step) => {
  const world = createWorld();
  world.work([
    engineOf(async (_state, ctx) => step(ctx, world), { retry: { unknown: { attempts: 99, minMs: HOUR_MS, maxMs: HOUR_MS } } }),
  ]);
  const { workId } = await world.client.enqueue(Work, null, { deadlineMs: 10 * MINUTE_MS });
  await world.pass(10 * MINUTE_MS - 1);
  expect((await world.client.status(workId)).endedAtMs).toBeNull();
  await failsBy(world, workId, MINUTE_MS + 8_000, { kind: "deadline" });
});

test("a step that runs over the deadline keeps its outcome; the item ends after it", async () => {
  const world = createWorld();
  world.work([engineOf(async (_state, ctx) => pause(world.clock, 2 * MINUTE_MS).then(() => ctx.next("kept")))]);
  const { workId } = await world.client.enqueue(Work, null, { deadlineMs: MINUTE_MS });
  await failsBy(world, workId, 3 * MINUTE_MS, { kind: "deadline" });
  expect(await world.client.state(workId)).toBe("kept");
});

test("a paused item outlasts its deadline, and meets it when it is resumed", async () => {
  const world = createWorld();
  const { workId } = await world.client.enqueue(Work, null, { deadlineMs: MINUTE_MS });
  await world.client.pause(workId);
  world.work([engineOf(async (_state, ctx) => ctx.complete(1))]);
  await world.reach(workId, "paused");
  await world.advance(HOUR_MS, MINUTE_MS);
  expect((await world.client.status(workId)).status).toBe("paused");
  await world.client.resume(workId);
  await failsBy(world, workId, 1_000, { kind: "deadline" });
});

test("a deadline gives `recover` its turn, in which it no longer counts", async () => {
  const world = createWorld();
  const slow: NonNullable<More["recover"]> = async (state, cause, ctx) =>
    state === "undone" ? ctx.complete(cause.kind) : ctx.next("undone", { delayMs: 30 * MINUTE_MS });
  world.work([engineOf(async (_state, ctx) => ctx.next(1, { delayMs: HOUR_MS }), { recover: slow })]);
  const { workId } = await world.client.enqueue(Work, null, { deadlineMs: MINUTE_MS });
  expect((await world.end(workId, HOUR_MS)).status).toBe("completed");
  expect(await world.client.resultJson(workId)).toBe("deadline");
});

test("limits.totalMs is a deadline, the shorter one counts, and a redrive begins it anew", async () => {
  const world = createWorld();
  world.work([engineOf(async (_state, ctx) => ctx.next(1, { delayMs: HOUR_MS }), { limits: { totalMs: 5 * MINUTE_MS } })]);
  const { workId } = await world.client.enqueue(Work, null, { deadlineMs: 2 * HOUR_MS });
  const startedAtMs = world.clock.nowMs();
  await failsBy(world, workId, 6 * MINUTE_MS + 1, { kind: "deadline" });
  expect(world.clock.nowMs() - startedAtMs).toBeGreaterThanOrEqual(5 * MINUTE_MS);
  await world.client.redrive(workId);
  await world.reach(workId, "sleeping", 1_000);
  expect((await world.client.status(workId)).deadlineAtMs).toBe(world.clock.nowMs() + 5 * MINUTE_MS);
  await failsBy(world, workId, 6 * MINUTE_MS + 1, { kind: "deadline" });
});

test("limits.totalMs counts for an item that is to begin later than it allows", async () => {
  const world = createWorld();
  world.work([engineOf(async (_state, ctx) => ctx.complete(1), { limits: { totalMs: 5 * MINUTE_MS } })]);
  const { workId } = await world.client.enqueue(Work, null, { delayMs: 10 * MINUTE_MS });
  await failsBy(world, workId, 12 * MINUTE_MS, { kind: "deadline" });
});

test("limits.steps ends an item at so many committed steps", async () => {
  const world = createWorld();
  world.work([engineOf(async (_state, ctx) => ctx.next(1), { limits: { steps: 3 }, recover })]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toEqual({ recovered: "limit", from: 3 });
});

test("an item that completes at its last allowed step has kept to the limit", async () => {
  const world = createWorld();
  world.work([
    engineOf(async (_state, ctx) => (ctx.step === 2 ? ctx.complete("in time") : ctx.next(1)), { limits: { steps: 3 } }),
  ]);
  expect((await world.end(await enqueue(world))).status).toBe("completed");
});

test("limits.meters counts failed attempts too, and a redrive begins it anew", async () => {
  const world = createWorld();
  world.work([
    engineOf(
      async (_state, ctx) => {
        ctx.meter("tokens", 40);
        ctx.meter("tokens", 2);
        ctx.meter("dollars", 0.5);
        throw new Error("spent for nothing");
      },
      { limits: { meters: { tokens: 100 } }, retry: { unknown: { attempts: 50, minMs: 1, maxMs: 1 } } },
    ),
  ]);
  const workId = await enqueue(world);
  await failsBy(world, workId, 10_000, { kind: "limit", name: "meters.tokens" });
  expect((await world.client.status(workId)).meters).toEqual({ tokens: 126, dollars: 1.5 });
  await world.client.redrive(workId);
  await world.pass(10_000);
  expect(await world.client.status(workId)).toMatchObject({ status: "failed", meters: { tokens: 252 } });
});

test("meters of committed steps add up", async () => {
  const world = createWorld();
  world.work([
    engineOf(async (_state, ctx) => {
      ctx.meter("calls", 1);
      return ctx.step === 4 ? ctx.complete(1) : ctx.next(1);
    }),
  ]);
  expect((await world.end(await enqueue(world))).meters).toEqual({ calls: 5 });
});

test.each(["constructor", "toString", "a b/ü", "hasOwnProperty"])("a meter may be called %j", async (name) => {
  const world = createWorld();
  world.work([
    engineOf(async (_state, ctx) => {
      ctx.meter(name, 1);
      return ctx.step === 1 ? ctx.complete(1) : ctx.next(1);
    }),
  ]);
  const { status, meters } = await world.end(await enqueue(world));
  expect([status, Object.getOwnPropertyDescriptor(meters, name)?.value]).toEqual(["completed", 2]);
  expect(Object.prototype.toString.call({})).toBe("[object Object]");
});

test.each(["", "__proto__", "x".repeat(129), 5 as unknown as string])("a meter may not be called %j", async (name) => {
  const world = createWorld();
  world.work([engineOf(async (_state, ctx) => ctx.complete(ctx.meter(name, 1) ?? null))]);
  expect((await world.end(await enqueue(world))).error?.message).toContain(
    "ctx.meter: name: expected a text of 1 to 128 characters",
  );
});

test("a meter that would overflow is refused, and the item stays readable", async () => {
  const world = createWorld();
  world.work([
    engineOf(async (_state, ctx) => {
      ctx.meter("big", Number.MAX_VALUE);
      return ctx.step === 2 ? ctx.complete(1) : ctx.next(1);
    }),
  ]);
  const status = await world.end(await enqueue(world));
  expect(status).toMatchObject({ status: "dead_lettered", version: 1, meters: { big: Number.MAX_VALUE } });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, "5" as unknown as number])("a meter refuses the amount %j", async (amount) => {
  const world = createWorld();
  world.work([engineOf(async (_state, ctx) => ctx.complete(ctx.meter("x", amount) ?? null))]);
  expect((await world.end(await enqueue(world))).error?.message).toContain(
    "ctx.meter: amount of x: expected a finite number with a finite sum, got",
  );
});

const hang = (): Promise<never> => new Promise(() => undefined);

test("a step that ignores its abort signal is left after its time, and tried again", async () => {
  const world = createWorld();
  const worker = world.work([
    engineOf(async (_state, ctx) => (ctx.attempt < 3 ? hang() : ctx.complete(ctx.attempt)), { limits: { stepMs: 30_000 } }),
  ]);
  const workId = await enqueue(world);
  await world.pass(34_999);
  expect(worker.abandoned).toEqual([]);
  await world.pass(2);
  expect(worker.abandoned).toEqual([workId]);
  await world.end(workId, 5 * MINUTE_MS);
  expect(worker.abandoned).toEqual([workId, workId]);
  expect(await kinds(world, workId)).toEqual(["failed", "failed", "step", "ended"]);
  const [failure] = await world.events(workId);
  expect(failure).toMatchObject({ attempt: 1, error: { code: "step_timeout", class: "unknown" } });
});

test("a step that heeds its abort signal has failed too, and its process is kept", async () => {
  const world = createWorld();
  const worker = world.work([
    engineOf(
      async (_state, ctx) =>
        ctx.attempt === 1
          ? pause(world.clock, HOUR_MS, ctx.abortSignal).then(() => ctx.next("too late"))
          : ctx.complete(ctx.attempt),
      {
        limits: { stepMs: 1_000 },
      },
    ),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(worker.abandoned).toEqual([]);
  expect(await kinds(world, workId)).toEqual(["failed", "step", "ended"]);
});

test("a schema or a load that never ends is left after the step's time, too", async () => {
  const world = createWorld();
  let attempts = 0;
  const never = engineOf(async (_state, ctx) => (attempts++ === 0 ? ctx.next("x") : ctx.complete("done")), {
    limits: { stepMs: 1_000 },
    state: {
      "~standard": { version: 1, vendor: "test", validate: (value) => (value === "x" ? hang() : { value: value as never }) },
    },
  });
  world.work([never]);
  expect((await world.end(await enqueue(world))).status).toBe("completed");
});

test("`remainingMs` counts down to the step's end", async () => {
  const world = createWorld();
  const seen: number[] = [];
  world.work([
    engineOf(
      async (_state, ctx) => {
        seen.push(ctx.remainingMs);
        await pause(world.clock, 4_000);
        seen.push(ctx.remainingMs);
        return ctx.complete(1);
      },
      { limits: { stepMs: 10_000 } },
    ),
  ]);
  await world.end(await enqueue(world));
  expect(seen).toEqual([10_000, 6_000]);
});

test("a recovery that sleeps is over after its hour", async () => {
  const world = createWorld();
  const bug = engineOf(
    async () => {
      throw new TypeError("bug");
    },
    { recover: async (state, _cause, ctx) => ctx.next(state, { delayMs: 10 * HOUR_MS }) },
  );
  world.work([bug]);
  const workId = await enqueue(world);
  await world.advance(59 * 60_000, 60_000);
  expect((await world.client.status(workId)).status).toBe("sleeping");
  await world.advance(3 * 60_000, 60_000);
  expect((await world.client.status(workId)).status).toBe("dead_lettered");
});
