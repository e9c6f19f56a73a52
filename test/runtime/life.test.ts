import { expect, test } from "vitest";
import { z } from "zod";
import { defineContract } from "../../src/domain/contract.ts";
import { defineEngine } from "../../src/domain/engine.ts";
import { createWorld } from "../support/world.ts";

const Count = defineContract({ id: "count", payload: z.object({ to: z.number() }), result: z.number() });
const count = defineEngine(Count, {
  version: 1,
  state: z.object({ n: z.number() }),
  log: z.string(),
  init: { n: 0 },
  async step(state, ctx) {
    const n = state.n + 1;
    if (n >= ctx.payload.to) return ctx.complete(n);
    return ctx.next({ n }, { at: "count", append: [`entry ${n}`] });
  },
});

test("an item runs to its end, step by step", async () => {
  const world = createWorld();
  world.work([count]);
  const { workId } = await world.client.enqueue(Count, { to: 5 });
  await world.advance(10);
  expect(await world.client.result(Count, workId, { timeoutMs: 0 })).toEqual({ status: "completed", result: 5 });
  expect(await Array.fromAsync(world.client.events(workId), (event) => event.kind)).toEqual([
    "step",
    "step",
    "step",
    "step",
    "step",
    "ended",
  ]);
  expect(await world.client.log(workId)).toEqual(["entry 1", "entry 2", "entry 3", "entry 4"]);
  expect(world.logger.entries).toEqual([]);
});
