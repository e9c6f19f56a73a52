import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { DAY_MS } from "../../src/domain/limits.ts";
import { createTestRig } from "../../src/testing.ts";
import { engineOf, Work } from "../runtime/builders.ts";

test("Node's own test runner runs rigs and single steps, and ends", () => {
  const file = join(import.meta.dirname, "children/own-tests.ts");
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--test", "--test-reporter=spec", file], {
    encoding: "utf8",
    env,
    timeout: 20_000,
  });
  expect(status, `${stdout}${stderr}`).toBe(0);
  expect(stdout).toMatch(/pass 3\n/);
});

test("a rig goes on under the pretended timers of vitest", async () => {
  vi.useFakeTimers();
  const engine = engineOf(async (state, ctx) => (state === 0 ? ctx.next(1, { delayMs: DAY_MS }) : ctx.complete("done")));
  await using rig = createTestRig({ engines: [engine] });
  const { workId } = await rig.enqueue(Work, null);
  expect(await rig.result(Work, workId, { timeoutMs: DAY_MS })).toMatchObject({ status: "completed" });
  vi.useRealTimers();
});
