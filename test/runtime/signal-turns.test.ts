/** An item with much to read has no longer a turn than one with many steps. */
import { expect, test } from "vitest";
import { z } from "zod";
import { defineContract } from "../../src/domain/contract.ts";
import { defineEngine } from "../../src/domain/engine.ts";
import { parseWorkId } from "../../src/domain/ids.ts";
import type { Json } from "../../src/domain/json.ts";
import { inboxKey } from "../../src/domain/keys.ts";
import { drive } from "../../src/runtime/drive.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import { put } from "../../src/runtime/records.ts";
import { encodeSignal } from "../../src/wire/inbox.ts";
import { createWorld, type RunningWorker, type World } from "../support/world.ts";
import { engineOf, enqueue } from "./builders.ts";

type BoxSignals = { note: number };
const Box = defineContract<Json, Json, BoxSignals>({
  id: "box",
  payload: z.any(),
  result: z.any(),
  signals: { note: z.number() },
});
/** Reads one note a step, until it has read `to`. */
const reader = (to: number, onStep: (step: number) => void = () => undefined) =>
  defineEngine<Json, Json, BoxSignals, Json, Json>(Box, {
    version: 1,
    state: z.any(),
    init: 0,
    step: async (_state, ctx) => {
      onStep(ctx.step);
      return ctx.step >= to ? ctx.complete("read") : ctx.waitFor(0, { signals: ["note"] });
    },
  });
/** With notes that no hint tells of. */
async function startWith(world: World, notes: number): Promise<string> {
  const { workId } = await world.client.enqueue(Box, null);
  for (let n = 0; n < notes; n++) {
    const content = encodeSignal({ id: `n${n}`, sentAtMs: n, name: "note", payload: { kind: "inline", json: String(n) } });
    await put(world.deps, { partition: `test/${workId}`, sort: inboxKey(n, `n${n}`), ...content }, "absent");
  }
  return workId;
}

test("a worker with no free slot lets others in between, and goes on afterwards", async () => {
  const world = createWorld();
  const workId = await startWith(world, 150);
  let read = -1;
  const other = engineOf(async (_state, ctx) => {
    read = (await world.client.status(workId)).version;
    return ctx.complete(null);
  });
  await enqueue(world);
  world.work([reader(150), other], { concurrency: 1 });
  await world.end(workId, 1_000);
  expect(read).toBe(100);
});

test("a worker that stops leaves the rest to others, with a message", async () => {
  const world = createWorld();
  const workId = await startWith(world, 20);
  const started: { worker: RunningWorker | null; stopped: Promise<void> | null } = { worker: null, stopped: null };
  const stopAt = (step: number): void => {
    if (step === 3) started.stopped = started.worker?.stop() ?? null;
  };
  started.worker = world.work([reader(20, stopAt)]);
  await world.settle();
  await started.stopped;
  expect((await world.client.status(workId)).version).toBe(4);
  world.work([reader(20)]);
  await world.end(workId, 1_000);
});

test("driven up to a version, it stops there, and a worker reads the rest", async () => {
  const world = createWorld();
  const workId = await startWith(world, 10);
  world.loseMessages();
  const how = { untilVersion: 3, graceMs: 1_000, onAbandoned: () => undefined };
  const engines = createEngines([reader(10)]);
  const driven = await drive(world.process("driver"), engines, parseWorkId(workId), new AbortController().signal, how);
  expect([driven, (await world.client.status(workId)).version]).toEqual(["reached", 3]);
  world.work([reader(10)]);
  await world.end(workId, 1_000);
});
