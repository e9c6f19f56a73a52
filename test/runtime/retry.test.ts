/** Attempts: classes, jitter, overrides, and what a step may throw. */
import { expect, test } from "vitest";
import { RookeryError } from "../../src/domain/errors.ts";
import { createWorld, type World } from "../support/world.ts";
import { engineOf, enqueue, kinds, type More } from "./builders.ts";

/** Every attempt throws what `thrown` gives. */
function failing(thrown: () => unknown, more: More = {}) {
  return engineOf(async () => {
    throw thrown();
  }, more);
}
async function exhausted(world: World, thrown: () => unknown, more: More = {}) {
  world.work([failing(thrown, more)]);
  const workId = await enqueue(world);
  await world.reach(workId, "dead_lettered", 3_600_000);
  const events = await world.events(workId);
  return { workId, failures: events.filter((event) => event.kind === "failed"), status: await world.client.status(workId) };
}
const withStatus = (status: number): Error => Object.assign(new Error("http"), { status });
const withCode = (code: string): Error => Object.assign(new Error("net"), { code });
class Mystery extends Error {}

test.each<[string, () => unknown, string, number]>([
  ["undici's network error", () => new TypeError("fetch failed"), "transient", 10],
  ["a refused connection", () => withCode("ECONNREFUSED"), "transient", 10],
  ["one caused by a reset connection", () => new Error("wrapped", { cause: withCode("ECONNRESET") }), "transient", 10],
  ["a server's error", () => withStatus(503), "transient", 10],
  ["a programmer's TypeError", () => new TypeError("x is not a function"), "bug", 1],
  ["a ReferenceError", () => new ReferenceError("x is not defined"), "bug", 1],
  ["a refusal", () => withStatus(403), "permission", 1],
  ["a bad request", () => withStatus(422), "validation", 1],
  ["an unknown error", () => new Mystery("?"), "unknown", 5],
  ["undefined", () => undefined, "unknown", 5],
  ["null", () => null, "unknown", 5],
  ["a string", () => "just text", "unknown", 5],
])("%s is tried as often as its class says", async (_name, thrown, errorClass, attempts) => {
  const { failures, status } = await exhausted(createWorld(), thrown);
  expect(failures.map((failure) => failure.attempt)).toEqual(Array.from({ length: attempts }, (_, i) => i + 1));
  expect(status).toMatchObject({ status: "dead_lettered", error: { class: errorClass }, cause: { kind: "exhausted" } });
});

test("delays are drawn between the least and a bound that doubles, with jitter", async () => {
  const delays: number[][] = [];
  const world = createWorld();
  world.work([failing(() => withStatus(500), { retry: { transient: { attempts: 6, minMs: 1_000, maxMs: 10_000 } } })]);
  for (let i = 0; i < 20; i++) {
    const workId = await enqueue(world, i);
    await world.reach(workId, "dead_lettered");
    const failures = (await world.events(workId)).filter((event) => event.kind === "failed");
    expect(failures).toHaveLength(6);
    failures.slice(0, -1).forEach((failure, n) => {
      delays[n] = [...(delays[n] ?? []), (failure.retryAtMs ?? 0) - failure.atMs];
      expect(failures[n + 1]?.atMs).toBeGreaterThanOrEqual(failure.retryAtMs ?? 0);
    });
  }
  delays.forEach((drawn, n) => {
    const bound = Math.min(10_000, 1_000 * 2 ** (n + 1));
    for (const delay of drawn) expect(delay).toBeGreaterThanOrEqual(1_000);
    for (const delay of drawn) expect(delay).toBeLessThanOrEqual(bound);
    expect(new Set(drawn).size).toBeGreaterThan(15);
    expect(Math.max(...drawn) - Math.min(...drawn)).toBeGreaterThan((bound - 1_000) / 2);
  });
  expect(delays).toHaveLength(5);
});

test("an engine's `retry` overrides a class and leaves the others", async () => {
  const { failures } = await exhausted(createWorld(), () => new TypeError("flaky types"), {
    retry: { bug: { attempts: 3, minMs: 10 } },
  });
  expect(failures).toHaveLength(3);
});

test("an engine's `classify` has the first word; undefined leaves it to the built-in classes", async () => {
  const classify = (error: unknown) => (error instanceof Mystery ? "business" : undefined);
  expect((await exhausted(createWorld(), () => new Mystery("no"), { classify })).status.error?.class).toBe("business");
  expect((await exhausted(createWorld(), () => new TypeError("no"), { classify })).status.error?.class).toBe("bug");
});

test("a `classify` that throws makes it a bug, and keeps the first error", async () => {
  const classify = (): never => {
    throw new Error("classify is broken");
  };
  const { status, failures } = await exhausted(createWorld(), () => new Mystery("the first"), { classify });
  expect(failures).toHaveLength(1);
  expect(status.error).toMatchObject({ class: "bug", message: "the first" });
});

test("attempts are counted per step", async () => {
  const world = createWorld();
  const runs: string[] = [];
  world.work([
    engineOf(async (state, ctx) => {
      runs.push(`${ctx.step}.${ctx.attempt}`);
      if (ctx.attempt < 4) throw new Mystery("again");
      return ctx.step === 2 ? ctx.complete("done") : ctx.next(state);
    }),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(runs).toEqual([0, 1, 2].flatMap((step) => [1, 2, 3, 4].map((attempt) => `${step}.${attempt}`)));
  expect(await world.client.status(workId)).toMatchObject({ status: "completed", version: 3, error: null });
});

test("while it waits for its next attempt an item is shown as retrying, with its error", async () => {
  const world = createWorld();
  world.work([failing(() => new Mystery("again"), { retry: { unknown: { attempts: 2, minMs: 60_000 } } })]);
  const workId = await enqueue(world);
  const status = await world.reach(workId, "sleeping");
  expect(status).toMatchObject({ retrying: true, attempt: 1, error: { message: "again" } });
  expect((status.wakeAtMs ?? 0) - world.clock.nowMs()).toBeGreaterThanOrEqual(60_000);
});

test("the next attempt sees the original state, not what the last one made of it", async () => {
  const world = createWorld();
  const seen: unknown[] = [];
  world.work([
    engineOf(
      async (state, ctx) => {
        const mine = state as { list: number[]; deep: { n: number } };
        seen.push(structuredClone(mine));
        mine.list.push(1);
        mine.deep.n = 99;
        (ctx.payload as { n: number }).n = 5;
        if (ctx.attempt < 3) throw new Mystery("after the harm");
        return ctx.complete(ctx.payload);
      },
      { init: () => ({ list: [], deep: { n: 0 } }) },
    ),
  ]);
  const workId = await enqueue(world, { n: 1 });
  await world.end(workId);
  expect(seen).toEqual([1, 2, 3].map(() => ({ list: [], deep: { n: 0 } })));
});

test("what was thrown is stored within bounds, whatever it is", async () => {
  const cyclic = new Error("round");
  cyclic.cause = new Error("and round", { cause: cyclic });
  const odd = Object.defineProperty(new Error("x"), "message", {
    get: () => {
      throw new Error("no message for you");
    },
  });
  const huge = new Error("m".repeat(5_000_000));
  const named = Object.assign(new Error("y"), { name: 7, stack: {} });
  for (const thrown of [cyclic, odd, huge, named, Object.create(null), Symbol("s"), 10n, new Proxy({}, {})]) {
    const world = createWorld();
    const { workId, failures, status } = await exhausted(world, () => thrown);
    expect(failures).toHaveLength(5);
    expect(status.error?.message.length).toBeGreaterThan(0);
    expect(JSON.stringify(status.error).length).toBeLessThan(10_000);
    expect(await kinds(world, workId)).toHaveLength(6);
  }
});

test("an error of Rookery's own says which item, and keeps its code", async () => {
  const { workId, status } = await exhausted(createWorld(), () => new RookeryError("schema", "made up"));
  expect(status.error).toMatchObject({ code: "schema", class: "bug", name: "RookeryError" });
  expect(workId).toHaveLength(20);
});
