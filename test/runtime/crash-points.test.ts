/** A worker that dies in any of its port calls, before or after the call had its effect (G1, G2, G3). */
import { expect, test } from "vitest";
import type { Engine } from "../../src/domain/engine.ts";
import { pause } from "../../src/runtime/deps.ts";
import { createWorld, type World } from "../support/world.ts";
import { createLedger, engineOf, enqueue, expectOneLine, kinds, type Ledger } from "./builders.ts";
import { crashAt, type Fault, failAt, nameOf, watched } from "./faults.ts";

/** Three steps with a bit of everything: log, memo, artifact, a failure, a sleep, and heartbeats. */
function journey(world: World, ledger: Ledger): Engine {
  return engineOf(async (state, ctx) => {
    await ledger.enter(world, ctx);
    if (state === 0) {
      await ctx.artifacts.put("note", "text");
      const memo = await ctx.once("memo", async () => ledger.runs.length);
      return ctx.next(1, { append: [memo > 0] });
    }
    if (state === 1) {
      if (ctx.attempt === 1) throw new Error("once is not enough");
      await pause(world.clock, 9_000);
      return ctx.next(2, { append: ["second"], delayMs: 1_000 });
    }
    return ctx.complete("done", { append: ["third"] });
  });
}

async function expectWhole(world: World, workId: string): Promise<void> {
  await world.end(workId, 3 * 60_000);
  expect(await world.client.resultJson(workId)).toBe("done");
  expect((await world.client.status(workId)).version).toBe(3);
  await expectOneLine(world, workId);
  expect(await world.client.log(workId)).toEqual([true, "second", "third"]);
  expect((await world.client.artifacts(workId)).map((ref) => ref.name)).toEqual(["note"]);
}

async function calls(patienceMs = 0): Promise<Fault["calls"]> {
  const world = createWorld({ patienceMs });
  const fault = watched();
  world.work([journey(world, createLedger())], { intercept: fault.intercept });
  await expectWhole(world, await enqueue(world));
  await world.settle();
  return fault.calls;
}
const clean = await calls();

test("the journey makes calls of every kind", () => {
  const names = new Set(clean.map((call) => nameOf(call).replace(/ (once|segment)\/.*/, " $1")));
  for (const name of ["records.write LIVE/LEASE", "records.write LIVE/HEAD", "records.write LIVE/DUE", "records.write once"])
    expect(names).toContain(name);
  for (const name of ["blobs.put", "queue.send", "queue.remove", "queue.hide"]) expect(names).toContain(name);
});

for (const [known, notice] of [
  [true, "that is noticed"],
  [false, "of which nobody knows"],
] as const) {
  test.each(["before", "after"] as const)(`an item completes after a death ${notice}, %s any call`, async (when) => {
    for (let n = 0; n < clean.length; n++) {
      const world = createWorld();
      const ledger = createLedger();
      const engine = journey(world, ledger);
      const fault = crashAt(n, when, () => known && world.machine.end("first"));
      world.work([engine], { name: "first", intercept: fault.intercept });
      const workId = await enqueue(world);
      while (!fault.happened()) await world.pass(500);
      world.work([engine], { name: "second" });
      await expectWhole(world, workId).catch((error: unknown) => {
        throw new Error(`crash ${when} call ${n}, ${nameOf(clean[n] ?? { port: "", method: "", args: [] })}`, { cause: error });
      });
      expect(ledger.runs.length).toBeLessThanOrEqual(6);
    }
  });
}

for (const patienceMs of [0, 10_000]) {
  test.each(["before", "after"] as const)(
    `an item completes when the store cannot be reached once, %s any call had its effect, with ${patienceMs} ms of patience`,
    async (when) => {
      for (let n = 0; n < clean.length; n++) {
        const world = createWorld({ patienceMs });
        const fault = failAt(n, when);
        world.work([journey(world, createLedger())], { intercept: fault.intercept });
        const workId = await enqueue(world);
        const all = expectWhole(world, workId).then(async () => {
          const events = await kinds(world, workId);
          if (patienceMs > 0 && clean[n]?.method === "write") expect(events).toEqual(["step", "failed", "step", "step", "ended"]);
        });
        await all.catch((error: unknown) => {
          throw new Error(`no answer ${when} call ${n}, ${nameOf(clean[n] ?? { port: "", method: "", args: [] })}`, {
            cause: error,
          });
        });
      }
    },
  );
}
