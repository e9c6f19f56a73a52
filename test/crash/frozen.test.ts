import { expect, test } from "vitest";
import { tough } from "./engines.ts";
import { kill, openSite, until } from "./support.ts";

const SETTINGS = { leaseDurationMs: 900, heartbeatMs: 200, visibilityMs: 1_200 };
const ARGS = ["--processes", "1", "--silence", "10m"];

test("a frozen worker is overtaken once its lease has ended, and changes nothing when it thaws", async () => {
  await using site = openSite(SETTINGS);
  const id = await site.enqueue(tough, { steps: 6, stepMs: 300 });
  site.worker(ARGS);
  const frozen = await until("a step has begun", () => site.executions().at(0)?.pid ?? null);
  site.worker(ARGS);
  kill(frozen, "SIGSTOP");
  const overtaken = await until("somebody else goes on", () => site.executions().find(({ pid }) => pid !== frozen) ?? null);
  expect(overtaken.attempt).toBe(2);
  await until("a step later", () => site.executions().some(({ version }) => version > overtaken.version));
  kill(frozen, "SIGCONT");
  expect((await site.end(id)).status).toBe("completed");
  const story = await site.story(id);
  expect(story.filter((event) => event.startsWith("step"))).toHaveLength(6);
  expect(story.filter((event) => event.startsWith("taken_over"))).toEqual(["taken_over 1"]);
  // G4: its late outcome was refused, so that step is the other one's, and nothing was executed on top of it.
  expect(story.filter((event) => event === "step 2")).toHaveLength(1);
  const versions = site.executions().map(({ version }) => version);
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
  expect(versions).toHaveLength(7);
});
