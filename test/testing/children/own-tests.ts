/** Tests of an engine as its author may write them, for Node's own test runner. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { z } from "zod";
import { defineContract, defineEngine } from "../../../src/index.ts";
import { createTestRig, runStep } from "../../../src/testing.ts";

const Nap = defineContract({ id: "nap", payload: z.object({ days: z.number() }), result: z.string() });
const nap = defineEngine(Nap, {
  version: 1,
  state: z.object({ slept: z.number() }),
  init: { slept: 0 },
  async step({ slept }, ctx) {
    if (slept === ctx.payload.days) return ctx.complete("awake");
    return ctx.next({ slept: slept + 1 }, { delayMs: 86_400_000 });
  },
});

test("a step by itself", async () => {
  const run = await runStep(nap, { payload: { days: 2 }, state: { slept: 2 } });
  assert.equal(run.kind === "complete" && run.result, "awake");
});

test("days pass", async () => {
  const rig = createTestRig({ engines: [nap] });
  rig.crashNext("after-commit");
  const { workId } = await rig.enqueue(Nap, { days: 3 });
  await rig.advance(3 * 86_400_000);
  assert.deepEqual(await rig.result(Nap, workId, { timeoutMs: 0 }), { status: "completed", result: "awake" });
  assert.equal(rig.crashed.length, 1);
  await rig.dispose();
});

test("pretended timers of the runner do not stop a rig, and one that is not disposed of does not keep it", async () => {
  mock.timers.enable();
  const rig = createTestRig({ engines: [nap] });
  const { workId } = await rig.enqueue(Nap, { days: 1 });
  assert.equal((await rig.result(Nap, workId, { timeoutMs: 86_400_000 })).status, "completed");
  mock.timers.reset();
});
