/** What becomes of an effect in doubt: asked about, parked, and fenced off late workers (G4, G6). */
import { expect, test } from "vitest";
import { DidNotHappen, type Effect } from "../../src/domain/effect.ts";
import type { Json } from "../../src/domain/json.ts";
import { ASK_MS, HOUR_MS, LEASE_DURATION_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/limits.ts";
import { pause } from "../../src/runtime/deps.ts";
import { createWorld, type World } from "../support/world.ts";
import { engineOf, enqueue, kinds } from "./builders.ts";
import { anEffect, oneStep } from "./effect-builders.ts";
import { freezer, nameOf, outage } from "./faults.ts";

type Answer = Awaited<ReturnType<Exclude<Effect<Json, Json>["ifInDoubt"], string>>>;

/** An item whose effect throws, with what is answered then, one after the other; the last one again and again. */
async function asking(
  answers: readonly (() => unknown)[],
  more: { runs?: readonly (() => Promise<Json>)[]; timeoutMs?: number } = {},
) {
  const world = createWorld();
  const log: string[] = [];
  const fences: string[] = [];
  let asked = 0;
  let ran = 0;
  const effect = anEffect(
    async (_input, fence) => {
      log.push(`run at ${sinceMs()}`);
      fences.push(fence.idempotencyKey);
      const runs = more.runs ?? [() => Promise.reject(new Error("lost"))];
      return (runs[Math.min(ran++, runs.length - 1)] ?? (async () => null))();
    },
    {
      ifInDoubt: async (input, fence) => {
        log.push(`ask at ${sinceMs()}`);
        fences.push(fence.idempotencyKey);
        expect(input).toEqual({ cents: 5 });
        return answers[Math.min(asked++, answers.length - 1)]?.() as Answer;
      },
      timeoutMs: more.timeoutMs ?? MINUTE_MS,
    },
  );
  const startMs = world.clock.nowMs();
  const sinceMs = () => world.clock.nowMs() - startMs;
  world.work([oneStep((ctx) => ctx.effect("pay", { cents: 5 }, effect).catch(() => "went on without knowing"))]);
  const workId = await enqueue(world);
  return { world, workId, log, fences, startMs };
}
const stateOf = async (world: World, workId: string) => (await world.client.effects(workId))[0]?.state;

test("an asker is asked at once, and its answer is the result", async () => {
  const { world, workId, log, fences } = await asking([() => ({ happened: true, result: { id: 7 } })]);
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toEqual({ id: 7 });
  expect(log).toEqual(["run at 0", "ask at 0"]);
  expect(new Set(fences).size).toBe(1);
  expect(await stateOf(world, workId)).toBe("confirmed");
});

test("what did not happen is run again, once per attempt, and asked about before that each time", async () => {
  const fail = () => Promise.reject(new Error("lost"));
  const { world, workId, log } = await asking([() => ({ happened: false })], { runs: [fail, fail, fail, async () => "at last"] });
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toBe("at last");
  expect(log).toEqual(["run at 0", "ask at 0", "run at 0", "ask at 1000", "run at 1000", "ask at 2000", "run at 2000"]);
  expect((await world.client.status(workId)).attempt).toBe(0);
  expect(await kinds(world, workId)).toEqual(["in_doubt", "in_doubt", "step", "ended"]);
});

test("one that says when is asked again then", async () => {
  const { world, workId, log } = await asking([
    () => ({ askAgainMs: 90_000 }),
    () => ({ askAgainMs: 0 }),
    () => ({ happened: true, result: "yes" }),
  ]);
  const { wakeAtMs, pausedBecause } = await world.reach(workId, "sleeping");
  expect([(wakeAtMs ?? 0) - world.clock.nowMs(), pausedBecause]).toEqual([90_000, null]);
  await world.end(workId);
  expect(log).toEqual(["run at 0", "ask at 0", "ask at 90000", "ask at 90100"]);
});

test("after a day of asking again it waits for a person, who may let it ask once more", async () => {
  const { world, workId, log, startMs } = await asking([() => ({ askAgainMs: 7 * HOUR_MS })]);
  const parked = await world.reach(workId, "paused", 2 * ASK_MS);
  expect(world.clock.nowMs() - startMs).toBe(ASK_MS);
  expect(parked.pausedBecause).toBe('effect "pay" is in doubt: 24 h of asking did not tell what happened; lost');
  expect(log).toEqual(["run at 0", ...[0, 7, 14, 21, 24].map((hours) => `ask at ${hours * HOUR_MS}`)]);
  await world.client.resume(workId);
  await world.pass(SECOND_MS);
  await world.reach(workId, "paused");
  expect(log).toHaveLength(7);
});

test("after a day of running it in vain it waits for a person, too", async () => {
  const { world, workId, log } = await asking([() => ({ happened: false })]);
  const startMs = world.clock.nowMs();
  await world.reach(workId, "paused", 2 * ASK_MS);
  expect(world.clock.nowMs() - startMs).toBe(ASK_MS);
  expect(log.length).toBeLessThan(1_000);
  expect(log.slice(-2)).toEqual([`ask at ${ASK_MS}`, `run at ${ASK_MS}`]);
});

test("a store that fails between the effect and its record is no death: the next attempt asks at once", async () => {
  const world = createWorld();
  const log: string[] = [];
  const asks = anEffect(
    async () => {
      log.push("run");
      return "made";
    },
    {
      ifInDoubt: async () => {
        log.push("ask");
        return { happened: true, result: "asked" };
      },
    },
  );
  const store = outage((call) => nameOf(call).startsWith("records.write effect/") && log.length === 1);
  store.on = true;
  const retry = { transient: { attempts: 2, minMs: 0, maxMs: 0 } };
  world.work(
    [
      oneStep(
        (ctx) =>
          ctx
            .effect("k", null, asks)
            .finally(() => (store.on = false))
            .catch(() => "skipped"),
        { retry },
      ),
    ],
    {
      intercept: store.intercept,
    },
  );
  const workId = await enqueue(world);
  await world.end(workId, 1_000);
  expect([log, await world.client.resultJson(workId)]).toEqual([["run", "ask"], "asked"]);
});

test.each<[string, () => unknown, RegExp]>([
  ["throws", () => Promise.reject(new TypeError("a bug")), /^a bug$/],
  ["answers nothing", () => undefined, /ifInDoubt of effect "pay": expected \{ happened: true, result \}.*got undefined/],
  ["answers something else", () => ({ happened: "yes" }), /got an object/],
  ["answers no time", () => ({ askAgainMs: Number.NaN }), /expected .*askAgainMs: 0 or more/],
  ["gives a result that is no JSON", () => ({ happened: true, result: 5n }), /plain JSON at ctx.effect\("pay"\).result, got 5n/],
])("an asker that %s ends the attempt, whatever its step catches", async (_name, answer, says) => {
  const { world, workId } = await asking([answer]);
  const { status, error } = await world.end(workId);
  expect([status, error?.class]).toEqual(["dead_lettered", "bug"]);
  expect(error?.message).toMatch(says);
  expect(await stateOf(world, workId)).toBe("in_doubt");
});

test("an asker that does not answer in time is tried again as a step is", async () => {
  const { world, workId, log } = await asking([() => new Promise(() => undefined), () => ({ happened: true, result: 1 })], {
    timeoutMs: 2_000,
  });
  await world.reach(workId, "sleeping");
  expect((await world.client.status(workId)).error?.message).toMatch(/ifInDoubt did not answer within 2000 ms; lost/);
  await world.end(workId);
  expect(log).toHaveLength(3);
});

test("one whose time is over is not asked about before its call has had a moment to end", async () => {
  const { world, workId, log } = await asking([() => ({ happened: true, result: 1 })], {
    runs: [() => new Promise(() => undefined)],
    timeoutMs: 2_000,
  });
  await world.end(workId);
  expect(log).toEqual(["run at 0", "ask at 3000"]);
});

test("what surely did not happen after it was asked about is the step's to try again", async () => {
  const lost = () => Promise.reject(new Error("lost"));
  const { world, workId } = await asking([() => ({ happened: false })], {
    runs: [lost, () => Promise.reject(new DidNotHappen("no"))],
  });
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toBe("went on without knowing");
  expect(await world.client.effects(workId)).toMatchObject([{ state: "open", error: "no" }]);
});

test("a rerun that did not happen leaves the first one in doubt", async () => {
  const world = createWorld();
  let runs = 0;
  const rerun = anEffect(async () => {
    runs += 1;
    if (runs === 1) throw new Error("lost");
    if (runs === 2) throw new DidNotHappen("refused");
    return runs;
  });
  world.work([oneStep((ctx) => ctx.effect("k", null, rerun))]);
  const workId = await enqueue(world);
  const since = world.clock.nowMs();
  await world.reach(workId, "sleeping");
  while (runs < 2) await world.pass(500);
  expect(await world.client.effects(workId)).toMatchObject([{ state: "in_doubt", error: "lost", sinceMs: since }]);
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toBe(3);
});

/** A worker that is frozen in one of its calls, and another that goes on. */
async function frozenAt(call: string, when: "before" | "after", timeoutMs: number) {
  const world = createWorld();
  const ice = freezer();
  const runs: string[] = [];
  const engineIn = (name: string) =>
    engineOf(async (state, ctx) => {
      if (state === 1) {
        await pause(world.clock, 200_000);
        return ctx.complete("done");
      }
      const effect = anEffect(async () => runs.push(name), {
        ifInDoubt: async () => ({ happened: runs.length > 0 }) as Answer,
        timeoutMs,
      });
      return ctx.next(1 + 0 * Number(await ctx.effect("k", null, effect)));
    });
  let armed = true;
  world.work([engineIn("zombie")], {
    name: "zombie",
    intercept: async (one, run) => {
      const isIt = armed && nameOf(one) === call;
      if (isIt) armed = false;
      if (isIt && when === "before") ice.freeze();
      const answer = await ice.intercept(one, run);
      if (isIt && when === "after") ice.freeze();
      return isIt ? ice.intercept(one, async () => answer) : answer;
    },
  });
  const workId = await enqueue(world);
  await world.settle();
  world.work([engineIn("owner")], { name: "owner" });
  return { world, workId, runs, ice };
}
const reservation = async (world: World, workId: string): Promise<string> => {
  const record = (await world.records(workId)).find(({ sort }) => sort.startsWith("effect/"));
  return `records.write ${record?.sort ?? ""}`;
};

test("a worker frozen before or after its reservation does not run beside, or after, its new owner", async () => {
  const name = await (async () => {
    const world = createWorld();
    world.work([
      oneStep((ctx) =>
        ctx.effect(
          "k",
          null,
          anEffect(async () => 1),
        ),
      ),
    ]);
    const workId = await enqueue(world);
    await world.end(workId);
    return reservation(world, workId);
  })();
  for (const when of ["before", "after"] as const) {
    for (const timeoutMs of [5_000, 120_000]) {
      for (const thawAfterMs of [LEASE_DURATION_MS + 6_000, 150_000]) {
        const { world, workId, runs, ice } = await frozenAt(name, when, timeoutMs);
        await world.pass(thawAfterMs);
        ice.thaw();
        await world.end(workId, 10 * MINUTE_MS);
        expect(runs, `frozen ${when}, ${timeoutMs} ms, thawed after ${thawAfterMs} ms`).toEqual(["owner"]);
      }
    }
  }
});

test("the new owner sleeps as long as a reservation of an unknown death stands", async () => {
  const world = createWorld();
  const ice = freezer();
  let reserved = false;
  const engine = oneStep((ctx) =>
    ctx.effect(
      "k",
      null,
      anEffect(async () => 1, { ifInDoubt: "park", timeoutMs: 100_000 }),
    ),
  );
  world.work([engine], {
    intercept: async (call, run) => {
      const answer = await ice.intercept(call, run);
      if (!nameOf(call).startsWith("records.write effect/") || reserved) return answer;
      reserved = true;
      ice.freeze();
      return ice.intercept(call, async () => answer);
    },
  });
  const workId = await enqueue(world);
  const startMs = world.clock.nowMs();
  await world.settle();
  world.work([engine]);
  const asleep = await world.reach(workId, "sleeping");
  expect((asleep.wakeAtMs ?? 0) - startMs).toBe(100_000);
  expect(asleep.retrying).toBe(false);
  expect(await kinds(world, workId)).toEqual(["taken_over", "in_doubt"]);
  const parked = await world.reach(workId, "paused");
  expect(world.clock.nowMs() - startMs).toBe(100_000);
  expect(parked.pausedBecause).toBe('effect "k" is in doubt: its attempt ended while it was at work');
});

test("an attempt whose lease has expired when it looks runs nothing, and is given back", async () => {
  const world = createWorld();
  let runs = 0;
  let expire = true;
  world.work(
    [
      oneStep((ctx) =>
        ctx
          .effect(
            "k",
            null,
            anEffect(async () => (runs += 1), { ifInDoubt: "park" }),
          )
          .catch(() => "skipped"),
      ),
    ],
    {
      intercept: async (call, run) => {
        const answer = await run();
        if (expire && nameOf(call).startsWith("records.write effect/")) {
          expire = false;
          world.clock.setNowMs(world.clock.nowMs() + LEASE_DURATION_MS);
        }
        return answer;
      },
    },
  );
  const workId = await enqueue(world);
  await world.end(workId);
  expect([runs, await world.client.resultJson(workId)]).toEqual([1, 1]);
  expect(await kinds(world, workId)).toContain("given_back");
});

test("nothing starts after its time, however long the reservation took", async () => {
  const world = createWorld();
  let runs = 0;
  let slow = true;
  world.work(
    [
      oneStep((ctx) =>
        ctx.effect(
          "k",
          null,
          anEffect(async () => (runs += 1), { ifInDoubt: "park", timeoutMs: 50 }),
        ),
      ),
    ],
    {
      intercept: async (call, run) => {
        const answer = await run();
        if (slow && nameOf(call).startsWith("records.write effect/")) {
          slow = false;
          await pause(world.clock, 100);
        }
        return answer;
      },
    },
  );
  const workId = await enqueue(world);
  await world.pass(150);
  expect([runs, await stateOf(world, workId)]).toEqual([0, "open"]);
  await world.end(workId);
  expect(runs).toBe(1);
});

test("a step that hangs after its effect was left in doubt does not skip the doubt", async () => {
  const world = createWorld();
  let runs = 0;
  const once = anEffect(
    async () => {
      runs += 1;
      throw new Error("lost");
    },
    { ifInDoubt: "park" },
  );
  world.work([
    oneStep(
      async (ctx) => {
        await ctx.effect("k", null, once).catch(() => undefined);
        return ctx.attempt === 1 ? new Promise<Json>(() => undefined) : null;
      },
      { limits: { stepMs: 10_000 } },
    ),
  ]);
  const workId = await enqueue(world);
  await world.reach(workId, "paused");
  expect([runs, await kinds(world, workId)]).toEqual([1, ["failed", "in_doubt"]]);
});
