/** `ctx.effect` while nothing dies: what is stored, what is shared, what is refused, and who decides on a doubt (G5, G6). */
import { expect, test } from "vitest";
import { z } from "zod";
import { DidNotHappen, type Effect } from "../../src/domain/effect.ts";
import { EffectInDoubtError } from "../../src/domain/errors.ts";
import type { Json } from "../../src/domain/json.ts";
import { INLINE_STATE_BYTES } from "../../src/domain/limits.ts";
import { pause } from "../../src/runtime/deps.ts";
import { createWorld, type World } from "../support/world.ts";
import { type AnyCtx, engineOf, enqueue, kinds } from "./builders.ts";
import { anEffect, oneStep } from "./effect-builders.ts";

async function resultOf(world: World, step: (ctx: AnyCtx) => Promise<Json>): Promise<Json> {
  world.work([oneStep(step)]);
  const workId = await enqueue(world);
  await world.end(workId);
  return world.client.resultJson(workId);
}
/** How one attempt ends, its item's error. */
async function errorOf(step: (ctx: AnyCtx) => Promise<Json>) {
  const world = createWorld();
  world.work([oneStep(step, { retry: { unknown: { attempts: 1 }, transient: { attempts: 1 } } })]);
  const workId = await enqueue(world);
  return { workId, world, error: (await world.end(workId)).error };
}
const message = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error));

test("a result comes back as stored JSON, the first time too, and nothing as null", async () => {
  const world = createWorld();
  const made: Json[] = [];
  const given = { n: 1, left: undefined };
  const result = await resultOf(world, async (ctx) => {
    const first = await ctx.effect(
      "one",
      null,
      anEffect(async () => given),
    );
    const void_ = await ctx.effect("none", null, { run: async () => undefined, ifInDoubt: "park" });
    made.push(first, void_ ?? null);
    return [Object.keys(Object(first)), first === given];
  });
  expect(result).toEqual([["n"], false]);
  expect(made).toEqual([{ n: 1 }, null]);
});

test("the input reaches the code as a copy, with a fence that is the same on every attempt", async () => {
  const world = createWorld();
  const seen: unknown[] = [];
  const input = { to: ["a"] };
  const workId = await (async () => {
    const tries = anEffect(async (got, fence) => {
      seen.push([got === input, structuredClone(got), fence.idempotencyKey, fence.abortSignal.aborted]);
      Object.assign(Object(got), { to: [] });
      if (seen.length < 3) throw new DidNotHappen("not yet");
      return fence.fencingToken;
    });
    world.work([oneStep(async (ctx) => ctx.effect("mail", input, tries))]);
    return enqueue(world);
  })();
  await world.end(workId);
  expect(seen).toEqual(Array.from({ length: 3 }, () => [false, { to: ["a"] }, `${workId}/0/mail`, false]));
  expect(await world.client.resultJson(workId)).toBeGreaterThan(0);
});

test("its time is over with the effect: nothing is aborted, and nothing waits, after it", async () => {
  const world = createWorld();
  const signals: AbortSignal[] = [];
  const quick = anEffect(async (_input, { abortSignal }) => signals.push(abortSignal), { timeoutMs: 7_777 });
  await resultOf(world, (ctx) => ctx.effect("k", null, quick));
  await world.pass(60_000);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
});

test("a key that does not fit a header goes outside as its digest", async () => {
  const keys = ["größe", " trailing ", "k".repeat(161), "two\nlines"];
  const sent = await resultOf(createWorld(), async (ctx) =>
    Promise.all(
      keys.map((key) =>
        ctx.effect(
          key,
          null,
          anEffect(async (_input, fence) => fence.idempotencyKey),
        ),
      ),
    ),
  );
  expect(sent).toEqual(keys.map(() => expect.stringMatching(/^\w{20}\/0\/sha256-[0-9a-f]{64}$/)));
  expect(new Set(sent as string[]).size).toBe(keys.length);
});

test("effects of one step run beside each other, and the same key twice is one", async () => {
  const world = createWorld();
  let running = 0;
  let most = 0;
  const slow = anEffect(async (input) => {
    running += 1;
    most = Math.max(most, running);
    await pause(world.clock, 100);
    running -= 1;
    return [input];
  });
  const result = await resultOf(world, (ctx) => Promise.all(["a", "b", "c", "a"].map((key) => ctx.effect(key, key, slow))));
  expect(result).toEqual([["a"], ["b"], ["c"], ["a"]]);
  expect(most).toBe(3);
});

test("an effect that nobody waits for settles before the outcome is committed, and its failure ends nothing", async () => {
  const world = createWorld();
  const order: string[] = [];
  world.work([
    oneStep(async (ctx) => {
      const late = anEffect(async () => {
        await pause(world.clock, 3_000);
        order.push(`happened at version ${(await world.client.status(ctx.workId)).version}`);
        throw new Error("nobody hears this");
      });
      void ctx.effect("late", null, late);
      void ctx.effect("bad", 1n as unknown as Json, late);
      return "done";
    }),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(order).toEqual(["happened at version 0"]);
  expect(await world.client.resultJson(workId)).toBe("done");
  expect(await world.client.effects(workId)).toMatchObject([{ key: "late", state: "in_doubt", error: "nobody hears this" }]);
});

test("an effect that is begun when all have settled is refused, however long the outcome is checked", async () => {
  const world = createWorld();
  const late: string[] = [];
  const slowly = async (): Promise<boolean> => {
    await pause(world.clock, 1_000);
    return true;
  };
  const effect = anEffect(async () => late.push("run"));
  world.work([
    engineOf(
      async (state, ctx) => {
        if (state === 1) return ctx.complete(null);
        for (const afterMs of [500, 1_500])
          void pause(world.clock, afterMs)
            .then(() => ctx.effect("late", null, effect))
            .catch((error) => late.push(message(error)));
        return ctx.next(1);
      },
      { state: z.any().refine(slowly) },
    ),
  ]);
  await world.end(await enqueue(world));
  await world.pass(2_000);
  expect(late).toEqual(Array.from({ length: 2 }, () => expect.stringContaining("CtxRevokedError: ctx.effect was used after")));
});

test.each<[string, (ctx: AnyCtx) => Promise<Json>, string | RegExp]>([
  [
    "an empty key",
    (ctx) =>
      ctx.effect(
        "",
        null,
        anEffect(async () => 1),
      ),
    /ctx.effect: key: expected a well-formed text of 1 to 1024/,
  ],
  ["no effect", (ctx) => ctx.effect("k", null, null as never), 'ctx.effect("k"): expected an effect, got null'],
  [
    "no run",
    (ctx) => ctx.effect("k", null, { ifInDoubt: "park" } as never),
    'ctx.effect("k"): run: expected a function, got undefined',
  ],
  [
    "no ifInDoubt",
    (ctx) => ctx.effect("k", null, { run: async () => 1 } as never),
    /ctx.effect\("k"\): ifInDoubt: expected "rerun", "park" or/,
  ],
  [
    "an unknown scope",
    (ctx) =>
      ctx.effect(
        "k",
        null,
        anEffect(async () => 1, { scope: "all" as never }),
      ),
    /scope: expected "step" or "item"/,
  ],
  [
    "no time",
    (ctx) =>
      ctx.effect(
        "k",
        null,
        anEffect(async () => 1, { timeoutMs: 0 }),
      ),
    /timeoutMs: expected 1 to 86400000 ms, got 0/,
  ],
  [
    "an input that is no JSON",
    (ctx) =>
      ctx.effect(
        "k",
        { a: [new Date(0)] } as never,
        anEffect(async () => 1),
      ),
    /plain JSON at ctx.effect\("k"\).input.a\[0\], got an instance of Date/,
  ],
])("%s is refused before anything is reserved", async (_name, step, says) => {
  const { world, workId, error } = await errorOf(step);
  expect(error?.class).toBe("bug");
  expect(error?.message).toMatch(says);
  expect(await world.client.effects(workId)).toEqual([]);
});

test("the same key with another input is an error that names both digests, within an attempt and across attempts", async () => {
  const world = createWorld();
  const said: string[] = [];
  world.work([
    oneStep(async (ctx) => {
      await ctx
        .effect(
          "pay",
          { cents: ctx.attempt },
          anEffect(async () => 1),
        )
        .catch((error) => said.push(message(error)));
      await ctx
        .effect(
          "pay",
          { cents: 9 },
          anEffect(async () => 1),
        )
        .catch((error) => said.push(message(error)));
      if (ctx.attempt === 1) throw new Error("again");
      return null;
    }),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  const [{ inputDigest = "" } = {}] = await world.client.effects(workId);
  expect(said).toHaveLength(3);
  for (const one of said)
    expect(one).toMatch(
      new RegExp(`EffectConflictError: effect "pay" of work item ${workId} .* expected digest ${inputDigest}, got [0-9a-f]{64}`),
    );
});

test("an effect within an effect is refused, one beside it is not", async () => {
  const said: string[] = [];
  await resultOf(createWorld(), async (ctx) => {
    const inner = () =>
      ctx.effect(
        "inner",
        null,
        anEffect(async () => 1),
      );
    await ctx.effect(
      "outer",
      null,
      anEffect(async () => inner().catch((error) => said.push(message(error)))),
    );
    await Promise.all([
      ctx.effect(
        "beside",
        null,
        anEffect(async () => 1),
      ),
      inner(),
    ]);
    return null;
  });
  expect(said).toEqual([expect.stringMatching(/NestedEffectError: effect "inner" .* was begun within effect "outer"/)]);
});

test("what did not happen is open, and tried again as its step is: on the spot too", async () => {
  const world = createWorld();
  let runs = 0;
  class FromAnotherCopy extends Error {
    override readonly name = "DidNotHappen";
  }
  const refused = anEffect(
    async () => {
      runs += 1;
      if (runs < 4) throw runs === 2 ? new FromAnotherCopy("refused") : new DidNotHappen("refused");
      return runs;
    },
    { ifInDoubt: "park" },
  );
  world.work([oneStep(async (ctx) => ctx.effect("k", null, refused).catch(() => ctx.effect("k", null, refused)))]);
  const workId = await enqueue(world);
  await world.reach(workId, "sleeping");
  expect(await world.client.effects(workId)).toMatchObject([{ state: "open", error: "refused", sinceMs: null }]);
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toBe(4);
  expect(await kinds(world, workId)).toEqual(["failed", "step", "ended"]);
});

test("what throws and may be run again is in doubt, and run again as its step is, with its error's class", async () => {
  const world = createWorld();
  let runs = 0;
  world.work([
    oneStep(async (ctx) =>
      ctx.effect(
        "k",
        null,
        anEffect(async () => {
          runs += 1;
          if (runs < 3) throw Object.assign(new Error("gateway"), { status: 502 });
          return runs;
        }),
      ),
    ),
  ]);
  const workId = await enqueue(world);
  await world.reach(workId, "sleeping");
  const startMs = world.clock.nowMs();
  expect(await world.client.effects(workId)).toMatchObject([{ state: "in_doubt", error: "gateway", sinceMs: startMs }]);
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toBe(3);
  const failed = (await world.events(workId)).filter((event) => event.kind === "failed");
  expect(failed.map(({ error }) => error)).toMatchObject([{ message: "gateway", class: "transient" }, { class: "transient" }]);
});

test("an effect that takes longer than its time is aborted, not waited for, and in doubt", async () => {
  const world = createWorld();
  const reasons: string[] = [];
  let runs = 0;
  const slow = anEffect(
    async (_input, { abortSignal }) => {
      runs += 1;
      abortSignal.addEventListener("abort", () => reasons.push(message(abortSignal.reason)));
      return runs === 1 ? new Promise<Json>(() => undefined) : "in time";
    },
    { timeoutMs: 1_000 },
  );
  world.work([oneStep((ctx) => ctx.effect("slow", null, slow))]);
  const workId = await enqueue(world);
  await world.reach(workId, "sleeping");
  expect((await world.client.status(workId)).error).toMatchObject({
    name: "EffectInDoubtError",
    message: `effect "slow" of work item ${workId} is in doubt: it did not end within 1000 ms`,
  });
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toBe("in time");
  expect(reasons).toEqual([expect.stringContaining("its time is over")]);
});

test("a result that is no JSON leaves it in doubt: it did happen", async () => {
  const { world, workId, error } = await errorOf((ctx) =>
    ctx.effect(
      "k",
      null,
      anEffect(async () => new Map() as never),
    ),
  );
  expect(error?.message).toBe('expected plain JSON at ctx.effect("k").result, got an instance of Map');
  expect(await world.client.effects(workId)).toMatchObject([{ state: "in_doubt" }]);
});

test("a large result is a blob, and comes back from it", async () => {
  const world = createWorld();
  const large = "x".repeat(10 * INLINE_STATE_BYTES);
  let runs = 0;
  world.work([
    oneStep(async (ctx) => {
      const got = await ctx.effect(
        "k",
        null,
        anEffect(async () => {
          runs += 1;
          return large;
        }),
      );
      if (ctx.attempt === 1) throw new Error("once more");
      return got === large;
    }),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toBe(true);
  expect(runs).toBe(1);
  expect(await world.client.effects(workId)).toMatchObject([{ state: "confirmed", resultBytes: large.length + 2 }]);
});

test("a step's key is its own, an item's is shared by all steps, `recover` too", async () => {
  const world = createWorld();
  const keys: string[] = [];
  const effects = (scope: "step" | "item"): Effect<Json, Json> =>
    anEffect(async (_input, fence) => keys.push(`${scope} ${fence.idempotencyKey.slice(20)}`), { scope });
  const both = (ctx: AnyCtx) => Promise.all([ctx.effect("k", null, effects("step")), ctx.effect("k", null, effects("item"))]);
  world.work([
    engineOf(
      async (state, ctx) => {
        await both(ctx);
        if (state === 1) throw new TypeError("a bug");
        return ctx.next(1);
      },
      {
        recover: async (_state, _cause, ctx) => {
          await both(ctx);
          return ctx.complete(null);
        },
      },
    ),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(keys).toEqual(["step /0/k", "item /item/k", "step /1/k", expect.stringMatching(/^step \/1-recover-\d+\/k$/)]);
  expect((await world.client.effects(workId)).map(({ scope, step, stepName }) => [scope, step, stepName])).toEqual(
    expect.arrayContaining([
      ["step", 0, "step"],
      ["item", 0, "step"],
      ["step", 1, "step"],
      ["step", 1, "recover"],
    ]),
  );
});

test("a redriven item keeps what is confirmed", async () => {
  const world = createWorld();
  let runs = 0;
  world.work([
    oneStep(async (ctx) => {
      const n = await ctx.effect(
        "k",
        null,
        anEffect(async () => (runs += 1), { ifInDoubt: "park" }),
      );
      if (ctx.wake.kind !== "resumed") throw new TypeError("a bug");
      return n;
    }),
  ]);
  const workId = await enqueue(world);
  await world.reach(workId, "dead_lettered");
  await world.client.redrive(workId);
  await world.reach(workId, "completed");
  expect([runs, await world.client.resultJson(workId)]).toEqual([1, 1]);
});

test("a caught error does not skip a park, and a plain resume parks it again", async () => {
  const world = createWorld();
  let runs = 0;
  const caught: unknown[] = [];
  const charge = anEffect(
    async () => {
      runs += 1;
      throw new Error("socket hang up");
    },
    { ifInDoubt: "park" },
  );
  world.work([
    oneStep(async (ctx) => {
      await ctx.effect("charge", 5, charge).catch((error) => caught.push(error));
      return "without knowing";
    }),
  ]);
  const workId = await enqueue(world);
  for (let times = 1; times <= 2; times++) {
    const { pausedBecause, attempt } = await world.reach(workId, "paused");
    expect({ pausedBecause, attempt }).toEqual({ pausedBecause: 'effect "charge" is in doubt: socket hang up', attempt: 0 });
    expect(caught).toHaveLength(times);
    await world.client.resume(workId);
  }
  await world.reach(workId, "paused");
  expect(caught[0]).toBeInstanceOf(EffectInDoubtError);
  expect(caught[0]).toMatchObject({ cause: { message: "socket hang up" } });
  expect(runs).toBe(1);
});

test("other effects end well beside one that parks, and are not made again", async () => {
  const world = createWorld();
  const runs: string[] = [];
  const effects = (ctx: AnyCtx, key: string, ends: boolean) =>
    ctx.effect(
      key,
      null,
      anEffect(
        async () => {
          runs.push(key);
          if (key === "slow") await pause(world.clock, 5_000);
          if (!ends) throw new Error("lost");
          return key;
        },
        { ifInDoubt: "park" },
      ),
    );
  world.work([oneStep(async (ctx) => Promise.all([effects(ctx, "bad", false), effects(ctx, "slow", true)]))]);
  const workId = await enqueue(world);
  await world.reach(workId, "paused");
  expect((await world.client.effects(workId)).map(({ key, state }) => [key, state])).toEqual([
    ["bad", "in_doubt"],
    ["slow", "confirmed"],
  ]);
  await world.client.resolve(workId, "bad", { happened: true, result: "bad" });
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toEqual(["bad", "slow"]);
  expect(runs).toEqual(["bad", "slow"]);
});

test("a step that is cancelled or shut down leaves the effect to the next attempt, and does not ask", async () => {
  const world = createWorld();
  const log: string[] = [];
  const asks = anEffect(
    async (_input, { abortSignal }) => {
      log.push("run");
      await pause(world.clock, 50_000, abortSignal);
      abortSignal.throwIfAborted();
      return "slowly";
    },
    {
      ifInDoubt: async () => {
        log.push("ask");
        return { happened: true, result: "asked" };
      },
    },
  );
  const engine = oneStep((ctx) => ctx.effect("k", null, asks));
  const first = world.work([engine], { graceMs: 1_000 });
  const workId = await enqueue(world);
  await world.settle();
  await first.stop();
  expect(log).toEqual(["run"]);
  expect(await world.client.status(workId)).toMatchObject({ status: "queued", attempt: 0 });
  world.work([engine]);
  await world.end(workId, 10_000);
  expect(log).toEqual(["run", "ask"]);
  expect(await world.client.resultJson(workId)).toBe("asked");
});
