import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { tough } from "./engines.ts";
import { expectCounted, expectInOrder, whoRanOn } from "./ledger.ts";
import { isAlive, kill, openSite, type Program, type Site } from "./support.ts";

const SOAK = process.env["ROOKERY_SOAK"] === "1";
const ITEMS = SOAK ? 200 : 20;
const STEPS = 20;
const STEP_MS = 100;
const PROCESSES = 4;
/** All items at once fill every slot. */
const CONCURRENCY = 5;
const KILL_EVERY_MS = 300;
/** A machine that is busy with something else needs longer to replace one than we to kill it. */
const MAX_KILLS = SOAK ? 400 : 40;
const PATIENCE_MS = SOAK ? 1_200_000 : 90_000;

test("work goes on from the last saved step, whoever is killed", async () => {
  await using site = openSite();
  const ids = await Promise.all(Array.from({ length: ITEMS }, () => site.enqueue(tough, { steps: STEPS, stepMs: STEP_MS })));
  const worker = site.worker(["--processes", String(PROCESSES), "--concurrency", String(CONCURRENCY)]);
  const kills = await killUntilEnded(site, worker, ids);
  worker.signal("SIGTERM");
  expect(await worker.ended).toBe(0);

  const executions = site.executions();
  for (const id of ids) {
    expect((await site.store.status(id)).status).toBe("completed");
    const versions = await Array.fromAsync(site.store.history(id), ({ version }) => version);
    expect(versions).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
    expectInOrder(site.executions(id));
    expectCounted(STEPS, site.executions(id), await Array.fromAsync(site.store.events(id)));
  }
  expect(kills).toBeGreaterThan(3);
  const repeats = executions.length - ITEMS * STEPS;
  expect(repeats).toBeGreaterThan(0);
  expect(repeats).toBeLessThanOrEqual(kills * CONCURRENCY);
});

/** Kills a random worker process that has run a step, every 300 ms, until all is ended or the kills are used up. */
async function killUntilEnded(site: Site, worker: Program, ids: readonly string[]): Promise<number> {
  const endsAtMs = performance.now() + PATIENCE_MS;
  for (let kills = 0; ; ) {
    await sleep(KILL_EVERY_MS);
    if (await allEnded(site, ids)) return kills;
    if (performance.now() > endsAtMs) throw new Error(`not all items ended within ${PATIENCE_MS} ms and ${kills} kills`);
    const victims = victimsOf(site, worker);
    const victim = victims[Math.floor(Math.random() * victims.length)];
    if (victim === undefined || kills === MAX_KILLS) continue;
    kill(victim, "SIGKILL");
    kills++;
  }
}
function victimsOf(site: Site, worker: Program): number[] {
  const ran = whoRanOn(site.executions());
  return worker.readyPids().filter((pid) => ran.has(pid) && isAlive(pid));
}
async function allEnded(site: Site, ids: readonly string[]): Promise<boolean> {
  for (const id of ids) if ((await site.store.status(id)).endedAtMs === null) return false;
  return true;
}
