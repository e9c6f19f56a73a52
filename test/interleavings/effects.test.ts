/** Effects of workers that die, or come late: never two at work, and never one more than `ifInDoubt` allows. */
import { describe, expect, test } from "vitest";
import { LEASE_KEY } from "../../src/domain/keys.ts";
import { checked, expectThat, list, Small, type SmallCtx } from "./engines.ts";
import type { Case } from "./explore.ts";
import { covering } from "./report.ts";
import { Violation, type World } from "./world.ts";

/** What was done outside is on record like all that is stored: states that differ in it are not the same. */
const OUTSIDE = "outside";
const timesDone = ({ records }: World): number => records.partitions.get(OUTSIDE)?.size ?? 0;

/** G4: it begins right after a look at LEASE that found it its own. */
function checkLease(world: World, { workId }: SmallCtx, fencingToken: number): void {
  const lease = world.records.find(`test/${workId}`, LEASE_KEY);
  if (Number(lease?.body["token"]) !== fencingToken)
    world.broken ??= new Violation(`G4: an effect begins under token ${fencingToken}, which is not that of LEASE`);
}
async function pay(world: World): Promise<number> {
  const body = { n: timesDone(world) + 1 };
  const draft = { partition: OUTSIDE, sort: `${body.n}`, body, data: null, due: null, listed: null, writeId: "outside" };
  await world.deps.store.write(draft, "absent");
  return body.n;
}

type Way = "asks" | "asks, and does not hear at first" | "reruns";
/** Longer than a lapse, and shorter than an effect may take. */
const LONG_MS = 40_000;
const payer = (world: World, way: Way) =>
  checked(world, async (state, ctx) => {
    const nth = await ctx.effect("pay", null, {
      run: async (_input, { fencingToken }) => {
        checkLease(world, ctx, fencingToken);
        const done = await pay(world);
        if (way === "asks, and does not hear at first" && done === 1) throw new Error("connection reset");
        return done;
      },
      ifInDoubt:
        way === "reruns"
          ? "rerun"
          : async () => (timesDone(world) > 0 ? { happened: true, result: timesDone(world) } : { happened: false }),
    });
    return ctx.complete([...list(state), `${nth}`]);
  });

test.each<[string, Partial<Case>]>([
  ["nothing that fails", {}],
  ["a lapse", { faults: { lapses: { count: 1, ms: 26_000 } } }],
])("nobody asks about an effect that takes its time, and may be at work, under %s", async (name, more) => {
  const what: Case = {
    workers: 2,
    engines: (world) => [
      checked(world, async (state, ctx) => {
        const nth = await ctx.effect("pay", null, {
          run: async (_input, { fencingToken }) => {
            checkLease(world, ctx, fencingToken);
            await new Promise<void>((resolve) => void world.clock.after(LONG_MS, resolve));
            return pay(world);
          },
          ifInDoubt: async () => (timesDone(world) > 0 ? { happened: true, result: timesDone(world) } : { happened: false }),
        });
        return ctx.complete([...list(state), `${nth}`]);
      }),
    ],
    prepare: (world) => world.client.enqueue(Small, null),
    check: (world) => expectThat(timesDone(world) === 1, `it was done ${timesDone(world)} times`),
    ...more,
  };
  expect((await covering(`an effect that takes its time, ${name}`, what)).ends).toBeGreaterThan(0);
});

describe.each<Way>(["asks", "asks, and does not hear at first", "reruns"])("an effect that %s", (way) => {
  test.each<[string, Partial<Case>]>([
    ["nothing that fails", {}],
    ["a death", { faults: { deaths: 1 } }],
    ["a death that nobody knows of", { faults: { deaths: 1, deathIsKnown: false } }],
    ["a copied hint", { faults: { copies: 1 } }],
    ["a lapse", { faults: { lapses: { count: 1, ms: 26_000 } } }],
  ])("is at work once at a time, under %s", async (name, more) => {
    const what: Case = {
      workers: 2,
      engines: (world) => [payer(world, way)],
      prepare: (world) => world.client.enqueue(Small, null),
      check: (world) => {
        const most = way === "reruns" ? 2 : 1;
        expectThat(timesDone(world) >= 1 && timesDone(world) <= most, `it was done ${timesDone(world)} times`);
      },
      ...more,
    };
    expect((await covering(`an effect that ${way}, ${name}`, what)).ends).toBeGreaterThan(0);
  });
});
