import { expect, test } from "vitest";
import { tough } from "./engines.ts";
import { kill, openSite, until } from "./support.ts";

const ARGS = ["--processes", "1", "--silence", "10m"];
const CASES = [
  { by: "its heartbeat", settings: { leaseDurationMs: 900, heartbeatMs: 200, visibilityMs: 1_200 }, delayMs: 0 },
  // A claim for each step, which ends before the first heartbeat: the commit comes first.
  { by: "its commit", settings: { leaseDurationMs: 1_500, heartbeatMs: 450, visibilityMs: 1_800 }, delayMs: 1 },
];

test.concurrent.each(CASES)(
  "a frozen worker is overtaken, learns it by $by, and changes nothing",
  async ({ settings, delayMs }) => {
    await using site = openSite(settings);
    const id = await site.enqueue(tough, { steps: 6, stepMs: 300, delayMs });
    site.worker(ARGS);
    const frozen = await until("a step has begun", () => site.executions().at(0)?.pid ?? null);
    kill(frozen, "SIGSTOP");
    site.worker(ARGS);
    const overtaken = await until("somebody else goes on", () => site.executions().find(({ pid }) => pid !== frozen) ?? null);
    expect(overtaken.attempt).toBe(2);
    await until("a step later", () => site.executions().some(({ version }) => version > overtaken.version));
    kill(frozen, "SIGCONT");
    expect((await site.end(id)).status).toBe("completed");
    // G4: its late outcome was refused: one step is the other one's second attempt, and nothing came of the first.
    expect((await site.story(id)).sort()).toEqual([
      "ended",
      ...Array.from({ length: 5 }, () => "step 1"),
      "step 2",
      "taken_over 1",
    ]);
    const versions = site.executions().map(({ version }) => version);
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(versions).toHaveLength(7);
  },
);
