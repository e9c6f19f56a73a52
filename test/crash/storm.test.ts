/** Workers that are killed, and frozen beyond their lease and woken again, all at once, while more and more is to be done. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { tough } from "./engines.ts";
import { expectCounted, whoRanOn } from "./ledger.ts";
import { isAlive, kill, openSite, type Program, type Site } from "./support.ts";

const STORM_MS = process.env["ROOKERY_SOAK"] === "1" ? 600_000 : 20_000;
const STEPS = 8;
const SETTINGS = { leaseDurationMs: 1_500, heartbeatMs: 400, visibilityMs: 2_000 };
const WORKERS = 2;
/** A supervisor is told to think nothing of a silence, or it would replace what is frozen. */
const ARGS = ["--processes", "2", "--concurrency", "4", "--silence", "10m"];
const ENQUEUE_EVERY_MS = 250;
const STRIKE_EVERY_MS = 300;
const FREEZES = 0.4;
const MOST_FROZEN = 2;
const ENDS_WITHIN_MS = 120_000;

test("nothing is lost and nothing is written twice in a storm of kills and freezes", async () => {
  await using site = openSite(SETTINGS);
  const workers = Array.from({ length: WORKERS }, () => site.worker(ARGS));
  const over = AbortSignal.timeout(STORM_MS);
  const [ids, { kills, freezes }] = await Promise.all([enqueueUntil(over, site), strikeUntil(over, site, workers)]);
  for (const id of ids) expect((await site.end(id, ENDS_WITHIN_MS)).status).toBe("completed");
  for (const worker of workers) worker.signal("SIGTERM");
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0]);

  const executions = Map.groupBy(site.executions(), ({ workId }) => workId);
  let repeats = 0;
  for (const id of ids) {
    const mine = executions.get(id) ?? [];
    expectCounted(STEPS, mine, await Array.fromAsync(site.store.events(id)));
    // Each step counts on from the one before: what came late has left no trace in the state.
    expect(await site.store.result(tough, id, { timeoutMs: 0 })).toEqual({ status: "completed", result: STEPS });
    repeats += mine.length - STEPS;
  }
  console.info(`${ids.length} items, ${kills} kills, ${freezes} freezes, ${repeats} steps executed again`);
  expect(Math.min(kills, freezes, repeats)).toBeGreaterThan(2);
});

async function enqueueUntil(over: AbortSignal, site: Site): Promise<string[]> {
  const ids: string[] = [];
  while (!over.aborted) {
    // Every third goes from message to message.
    const delayMs = ids.length % 3 === 0 ? 1 : 0;
    ids.push(await site.enqueue(tough, { steps: STEPS, stepMs: 60, delayMs }));
    await sleep(ENQUEUE_EVERY_MS);
  }
  return ids;
}

/** Strikes only who has run a step, so that whatever replaces a process comes to work. All are awake again at the end. */
async function strikeUntil(over: AbortSignal, site: Site, workers: readonly Program[]) {
  const counts = { kills: 0, freezes: 0 };
  const frozen = new Set<number>();
  const thaws: Promise<void>[] = [];
  const freeze = async (pid: number): Promise<void> => {
    frozen.add(pid);
    kill(pid, "SIGSTOP");
    await sleep(SETTINGS.leaseDurationMs * (1.2 + Math.random()));
    kill(pid, "SIGCONT");
    frozen.delete(pid);
  };
  while (!over.aborted) {
    await sleep(STRIKE_EVERY_MS);
    const ran = whoRanOn(site.executions().slice(-200));
    const able = workers
      .flatMap((worker) => worker.readyPids())
      .filter((pid) => ran.has(pid) && isAlive(pid) && !frozen.has(pid));
    const pid = able[Math.floor(Math.random() * able.length)];
    if (pid === undefined) continue;
    if (Math.random() < FREEZES && frozen.size < MOST_FROZEN) {
      counts.freezes += 1;
      thaws.push(freeze(pid));
    } else {
      counts.kills += 1;
      kill(pid, "SIGKILL");
    }
  }
  await Promise.all(thaws);
  return counts;
}
