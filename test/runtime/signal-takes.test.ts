/** What `ctx.take` consumes is what its step was given. */
import { expect, test } from "vitest";
import { z } from "zod";
import { defineContract } from "../../src/domain/contract.ts";
import { type Ctx, defineEngine, type Engine, type Outcome } from "../../src/domain/engine.ts";
import type { Json } from "../../src/domain/json.ts";
import { inboxKey } from "../../src/domain/keys.ts";
import { pause } from "../../src/runtime/deps.ts";
import { put } from "../../src/runtime/records.ts";
import { encodeSignal } from "../../src/wire/inbox.ts";
import { createWorld, type World } from "../support/world.ts";
import { freezer } from "./faults.ts";

type BoxSignals = { note: number };
const Box = defineContract<Json, Json, BoxSignals>({
  id: "box",
  payload: z.any(),
  result: z.any(),
  signals: { note: z.number() },
});
type BoxCtx = Ctx<Json, Json, BoxSignals, Json, Json>;

function box(step: (ctx: BoxCtx) => Promise<Outcome>): Engine {
  return defineEngine<Json, Json, BoxSignals, Json, Json>(Box, {
    version: 1,
    state: z.any(),
    init: 0,
    step: (_state, ctx) => step(ctx),
  });
}
async function startWith(world: World, notes: readonly number[]): Promise<string> {
  const { workId } = await world.client.enqueue(Box, null);
  for (const n of notes) await world.client.signal(Box, workId, "note", n);
  return workId;
}
const payloads = async (ctx: BoxCtx): Promise<Json[]> => (await ctx.take("note")).map(({ payload }) => payload);

test("a take that its step did not wait for consumes nothing, then or later", async () => {
  const world = createWorld();
  const workId = await startWith(world, [1]);
  const reads = freezer();
  const engine = box(async (ctx) => {
    if (ctx.step === 0) {
      reads.freeze();
      void ctx.take("note");
      return ctx.next(1);
    }
    reads.thaw();
    await pause(world.clock, 10);
    return ctx.step < 3 ? ctx.next(1) : ctx.complete(await payloads(ctx));
  });
  world.work([engine], {
    intercept: (call, run) => (call.method === "read" ? reads.intercept(call, run) : run()),
  });
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toEqual([1]);
});

test("a take that fails on its way consumes nothing, whatever the step makes of it", async () => {
  const world = createWorld();
  const workId = await startWith(world, [1]);
  const sentAtMs = world.clock.nowMs() + 1;
  const bad = encodeSignal({ id: "bad", sentAtMs, name: "note", payload: { kind: "inline", json: `"two"` } });
  await put(world.deps, { partition: `test/${workId}`, sort: inboxKey(sentAtMs, "bad"), ...bad }, "absent");
  const engine = box(async (ctx) => {
    if (ctx.step > 0) return ctx.complete((await ctx.take("note", 1)).map(({ payload }) => payload));
    await expect(ctx.take("note")).rejects.toThrow("payload of signal note (bad)");
    return ctx.next(1);
  });
  world.work([engine]);
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toEqual([1]);
});
