import { createTestRig, runStep } from "rookery/testing";
import { expect, test } from "vitest";
import { createCustomers } from "./customers.ts";
import { bill, createNightly, Nightly } from "./engine.ts";

const HOUR_MS = 3_600_000;

test("adds up the bills of all customers, whatever crashes", async () => {
  await using rig = createTestRig({ engines: [createNightly(createCustomers(130)), bill] });
  for (const at of ["before-commit", "after-commit", "before-commit"] as const) rig.crashNext(at);
  const { workId } = await rig.enqueue(Nightly, { day: "2026-01-31" });
  const end = await rig.result(Nightly, workId, { timeoutMs: HOUR_MS });
  expect(rig.crashed).toHaveLength(3);
  // 1 + … + 130, without 13.
  expect(end).toEqual({ status: "completed", result: { cents: 850_200, failed: 1 } });
});

test("fails once too many bills have failed", async () => {
  await using rig = createTestRig({ engines: [createNightly(createCustomers(30), 0), bill] });
  const { workId } = await rig.enqueue(Nightly, { day: "2026-01-31" });
  const end = await rig.result(Nightly, workId, { timeoutMs: HOUR_MS });
  expect(end).toMatchObject({ status: "failed", error: { message: "too many bills have failed: 1" } });
});

test("a step starts a page of children", async () => {
  const run = await runStep(createNightly(createCustomers(125)), { payload: { day: "x" }, state: { after: "customer-0120" } });
  expect(run.started.map(({ options }) => options.key)).toEqual([1, 2, 3, 4, 5].map((n) => `customer-012${n}`));
  expect(run).toMatchObject({ kind: "waitFor", group: "bills", until: { failedAtMost: 50 }, timeoutMs: 6 * HOUR_MS });
});

test("bills that take too long end the night", async () => {
  await using rig = createTestRig({ engines: [createNightly(createCustomers(3))] });
  const { workId } = await rig.enqueue(Nightly, { day: "2026-01-31" });
  const end = await rig.result(Nightly, workId, { timeoutMs: 7 * HOUR_MS });
  expect(end).toMatchObject({ status: "failed", error: { message: "bills not done in six hours" } });
});
