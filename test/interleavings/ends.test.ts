/** Cancels, redrives and late signals against commits and ends, on both kinds of store. */
import { describe, expect, test } from "vitest";
import { RETENTION_MS } from "../../src/domain/limits.ts";
import { writeDue } from "../../src/runtime/alarms.ts";
import { sendHint } from "../../src/runtime/hints.ts";
import { readLive } from "../../src/runtime/live.ts";
import { caller, checked, expectThat, itemOf, list, resultOf, Small, sender, told } from "./engines.ts";
import type { Case } from "./explore.ts";
import { covering } from "./report.ts";
import type { World } from "./world.ts";

const steps = (world: World, beforeEach: () => Promise<void> = async () => undefined) =>
  checked(world, async (state, ctx) => {
    await beforeEach();
    const done = [...list(state), `${ctx.step}`];
    return done.length === 2 ? ctx.complete(done) : ctx.next(done);
  });
/** It is longer than the first heartbeat is away. */
const slowly = (world: World) => (): Promise<void> => new Promise((resolve) => void world.clock.after(5_000, resolve));

const cancelled: Case = {
  workers: 2,
  engines: (world) => [steps(world)],
  prepare: (world) => world.client.enqueue(Small, null),
  callers: { operator: caller((client, workId) => client.cancel(workId)) },
  check: async (world) => {
    const result = await resultOf(world, itemOf(world));
    const ended = JSON.stringify(result);
    expectThat(ended === '["0","1"]' || ended === '"cancelled"', `it ended with ${ended}`);
    expectThat(told(world, "operator") === true || ended !== '"cancelled"', "a cancel that was refused was carried out");
  },
};

describe("a cancel against a commit", () => {
  test.each<[string, Partial<Case>]>([
    ["nothing that fails", {}],
    ["a death", { faults: { deaths: 1 } }],
    ["a copied hint", { faults: { copies: 1 } }],
    ["a lost hint", { faults: { losses: 1 }, alarm: true }],
    ["a lapse", { faults: { lapses: { count: 1, ms: 26_000 } } }],
    ["a slow step and its heartbeats", { engines: (world) => [steps(world, slowly(world))] }],
    ["a slow step, its heartbeats and a death", { engines: (world) => [steps(world, slowly(world))], faults: { deaths: 1 } }],
    ["the death of the operator", { faults: { deaths: 1, mortals: ["operator"] }, alarm: true, check: () => undefined }],
  ])("ends the item in one way under %s", async (name, more) => {
    expect((await covering(`a cancel against a commit, ${name}`, { ...cancelled, ...more })).ends).toBeGreaterThan(0);
  });
});

/** Ends badly, and well once it is redriven. */
const mended = (world: World) =>
  checked(world, async (_state, ctx) => {
    if (ctx.wake.kind !== "resumed") throw new TypeError("a bug");
    return ctx.complete(["mended"]);
  });

describe.each([
  ["a store that collects", true],
  ["a store that does not collect", false],
])("on %s", (store, collects) => {
  test.each<[string, Partial<Case>]>([
    ["nothing that fails", {}],
    ["a death", { faults: { deaths: 1 } }],
    ["a copied hint", { faults: { copies: 1 } }],
    ["a lost hint", { faults: { losses: 1 }, alarm: true }],
    ["a lapse", { faults: { lapses: { count: 1, ms: 26_000 } } }],
    ["the death of the operator", { faults: { deaths: 1, mortals: ["operator"] }, alarm: true, check: () => undefined }],
  ])("a redrive that is accepted while the end is settled is carried out under %s", async (name, more) => {
    const what: Case = {
      workers: 2,
      collects,
      engines: (world) => [mended(world)],
      prepare: (world) => world.client.enqueue(Small, null),
      callers: { operator: caller((client, workId) => client.redrive(workId)) },
      check: async (world) => {
        const ended = JSON.stringify(await resultOf(world, itemOf(world)));
        const accepted = told(world, "operator") === true;
        expectThat(ended === (accepted ? '["mended"]' : '"dead_lettered"'), `redriven: ${accepted}, ended with ${ended}`);
      },
      ...more,
    };
    expect((await covering(`a redrive against settle, ${store}, ${name}`, what)).ends).toBeGreaterThan(0);
  });

  test("a redrive that finds the alarm early enough, and whose hint is lost, is carried out", async () => {
    const what: Case = {
      workers: 1,
      collects,
      engines: (world) => [mended(world)],
      // What follows its end is yet to be done, once more, and the alarm for it is near.
      prepare: async (world) => {
        const { workId } = await world.client.enqueue(Small, null);
        await world.drain([mended(world)]);
        const live = await readLive(world.deps, workId);
        if (live.item === null) throw new Error("the item is gone");
        const due = { why: "end", atMs: world.clock.nowMs() + 30_000, version: 0, rings: 0 } as const;
        await writeDue(world.deps, live.partition, due, live.revisions.due);
        await sendHint(world.deps, live.item, live.head, 0);
      },
      callers: { operator: caller((client, workId) => client.redrive(workId)) },
      faults: { losses: 1 },
      alarm: true,
      check: async (world) => {
        const ended = JSON.stringify(await resultOf(world, itemOf(world)));
        expectThat(ended === (told(world, "operator") === true ? '["mended"]' : '"dead_lettered"'), `it ended with ${ended}`);
      },
    };
    expect((await covering(`a redrive with a near alarm, ${store}`, what)).ends).toBeGreaterThan(0);
  });

  test("an item that is redriven at the end of its memory is remembered from its next end on", async () => {
    const what: Case = {
      workers: 1,
      collects,
      engines: (world) => [mended(world)],
      prepare: async (world) => {
        await world.client.enqueue(Small, null, { key: "k" });
        await world.drain([mended(world)]);
        world.clock.advance(RETENTION_MS - 30_000);
      },
      callers: { operator: caller((client, workId) => client.redrive(workId)) },
    };
    expect((await covering(`a redrive at the end of memory, ${store}`, what)).ends).toBeGreaterThan(0);
  });

  test.each<[string, Partial<Case>]>([
    ["nothing that fails", {}],
    ["a death", { faults: { deaths: 1 } }],
    ["the death of its sender", { faults: { deaths: 1, mortals: ["a"] }, alarm: true }],
  ])("a late signal leaves an item ended under %s", async (name, more) => {
    const what: Case = {
      workers: 2,
      collects,
      engines: (world) => [steps(world)],
      prepare: (world) => world.client.enqueue(Small, null, { key: "k" }),
      callers: { a: sender("a") },
      check: async (world) => {
        const ended = JSON.stringify(await resultOf(world, itemOf(world)));
        expectThat(ended === '["0","1"]', `it ended with ${ended}`);
      },
      ...more,
    };
    expect((await covering(`a late signal against settle, ${store}, ${name}`, what)).ends).toBeGreaterThan(0);
  });
});
