/** A person's word on an effect in doubt, and what people see of effects (G6, G8). */
import { expect, test } from "vitest";
import { DidNotHappen } from "../../src/domain/effect.ts";
import type { Json } from "../../src/domain/json.ts";
import { INLINE_STATE_BYTES } from "../../src/domain/limits.ts";
import type { Resolution } from "../../src/domain/resolution.ts";
import { createClient } from "../../src/runtime/client.ts";
import { pause } from "../../src/runtime/deps.ts";
import { createWorld, type World } from "../support/world.ts";
import { engineOf, enqueue, kinds } from "./builders.ts";
import { anEffect, oneStep } from "./effect-builders.ts";
import { crashAt, freezer, nameOf, watched } from "./faults.ts";

/** Parked with `charge` in doubt; its second run goes well. */
async function parked(): Promise<{ world: World; workId: string; runs: () => number }> {
  const world = createWorld();
  let runs = 0;
  const charge = anEffect(
    async () => {
      runs += 1;
      if (runs === 1) throw new Error("socket hang up");
      return `run ${runs}`;
    },
    { ifInDoubt: "park" },
  );
  world.work([oneStep((ctx) => ctx.effect("charge", { cents: 5 }, charge))]);
  const workId = await enqueue(world);
  await world.reach(workId, "paused");
  return { world, workId, runs: () => runs };
}

test.each<[string, Resolution, { runs: number; result?: Json; state: string; status: string; bytes: number | null }]>([
  [
    "happened",
    { happened: true, result: { id: 7 } },
    { runs: 1, result: { id: 7 }, state: "confirmed", status: "completed", bytes: 8 },
  ],
  ["did not happen", { happened: false }, { runs: 2, result: "run 2", state: "confirmed", status: "completed", bytes: 7 }],
  ["is given up", { fail: "the bank says no" }, { runs: 1, state: "failed", status: "dead_lettered", bytes: null }],
])("an effect that %s lets its item go on", async (_name, resolution, expected) => {
  const { world, workId, runs } = await parked();
  expect(await world.client.resolve(workId, "charge", resolution)).toMatchObject({ key: "charge", byOperator: true });
  const { status, error } = await world.end(workId, 10_000);
  expect([runs(), status, await world.client.resultJson(workId)]).toEqual([
    expected.runs,
    expected.status,
    expected.result ?? null,
  ]);
  expect(await world.client.effects(workId)).toMatchObject([
    { state: expected.state, resultBytes: expected.bytes, sinceMs: null },
  ]);
  if (expected.state !== "failed") return;
  expect(error).toMatchObject({ name: "EffectFailedError", class: "business", code: "effect_failed" });
  expect(error?.message).toBe(`effect "charge" of work item ${workId} was given up: the bank says no`);
});

test("a word about one doubt is none about a later one", async () => {
  const world = createWorld();
  const reset = async () => {
    throw new Error("connection reset");
  };
  world.work([oneStep((ctx) => ctx.effect("charge", null, anEffect(reset, { ifInDoubt: "park" })))]);
  const workId = await enqueue(world);
  await world.reach(workId, "paused");
  const since = async () => (await world.client.effects(workId))[0]?.sinceMs ?? 0;
  const first = { sinceMs: await since() };
  await world.pass(1_000);
  const say = () => world.client.resolve(workId, "charge", { happened: false }, first);
  // Said again before anybody has gone on, it is the same.
  await say();
  await say();
  await world.pass(1_000);
  const second = await since();
  expect(second).toBeGreaterThan(first.sinceMs);
  await expect(say()).rejects.toThrow(`expected one in doubt since ${first.sinceMs}, got one that is in doubt since ${second}`);
  await expect(world.client.resolve(workId, "charge", { happened: false }, { sinceMs: 0.5 })).rejects.toThrow("sinceMs");
  expect(await since()).toBe(second);
});

test("a large result that a person gives is a blob", async () => {
  const { world, workId } = await parked();
  const result = "x".repeat(2 * INLINE_STATE_BYTES);
  await world.client.resolve(workId, "charge", { happened: true, result });
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toBe(result);
});

test("the same word again is the same, another one is refused", async () => {
  const { world, workId, runs } = await parked();
  for (let i = 0; i < 3; i++) await world.client.resolve(workId, "charge", { happened: true, result: 1 });
  await expect(world.client.resolve(workId, "charge", { happened: true, result: 2 })).rejects.toThrow(
    `cannot resolve effect "charge" of work item ${workId}: expected one that is in doubt, got one that is confirmed`,
  );
  await expect(world.client.resolve(workId, "charge", { happened: false })).rejects.toMatchObject({ code: "refused" });
  await world.end(workId);
  await world.client.resolve(workId, "charge", { happened: true, result: 1 });
  expect(runs()).toBe(1);
  expect((await kinds(world, workId)).filter((kind) => kind === "resumed" || kind === "refused")).toEqual(["resumed"]);
});

test("an effect parked once more is resolved once more", async () => {
  const world = createWorld();
  let runs = 0;
  const unlucky = anEffect(
    async () => {
      runs += 1;
      if (runs < 3) throw new Error("lost");
      return runs;
    },
    { ifInDoubt: "park" },
  );
  world.work([oneStep((ctx) => ctx.effect("k", null, unlucky))]);
  const workId = await enqueue(world);
  for (const _ of [1, 2]) {
    await world.reach(workId, "paused");
    await world.client.resolve(workId, "k", { happened: false });
    await world.pass(100);
  }
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toBe(3);
});

test.each(["before", "after"] as const)(
  "a resolution that dies %s any call is completed by repeating it, or by itself",
  async (when) => {
    const clean = watched();
    const first = await parked();
    await createClient(first.world.process("cli", { intercept: clean.intercept })).resolve(first.workId, "charge", {
      happened: true,
      result: 1,
    });
    for (let n = 0; n < clean.calls.length; n++) {
      const { world, workId } = await parked();
      const fault = crashAt(n, when, () => undefined);
      const dying = createClient(world.process("cli", { intercept: fault.intercept }));
      void dying.resolve(workId, "charge", { happened: true, result: 1 });
      await world.pass(10);
      await world.client.resolve(workId, "charge", { happened: true, result: 1 });
      await world.end(workId, 1_000);
      expect(
        (await kinds(world, workId)).filter((kind) => kind === "resumed"),
        `call ${n}`,
      ).toHaveLength(1);
    }
    expect(clean.calls.length).toBeGreaterThan(8);
  },
);

test("a word that comes as the item is about to park is not lost", async () => {
  const world = createWorld();
  const charge = anEffect(async () => Promise.reject(new Error("lost")), { ifInDoubt: "park" });
  world.work([
    oneStep(async (ctx) => {
      const result = await ctx.effect("charge", null, charge).catch(() => null);
      if (ctx.attempt === 1) await pause(world.clock, 2_000);
      return result;
    }),
  ]);
  const workId = await enqueue(world);
  await world.pass(1_000);
  expect(await world.client.effects(workId)).toMatchObject([{ state: "in_doubt" }]);
  await world.client.resolve(workId, "charge", { happened: true, result: "told" });
  await world.end(workId, 10_000);
  expect(await world.client.resultJson(workId)).toBe("told");
});

test("nor one that comes while a late worker's commit is on its way", async () => {
  const world = createWorld();
  const charge = anEffect(async () => Promise.reject(new Error("lost")), { ifInDoubt: "park" });
  const late = freezer();
  world.work([oneStep((ctx) => ctx.effect("charge", null, charge))], {
    intercept: (call, run) => {
      if (nameOf(call) === "records.write LIVE/HEAD") late.freeze();
      return late.intercept(call, run);
    },
  });
  const workId = await enqueue(world);
  await world.settle();
  world.loseMessages();
  await world.pass(30_000);
  await world.client.resolve(workId, "charge", { happened: true, result: "told" });
  await world.settle();
  late.thaw();
  await world.settle();
  world.work([oneStep((ctx) => ctx.effect("charge", null, charge))]);
  await world.end(workId, 120_000);
  expect(await world.client.resultJson(workId)).toBe("told");
});

test("an item that is paused for another reason stays so", async () => {
  const world = createWorld();
  const asks = anEffect(async () => Promise.reject(new Error("lost")), { ifInDoubt: async () => ({ askAgainMs: 60_000 }) });
  world.work([oneStep((ctx) => ctx.effect("k", null, asks))]);
  const workId = await enqueue(world);
  await world.reach(workId, "sleeping");
  await world.client.pause(workId, "hands off");
  await world.reach(workId, "paused");
  await world.client.resolve(workId, "k", { happened: true, result: 1 });
  await world.pass(1_000);
  expect((await world.client.status(workId)).pausedBecause).toBe("hands off");
  await world.client.resume(workId);
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toBe(1);
});

test("one that sleeps until it is asked about again takes a person's word, and asks no more", async () => {
  const world = createWorld();
  let asked = 0;
  const asks = anEffect(async () => Promise.reject(new Error("lost")), {
    ifInDoubt: async () => {
      asked += 1;
      return { askAgainMs: 60_000 };
    },
  });
  world.work([oneStep((ctx) => ctx.effect("k", null, asks))]);
  const workId = await enqueue(world);
  await world.reach(workId, "sleeping");
  await world.client.resolve(workId, "k", { happened: true, result: "told" });
  await world.end(workId);
  expect([asked, await world.client.resultJson(workId)]).toEqual([1, "told"]);
});

test("one that may be at work is not for a person until its time is over, or its process is gone", async () => {
  for (const gone of [false, true]) {
    const world = createWorld();
    const worker = world.work([
      oneStep((ctx) =>
        ctx.effect(
          "k",
          null,
          anEffect(async () => new Promise<Json>(() => undefined), { timeoutMs: 9_000 }),
        ),
      ),
    ]);
    const workId = await enqueue(world);
    await world.pass(1_000);
    const before = await world.client.effects(workId);
    expect(before).toMatchObject([{ state: "reserved", sinceMs: null, untilAtMs: world.clock.nowMs() + 8_000 }]);
    await expect(world.client.resolve(workId, "k", { fail: "enough" })).rejects.toThrow(
      /expected one that is in doubt, got one that is at work until its time is over/,
    );
    if (gone) {
      worker.die();
      expect(await world.client.effects(workId)).toMatchObject([{ state: "reserved", untilAtMs: null }]);
    }
    if (!gone) world.clock.setNowMs(world.clock.nowMs() + 8_000);
    expect(await world.client.resolve(workId, "k", { fail: "enough" })).toMatchObject({ state: "failed", error: "enough" });
  }
});

test("a person's word that overtakes the effect's own end stands", async () => {
  for (const end of ["returns", "throws", "did not happen"]) {
    const world = createWorld();
    const slow = anEffect(
      async () => {
        await pause(world.clock, 8_000);
        if (end === "returns") return "late";
        throw end === "throws" ? new Error("late") : new DidNotHappen("late");
      },
      { timeoutMs: 9_000, ifInDoubt: "park" },
    );
    world.work([oneStep((ctx) => ctx.effect("k", null, slow))]);
    const workId = await enqueue(world);
    await world.pass(1_000);
    world.clock.setNowMs(world.clock.nowMs() + 8_000);
    await world.client.resolve(workId, "k", { happened: true, result: "told" });
    await world.end(workId);
    expect([await world.client.resultJson(workId), await kinds(world, workId)]).toEqual(["told", ["step", "ended", "refused"]]);
  }
});

test("of several steps with one key the one in doubt is meant, and the others are named by their steps", async () => {
  const world = createWorld();
  const book = anEffect(async (leg) => (leg === 2 ? Promise.reject(new Error("lost")) : leg), { ifInDoubt: "park" });
  world.work([
    engineOf(async (state, ctx) => {
      const leg = Number(state);
      await ctx.effect("book", leg, book);
      return leg === 3 ? ctx.complete("booked") : ctx.next(leg + 1);
    }),
  ]);
  const workId = await enqueue(world);
  await world.reach(workId, "paused");
  await expect(world.client.resolve(workId, "nope", { happened: false })).rejects.toThrow(
    `work item ${workId} has no effect "nope", expected one of: book`,
  );
  await expect(world.client.resolve(workId, "book", { happened: false }, { step: 7 })).rejects.toThrow(
    `has no effect "book", expected one of: book (step 0), book (step 1), book (step 2)`,
  );
  await expect(world.client.resolve(workId, "book", { happened: false }, { step: 1 })).rejects.toThrow(
    /got one that is confirmed/,
  );
  await world.client.resolve(workId, "book", { happened: true, result: 2 });
  await world.end(workId);
  await expect(world.client.resolve(workId, "book", { happened: false })).rejects.toThrow(
    /effect "book": step: expected one of 0, 1, 2, 3/,
  );
  expect(await world.client.resolve(workId, "book", { happened: true, result: 2 })).toMatchObject({ step: 2 });
});

test.each<[string, unknown, unknown, RegExp]>([
  ["nothing", undefined, {}, /resolution: expected \{ happened: true, result \}.*got undefined/],
  ["a word that is none", { happened: "yes" }, {}, /resolution: expected/],
  ["no result", { happened: true }, {}, /plain JSON at resolution.result, got undefined/],
  [
    "a result that is no JSON",
    { happened: true, result: { at: new Date(0) } },
    {},
    /resolution.result.at, got an instance of Date/,
  ],
  ["a reason without end", { fail: "x".repeat(2_001) }, {}, /resolution: fail: expected a text of at most 2000 characters/],
  ["a step that is none", { happened: false }, { step: 1.5 }, /step: expected a whole number from 0, got 1.5/],
])("%s is refused, and nothing is changed", async (_name, resolution, options, says) => {
  const { world, workId } = await parked();
  await expect(world.client.resolve(workId, "charge", resolution as Resolution, options as { step?: number })).rejects.toThrow(
    says,
  );
  expect(await world.client.effects(workId)).toMatchObject([{ state: "in_doubt", attempt: 1, error: "socket hang up" }]);
});
