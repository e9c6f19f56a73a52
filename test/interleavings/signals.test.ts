/** Signals against a wait, against an item that is about to end, and against the sweeper. */
import { describe, expect, test } from "vitest";
import { shardOf } from "../../src/domain/ids.ts";
import { DAY_MS } from "../../src/domain/limits.ts";
import { sweep } from "../../src/runtime/sweep.ts";
import { checked, expectThat, itemOf, list, resultOf, Small, sender, told, unheard } from "./engines.ts";
import type { Case } from "./explore.ts";
import { itemsOf } from "./properties.ts";
import { covering } from "./report.ts";
import type { World } from "./world.ts";

/** An accepted signal is delivered once, any other one never; what was said to a dead sender nobody knows. */
async function expectDelivered(world: World, names: readonly string[], accepted: "exactly" | "at most"): Promise<void> {
  const result = list(await resultOf(world, itemOf(world)));
  for (const name of names) {
    const times = result.filter((id) => id === name).length;
    const said = told(world, name);
    if (said === true)
      expectThat(times === 1 || (accepted === "at most" && times === 0), `${name} was accepted and read ${times} times`);
    else if (said === false) expectThat(times === 0, `${name} was not accepted and read ${times} times`);
    else expectThat(times <= 1, `${name} was read ${times} times`);
  }
}

/** Waits for a signal, then for a second one, and completes with their ids. */
const waits = (world: World, timeoutMs?: number) =>
  checked(world, async (state, ctx) => {
    const got = [...list(state), ...(ctx.wake.kind === "signal" ? [ctx.wake.signal.id] : [])];
    if (got.length > 0 || ctx.wake.kind === "timeout") return ctx.complete(got);
    return ctx.waitFor(got, { signals: ["go"], ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  });
const waiting: Omit<Case, "faults"> = {
  workers: 2,
  engines: (world) => [waits(world)],
  prepare: (world) => world.client.enqueue(Small, null),
  callers: { a: sender("a") },
  check: (world) => expectDelivered(world, ["a"], "exactly"),
};

describe("a signal against a wait", () => {
  test.each<[string, Partial<Case>]>([
    ["nothing that fails", {}],
    ["a death", { faults: { deaths: 1 } }],
    ["a copied hint", { faults: { copies: 1 } }],
    ["a lost hint", { faults: { losses: 1 }, alarm: true }],
    ["a lapse", { faults: { lapses: { count: 1, ms: 26_000 } } }],
    ["workers that give way after every step", { hops: "each" }],
    ["the death of its sender", { faults: { deaths: 1, mortals: ["a"] }, alarm: true, mayWait: true, check: () => undefined }],
    [
      "a timeout",
      {
        engines: (world) => [waits(world, 5)],
        faults: { lapses: { count: 1, ms: 10 } },
        check: (world) => expectDelivered(world, ["a"], "at most"),
      },
    ],
  ])("is delivered once under %s", async (name, more) => {
    expect((await covering(`a signal against a wait, ${name}`, { ...waiting, ...more })).ends).toBeGreaterThan(0);
  });
});

/** Its wait is over, and the step that it was for fails at first. */
const failsAtFirst = (world: World) =>
  checked(world, async (_state, ctx) => {
    if (ctx.wake.kind !== "timeout") return ctx.waitFor([], { signals: ["go"], timeoutMs: 5 });
    if (ctx.attempt === 1) throw new Error("not yet");
    return ctx.complete(["timeout"]);
  });

test.each<[string, Partial<Case>]>([
  ["a death", { faults: { deaths: 1 } }],
  ["a lapse", { faults: { lapses: { count: 1, ms: 26_000 } } }],
])("a wait that times out is over once, and what fails after it sleeps its time, under %s", async (name, more) => {
  const what: Case = {
    workers: 2,
    engines: (world) => [failsAtFirst(world)],
    prepare: async (world) => {
      await world.client.enqueue(Small, null);
      await world.drain([failsAtFirst(world)], 1);
    },
    check: async (world) => expectThat(list(await resultOf(world, itemOf(world))).join() === "timeout", "it ended otherwise"),
    ...more,
  };
  expect((await covering(`a wait that times out and fails at first, ${name}`, what, 400)).ends).toBeGreaterThan(0);
});

/** Takes what there is, saves it, and completes once there is no more: a result that something unread undoes is dropped. */
const closes = (world: World, ifUnread: "step" | "drop") =>
  checked(world, async (state, ctx) => {
    const taken = (await ctx.take("go")).map(({ id }) => id);
    const woken = ctx.wake.kind === "signal" ? [ctx.wake.signal.id] : [];
    const got = [...list(state), ...woken, ...taken];
    return got.length > list(state).length ? ctx.next(got) : ctx.complete(got, { ifUnread });
  });

describe.each(["step", "drop"] as const)("a signal against an item that ends with ifUnread %s", (ifUnread) => {
  test.each<[string, Partial<Case>]>([
    ["nothing that fails", {}],
    ["a death", { faults: { deaths: 1 } }],
    ["a copied hint", { faults: { copies: 1 } }],
    ["a lapse", { faults: { lapses: { count: 1, ms: 26_000 } } }],
    ["a store that collects", { collects: true }],
  ])("is accepted or not, and that is true, under %s", async (name, more) => {
    const what: Case = {
      workers: 2,
      engines: (world) => [closes(world, ifUnread)],
      prepare: (world) => world.client.enqueue(Small, null),
      callers: { a: sender("a") },
      check: (world) => expectDelivered(world, ["a"], ifUnread === "step" ? "exactly" : "at most"),
      ...more,
    };
    expect((await covering(`ifUnread ${ifUnread}, ${name}`, what)).ends).toBeGreaterThan(0);
  });
});

test("two signals against an item that ends with ifUnread step are each delivered once", async () => {
  const what: Case = {
    workers: 1,
    engines: (world) => [closes(world, "step")],
    prepare: (world) => world.client.enqueue(Small, null),
    callers: { a: sender("a"), b: sender("b") },
    check: (world) => expectDelivered(world, ["a", "b"], "exactly"),
  };
  expect((await covering("two signals, ifUnread step", what)).ends).toBeGreaterThan(0);
});

describe("the sweeper against somebody who writes into the inbox", () => {
  test.each<[string, Partial<Case>]>([
    ["nothing that fails", {}],
    ["the death of the sender", { faults: { deaths: 1, mortals: ["a"] }, mayWait: true, check: () => undefined }],
    ["the death of the sweeper", { faults: { deaths: 1, mortals: ["sweeper"] } }],
    ["a death", { faults: { deaths: 1 } }],
  ])("loses nothing under %s", async (name, more) => {
    const what: Case = {
      ...waiting,
      workers: 1,
      prepare: async (world) => {
        await world.client.enqueue(Small, null);
        await world.drain([waits(world)]);
        world.clock.advance(DAY_MS);
      },
      callers: {
        a: sender("a"),
        sweeper: (deps, world) => sweep(deps, { shards: [shardOf(`test/${itemOf(world)}`)] }),
      },
      alarm: true,
      ...more,
    };
    expect((await covering(`the sweeper against an inbox writer, ${name}`, what)).ends).toBeGreaterThan(0);
  });
});

test("the sweeper puts off no alarm for what came in while it took its time", async () => {
  const what: Case = {
    ...waiting,
    workers: 1,
    prepare: async (world) => {
      await world.client.enqueue(Small, null);
      await world.drain([waits(world)]);
      world.clock.advance(DAY_MS);
    },
    callers: {
      a: unheard("a", 61_000),
      sweeper: (deps, world) => sweep(deps, { shards: [shardOf(`test/${itemOf(world)}`)] }),
    },
    alarm: true,
  };
  expect((await covering("the sweeper against a sender whose hint is lost", what)).ends).toBeGreaterThan(0);
});

/** Waits for its second signal; and for a group, so that every commit is followed by a thorough look. */
const pairs = (world: World) =>
  checked(world, async (state, ctx) => {
    if (ctx.payload === "child") return ctx.waitFor([], { signals: ["go"] });
    const got = [...list(state), ...(ctx.wake.kind === "signal" ? [ctx.wake.signal.id] : [])];
    if (got.length === 2) return ctx.complete(got);
    if (got.length === 0) await ctx.start(Small, "child", { key: "child", group: "g", ifParentEnds: "leave" });
    return ctx.waitFor(got, { signals: ["go"], group: "g" });
  });

test("a look that takes its time puts off no alarm for what came in meanwhile", async () => {
  const what: Case = {
    workers: 1,
    engines: (world) => [pairs(world)],
    prepare: async (world) => {
      const { workId } = await world.client.enqueue(Small, null, { key: "parent" });
      await world.drain([pairs(world)]);
      await world.client.signal(Small, workId, "go", "first", { id: "first" });
    },
    callers: { a: unheard("a", 61_000) },
    alarm: true,
    mayWait: true,
    check: async (world) =>
      expectThat(
        list(await resultOf(world, itemOf(world)))
          .sort()
          .join() === "a,first",
        "it read something else",
      ),
  };
  expect((await covering("a look against a sender", what)).ends).toBeGreaterThan(0);
});

test("what waits waits for what has not come", async () => {
  const quiet: Case = {
    ...waiting,
    callers: {},
    mayWait: true,
    check: (world) => expectThat(itemsOf(world)[0]?.atRest === true, ""),
  };
  expect((await covering("a wait that nobody ends", quiet)).ends).toBeGreaterThan(0);
});
