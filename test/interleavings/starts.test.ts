/** Enqueues with one key, and the ends of children against their parent's wait. */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineContract } from "../../src/domain/contract.ts";
import { defineEngine } from "../../src/domain/engine.ts";
import { createClient } from "../../src/runtime/client.ts";
import type { Deps } from "../../src/runtime/deps.ts";
import { checked, expectThat, list, Small, told } from "./engines.ts";
import type { Case } from "./explore.ts";
import { itemsOf } from "./properties.ts";
import { covering } from "./report.ts";
import type { World } from "./world.ts";

const once = (world: World) => checked(world, async (state, ctx) => ctx.complete([...list(state), "done"]));
const enqueue = async (deps: Deps): Promise<unknown> => (await createClient(deps).enqueue(Small, null, { key: "k" })).workId;

describe("two who enqueue with the same key", () => {
  test.each<[string, Partial<Case>]>([
    ["nothing that fails", {}],
    ["the death of one of them", { faults: { deaths: 1, mortals: ["a", "b"] }, alarm: true }],
    ["the death of a worker", { faults: { deaths: 1 } }],
    ["a lost hint", { faults: { losses: 1 }, alarm: true }],
    ["the death of both", { faults: { deaths: 2, mortals: ["a", "b"] }, alarm: true, workers: 1 }],
    ["a store that collects", { collects: true, workers: 1 }],
  ])("have one item that ends, under %s", async (name, more) => {
    const what: Case = {
      workers: 1,
      engines: (world) => [once(world)],
      callers: { a: enqueue, b: enqueue },
      check: (world) => {
        const ids = new Set([...itemsOf(world).map(({ workId }) => workId), told(world, "a"), told(world, "b")]);
        ids.delete(null);
        expectThat(ids.size <= 1, `there are the items ${[...ids].join(", ")}`);
      },
      ...more,
    };
    expect((await covering(`enqueue with a key by two, ${name}`, what)).ends).toBeGreaterThan(0);
  });
});

const Parent = defineContract({ id: "parent", payload: z.null(), result: z.number() });
const family = (world: World, limit?: number) => [
  once(world),
  defineEngine(Parent, {
    version: 1,
    state: z.null(),
    init: null,
    step: async (_state, ctx) => {
      if (ctx.wake.kind === "children") return ctx.complete(ctx.wake.succeeded);
      const options = { group: "g", ...(limit === undefined ? {} : { limit }) };
      for (const key of ["one", "two"]) await ctx.start(Small, key, { key, ...options });
      return ctx.waitFor(null, { group: "g" });
    },
  }),
];

describe("the ends of the last two children against their parent's wait", () => {
  test.each<[string, Partial<Case>]>([
    ["nothing that fails", {}],
    ["a death", { faults: { deaths: 1 } }],
    ["a copied hint", { faults: { copies: 1 } }],
    ["a lapse", { faults: { lapses: { count: 1, ms: 26_000 } } }],
    ["a lost hint", { faults: { losses: 1 }, alarm: true }],
    ["a limit of one", { engines: (world) => family(world, 1) }],
    ["a limit of one and a death", { engines: (world) => family(world, 1), faults: { deaths: 1 } }],
    ["the parent's step still before them", { prepare: (world) => world.client.enqueue(Parent, null) }],
    [
      "the parent's step still before them and a death",
      { prepare: (world) => world.client.enqueue(Parent, null), faults: { deaths: 1 } },
    ],
  ])("tell it once that all have ended, under %s", async (name, more) => {
    const what: Case = {
      workers: 2,
      engines: (world) => family(world),
      prepare: async (world) => {
        await world.client.enqueue(Parent, null);
        await world.drain((more.engines ?? family)(world), 1);
      },
      check: async (world) => {
        const statuses = itemsOf(world).map(({ status }) => status);
        expectThat(statuses.join() === "completed,completed,completed", `they are ${statuses.join()}`);
      },
      ...more,
    };
    expect((await covering(`the last children's ends, ${name}`, what)).ends).toBeGreaterThan(0);
  });
});
