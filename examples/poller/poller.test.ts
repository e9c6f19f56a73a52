import { createTestRig, runStep } from "rookery/testing";
import { expect, test } from "vitest";
import { createPoll, Poll } from "./engine.ts";
import { createFarm } from "./farm.ts";

const DAY_MS = 86_400_000;

test("looks again and again, and less and less often", async () => {
  const farm = createFarm(20);
  await using rig = createTestRig({ engines: [createPoll(farm)] });
  const { workId } = await rig.enqueue(Poll, { job: "a" });
  await rig.advance(7_000);
  expect(farm.looks()).toBe(4);
  expect(await rig.result(Poll, workId, { timeoutMs: DAY_MS })).toEqual({ status: "completed", result: "done after 21 looks" });
});

test("gives up after five days", async () => {
  await using rig = createTestRig({ engines: [createPoll(createFarm(1_000))] });
  const { workId } = await rig.enqueue(Poll, { job: "b" });
  const end = await rig.result(Poll, workId, { timeoutMs: 6 * DAY_MS });
  expect(end.status).toBe("failed");
});

test("the pause is an hour at the most", async () => {
  const run = await runStep(createPoll(createFarm(1)), { payload: { job: "c" }, state: { looks: 30 } });
  expect(run).toMatchObject({ kind: "next", state: { looks: 31 }, delayMs: 3_600_000 });
});
