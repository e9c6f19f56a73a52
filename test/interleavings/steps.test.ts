/** One item of three steps, two workers: every kind of hop, with deaths, copies and lapses. */
import { describe, expect, test } from "vitest";
import type { Engine, Outcome } from "../../src/domain/engine.ts";
import { checked, list, resultOf, Small, type SmallCtx } from "./engines.ts";
import type { Case, Faults } from "./explore.ts";
import { itemsOf } from "./properties.ts";
import { covering } from "./report.ts";
import { Violation, type World } from "./world.ts";

type Hop = (done: string[], ctx: SmallCtx) => Outcome;
const HOPS: { readonly [name: string]: { readonly hop: Hop; readonly hops: "inline" | "each" } } = {
  inline: { hop: (done, ctx) => ctx.next(done), hops: "inline" },
  yield: { hop: (done, ctx) => ctx.next(done), hops: "each" },
  sleep: { hop: (done, ctx) => ctx.next(done, { delayMs: 1_000 }), hops: "inline" },
  retry: {
    hop: (done, ctx) => {
      if (ctx.attempt === 1) throw new Error("not yet");
      return ctx.next(done);
    },
    hops: "inline",
  },
};

function threeSteps(world: World, hop: Hop): Engine {
  return checked(world, async (state, ctx) => {
    const done = [...list(state), `${ctx.step}`];
    return done.length === 3 ? ctx.complete(done) : hop(done, ctx);
  });
}
/** Worker faults of one kind leave nothing for the alarm to find. */
const FAULTS: { readonly [name: string]: { readonly faults: Faults; readonly alarm?: boolean } } = {
  "a copied hint": { faults: { copies: 1 } },
  "a death and a copied hint": { faults: { deaths: 1, copies: 1 } },
  "two deaths": { faults: { deaths: 2 } },
  "a death that nobody knows of, and a copied hint": { faults: { deaths: 1, copies: 1, deathIsKnown: false } },
  "a lapse of leases and visibility": { faults: { lapses: { count: 1, ms: 26_000 } } },
  "a lapse of leases": { faults: { lapses: { count: 1, ms: 21_000 } } },
  "a death and a lapse": { faults: { deaths: 1, lapses: { count: 1, ms: 26_000 } }, alarm: true },
};

/** As long as it takes to the second heartbeat, which is then under way as the step ends. */
const BEATS_MS = 6_000;
const slowly = (world: World): Engine =>
  checked(world, async (state, ctx) => {
    await new Promise<void>((resolve) => void world.clock.after(BEATS_MS, resolve));
    const done = [...list(state), `${ctx.step}`];
    return done.length === 2 ? ctx.complete(done) : ctx.next(done);
  });

test.each<[string, Partial<Case>, number]>([
  // There are only few, as long as no beat goes on beside a commit.
  ["nothing that fails", {}, 1_500],
  ["a copied hint", { faults: { copies: 1 } }, 0],
  ["a death", { faults: { deaths: 1 } }, 0],
])("two slow steps that give way after each end under %s", async (name, more, least) => {
  const what: Case = {
    workers: 2,
    hops: "each",
    engines: (world) => [slowly(world)],
    prepare: (world) => world.client.enqueue(Small, null),
    ...more,
  };
  expect((await covering(`slow steps, ${name}`, what, least)).ends).toBeGreaterThan(0);
});

test("a commit that comes late, between the claim and the commit of whoever takes over, holds nothing up", async () => {
  const what: Case = {
    workers: 2,
    engines: (world) => [
      checked(world, async (state, ctx) => {
        const done = [...list(state), `${ctx.step}`];
        return done.length === 2 ? ctx.complete(done) : ctx.next(done, { delayMs: 1_000 });
      }),
    ],
    prepare: (world) => world.client.enqueue(Small, null),
    faults: { lapses: { count: 1, ms: 26_000 } },
  };
  expect((await covering("a late commit", what, 400)).ends).toBeGreaterThan(0);
});

describe.each(Object.entries(HOPS))("three steps by %s", (hopName, { hop, hops }) => {
  test.each(Object.entries(FAULTS))("end under %s", async (faultName, { faults, alarm = false }) => {
    const what: Case = {
      workers: 2,
      hops,
      engines: (world) => [threeSteps(world, hop)],
      prepare: (world) => world.client.enqueue(Small, null),
      faults,
      alarm,
      check: async (world) => {
        const [item] = itemsOf(world);
        const result = JSON.stringify(await resultOf(world, item?.workId ?? ""));
        if (result !== '["0","1","2"]') throw new Violation(`expected three steps once each, got ${result}`);
      },
    };
    const covered = await covering(`${hopName}, ${faultName}`, what);
    expect(covered.ends).toBeGreaterThan(0);
  });
});
