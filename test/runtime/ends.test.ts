/** Bad ends: `recover` has its turn, once per life; redrive begins another. */
import { expect, test } from "vitest";
import { RefusedError } from "../../src/domain/errors.ts";
import { createWorld, type World } from "../support/world.ts";
import { engineOf, enqueue, expectOneLine, kinds, type More } from "./builders.ts";

const bug = (): never => {
  throw new TypeError("a bug");
};
/** Commits one step, then throws for good; `recover` is what is tested. */
function doomed(more: More) {
  return engineOf(async (state, ctx) => (state === 0 ? ctx.next("started", { at: "work" }) : bug()), more);
}
async function ended(world: World, more: More): Promise<string> {
  world.work([doomed(more)]);
  const workId = await enqueue(world);
  await world.end(workId, 2 * 3_600_000);
  return workId;
}

test("without `recover` an exhausted item is dead-lettered at its last state", async () => {
  const world = createWorld();
  const workId = await ended(world, {});
  expect(await world.client.status(workId)).toMatchObject({ status: "dead_lettered", version: 1, error: { message: "a bug" } });
  expect(await world.client.state(workId)).toBe("started");
  expect(await world.client.result(doomed({}), workId, { timeoutMs: 0 })).toMatchObject({
    status: "dead_lettered",
    error: { name: "TypeError", message: "a bug" },
  });
});

test("`recover` takes durable steps with state, cause and attempts of its own, and may complete", async () => {
  const world = createWorld();
  const seen: unknown[] = [];
  const workId = await ended(world, {
    recover: async (state, cause, ctx) => {
      seen.push([state, cause.kind === "exhausted" && cause.error.message, ctx.wake.kind, ctx.attempt]);
      if (state === "started") return ctx.next("undoing", { append: ["undone"], delayMs: 1_000 });
      if (ctx.attempt === 1) throw new Error("undo again");
      return ctx.complete("compensated");
    },
  });
  expect(seen).toEqual([
    ["started", "a bug", "go", 1],
    ["undoing", "a bug", "go", 1],
    ["undoing", "a bug", "go", 2],
  ]);
  expect(await world.client.status(workId)).toMatchObject({ status: "completed", version: 3, recovering: null });
  expect(await kinds(world, workId)).toEqual(["step", "failed", "recovering", "step", "failed", "step", "ended"]);
  await expectOneLine(world, workId);
});

test("an outcome of `recover` that names the step to come hands over to `step`, within the recovery", async () => {
  const world = createWorld();
  const seen: string[] = [];
  const workId = await enqueue(world);
  world.work([
    engineOf(
      async (state, ctx) => {
        seen.push(`step ${String(state)}`);
        if (state === 0) throw new TypeError("a bug");
        return state === "undo 1" ? ctx.fail(new Error("all undone")) : ctx.next("undo 1", { at: "undo" });
      },
      {
        recover: async (_state, cause, ctx) => {
          seen.push(`recover ${cause.kind}`);
          return ctx.next("undo 2", { at: "undo" });
        },
      },
    ),
  ]);
  const status = await world.end(workId);
  expect(seen).toEqual(["step 0", "recover exhausted", "step undo 2", "step undo 1"]);
  expect(status).toMatchObject({ status: "dead_lettered", error: { message: "a bug" } });
});

test.each([
  ["ctx.fail", async (_state: unknown, _cause: unknown, ctx: { fail(error: Error): never }) => ctx.fail(new Error("undone"))],
  ["a throw until it is exhausted", async () => bug()],
] as const)("`recover` that ends with %s keeps the status and error of the cause", async (_name, recover) => {
  const world = createWorld();
  const workId = await ended(world, { recover: recover as NonNullable<More["recover"]> });
  expect(await world.client.status(workId)).toMatchObject({
    status: "dead_lettered",
    error: { message: "a bug" },
    cause: { kind: "exhausted" },
  });
  expect((await kinds(world, workId)).filter((kind) => kind === "recovering")).toHaveLength(1);
});

test("`recover` is bounded by 100 steps", async () => {
  const world = createWorld();
  let steps = 0;
  const workId = await ended(world, { recover: async (state, _cause, ctx) => ctx.next(state, { append: [steps++] }) });
  expect(steps).toBe(100);
  expect(await world.client.status(workId)).toMatchObject({ status: "dead_lettered", version: 101 });
});

test("`recover` is bounded by an hour", async () => {
  const world = createWorld();
  let steps = 0;
  const workId = await ended(world, {
    recover: async (state, _cause, ctx) => ctx.next(state, { append: [steps++], delayMs: 600_000 }),
  });
  expect(steps).toBeLessThanOrEqual(7);
  expect((await world.client.status(workId)).status).toBe("dead_lettered");
});

test("`ctx.fail` is the author's word: no retry, no `recover`", async () => {
  const world = createWorld();
  let recovered = 0;
  world.work([
    engineOf(async (_state, ctx) => ctx.fail(new RangeError("not possible")), {
      recover: async (_state, _cause, ctx) => ctx.complete(recovered++),
    }),
  ]);
  const workId = await enqueue(world);
  expect(await world.end(workId)).toMatchObject({
    status: "failed",
    error: { name: "RangeError", message: "not possible" },
    cause: null,
  });
  expect(recovered).toBe(0);
});

test("a redrive goes on from the last state with fresh attempts and wake, and `recover` is armed again", async () => {
  const world = createWorld();
  const seen: unknown[] = [];
  let fixed = false;
  world.work([
    engineOf(
      async (state, ctx) => {
        if (state === 0) return ctx.next("started", { at: "work" });
        seen.push([ctx.attempt, ctx.wake]);
        return fixed ? ctx.complete("done") : bug();
      },
      { retry: { bug: { attempts: 2, minMs: 1 } }, recover: async (_state, _cause, ctx) => ctx.fail(new Error("undone")) },
    ),
  ]);
  const workId = await enqueue(world);
  await world.reach(workId, "dead_lettered");
  await world.client.redrive(workId, "try harder");
  await world.pass(1_000);
  expect((await kinds(world, workId)).filter((kind) => kind === "recovering")).toHaveLength(2);
  fixed = true;
  await world.client.redrive(workId, "fixed it");
  await world.reach(workId, "completed");
  const resumed = (note: string) => ({ kind: "resumed", note });
  expect(seen).toEqual([
    [1, { kind: "go" }],
    [2, { kind: "go" }],
    [1, resumed("try harder")],
    [2, resumed("try harder")],
    [1, resumed("fixed it")],
  ]);
  expect((await world.client.status(workId)).rememberedUntilAtMs).toBeGreaterThan(world.clock.nowMs());
  await expectOneLine(world, workId);
});

test("a redrive is refused unless the item has failed or is dead-lettered", async () => {
  const world = createWorld();
  const redriven = async (workId: string): Promise<unknown> => world.client.redrive(workId).catch((error: unknown) => error);
  const queued = await enqueue(world);
  expect(await redriven(queued)).toBeInstanceOf(RefusedError);
  await world.client.cancel(queued);
  world.work([
    engineOf(async (_state, ctx) => (ctx.payload === "sleep" ? ctx.next(0, { delayMs: 90_000_000 }) : ctx.complete(0))),
  ]);
  const [sleeping, completed] = [await enqueue(world, "sleep"), await enqueue(world)];
  await world.settle();
  for (const workId of [queued, sleeping, completed]) {
    const error = await redriven(workId);
    expect(error).toBeInstanceOf(RefusedError);
    expect(String(error)).toContain(`cannot redrive work item ${workId}: expected an item that is failed or dead-lettered, got`);
  }
});

test("a redrive is refused once the item need no longer be remembered", async () => {
  const world = createWorld({ retentionMs: 60_000 });
  const workId = await ended(world, {});
  await world.advance(60_000);
  await expect(world.client.redrive(workId)).rejects.toThrow("an item that is still remembered");
});

test("a redrive that crosses the end of the memory changes nothing", async () => {
  const world = createWorld({ retentionMs: 60_000 });
  const worker = world.work([doomed({})]);
  const workId = await enqueue(world);
  await world.end(workId);
  await worker.stop();
  await world.client.redrive(workId);
  world.clock.advance(60_000);
  world.work([doomed({})]);
  await world.pass(1_000);
  expect((await world.client.status(workId)).status).toBe("dead_lettered");
  expect((await kinds(world, workId)).at(-1)).toBe("refused");
});

test("memos of `recover` are of that recovery: neither the step's nor an earlier recovery's stand for them", async () => {
  const world = createWorld();
  const made: string[] = [];
  const note = (what: string) => async () => made.push(what);
  world.work([
    engineOf(
      async (_state, ctx) => {
        await ctx.once("memo", note("step"));
        return bug();
      },
      {
        recover: async (_state, _cause, ctx) => {
          await ctx.once("memo", note("recover"));
          if (ctx.attempt === 1) throw new Error("again");
          return ctx.fail(new Error("undone"));
        },
      },
    ),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(made).toEqual(["step", "recover"]);
  await world.client.redrive(workId);
  await world.pass(10_000);
  expect(made).toEqual(["step", "recover", "recover"]);
});
