import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { BAD_EVERY, Crowd } from "./family-engines.ts";
import { isAlive, kill, openSite, type Site } from "./support.ts";

const ENGINES = fileURLToPath(new URL("./family-engines.ts", import.meta.url));
const SOAK = process.env["ROOKERY_SOAK"] === "1";
const CHILDREN = SOAK ? 100_000 : 2_000;
const PAGE = SOAK ? 1_000 : 200;
const PROCESSES = 4;
const KILL_EVERY_MS = SOAK ? 5_000 : 400;
const PATIENCE_MS = SOAK ? 3_600_000 : 60_000;
/** Of resident memory, garbage collected, from the first page of children that a process starts on. */
const GROWTH_MB = 50;

async function crowd(site: Site, kills: boolean): Promise<{ workId: string; killed: number }> {
  const payload = { count: CHILDREN, page: PAGE, ledger: join(site.folder, "memory") };
  const { workId } = await site.store.enqueue(Crowd, payload);
  const args = ["worker", "--processes", String(kills ? PROCESSES : 1), "--concurrency", "20"];
  const worker = site.start(["--engines", ENGINES, ...args]);
  const endsAtMs = performance.now() + PATIENCE_MS;
  let killed = 0;
  for (let lastKillMs = performance.now(); (await site.store.status(workId)).endedAtMs === null; await sleep(50)) {
    if (performance.now() > endsAtMs)
      throw new Error(`${JSON.stringify(await site.store.groups(workId))} after ${PATIENCE_MS} ms`);
    const alive = worker.readyPids().filter((pid) => isAlive(pid));
    const victim = alive[Math.floor(Math.random() * alive.length)];
    if (!kills || victim === undefined || performance.now() - lastKillMs < KILL_EVERY_MS) continue;
    kill(victim, "SIGKILL");
    killed += 1;
    lastKillMs = performance.now();
  }
  worker.signal("SIGTERM");
  await worker.ended;
  return { workId, killed };
}

async function expectWhole(site: Site, workId: string): Promise<void> {
  const bad = CHILDREN / BAD_EVERY;
  const told = [[CHILDREN - bad, bad]];
  const sum = (CHILDREN * (CHILDREN - 1)) / 2 - BAD_EVERY * ((bad * (bad - 1)) / 2);
  expect(await site.store.resultJson(workId)).toEqual({ told, results: CHILDREN, sum, bad });
  expect(await site.store.groups(workId)).toEqual([
    { name: "all", total: CHILDREN, succeeded: CHILDREN - bad, failed: bad, limit: null },
  ]);
}

test("many children end, whoever is killed, and their parent is told once", async () => {
  await using site = openSite();
  const { workId, killed } = await crowd(site, true);
  await expectWhole(site, workId);
  expect(killed).toBeGreaterThan(2);
});

test("many children take little memory and few writes", async () => {
  await using site = openSite();
  const { workId } = await crowd(site, false);
  await expectWhole(site, workId);
  const samples = readFileSync(join(site.folder, "memory"), "utf8").trim().split("\n");
  const ofProcess = new Map<string, number[]>();
  for (const [pid = "", mb] of samples.map((line) => line.split(" ")))
    ofProcess.set(pid, [...(ofProcess.get(pid) ?? []), Number(mb)]);
  const growth = Math.max(...[...ofProcess.values()].map(([first = 0, ...later]) => Math.max(first, ...later) - first));
  expect(growth).toBeLessThan(GROWTH_MB);
});
