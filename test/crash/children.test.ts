import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { BAD_EVERY, Crowd } from "./family-engines.ts";
import { isAlive, kill, openSite, type Site } from "./support.ts";

const ENGINES = fileURLToPath(new URL("./family-engines.ts", import.meta.url));
const WORKER = fileURLToPath(new URL("./family-worker.ts", import.meta.url));
const SOAK = process.env["ROOKERY_SOAK"] === "1";
const CHILDREN = SOAK ? 100_000 : 2_000;
const PAGE = SOAK ? 1_000 : 200;
const PROCESSES = 4;
const KILL_EVERY_MS = SOAK ? 10_000 : 600;
const MAX_KILLS = SOAK ? 100 : 5;
const PATIENCE_MS = SOAK ? 3_600_000 : 90_000;
/** Garbage is collected before each sample, and the young generation does not grow: what is left is memory in use. */
const MEMORY_FLAGS = ["--expose-gc", "--max-semi-space-size=16"];
/** Samples on the way up, one a page: by then code is compiled and the cache of the database is full. */
const WARM = (0.3 * CHILDREN) / PAGE;
const GROWTH_MB = 50;
const WRITES_PER_CHILD = 10;

async function enqueueCrowd(site: Site): Promise<string> {
  const payload = { count: CHILDREN, page: PAGE, ledger: join(site.folder, "memory") };
  return (await site.store.enqueue(Crowd, payload)).workId;
}

async function expectWhole(site: Site, workId: string): Promise<void> {
  const bad = CHILDREN / BAD_EVERY;
  const told = [[CHILDREN - bad, bad]];
  const sum = (CHILDREN * (CHILDREN - 1)) / 2 - BAD_EVERY * ((bad * (bad - 1)) / 2);
  expect(await site.store.resultJson(workId)).toEqual({ told, results: CHILDREN, sum, bad });
  const counts = { total: CHILDREN, succeeded: CHILDREN - bad, failed: bad };
  expect(await site.store.groups(workId)).toEqual([{ name: "all", ...counts, limit: null }]);
}

test("many children end, whoever is killed, and their parent is told once", async () => {
  await using site = openSite();
  const workId = await enqueueCrowd(site);
  const worker = site.start(["--engines", ENGINES, "worker", "--processes", String(PROCESSES), "--concurrency", "10"]);
  const startedAtMs = performance.now();
  let kills = 0;
  for (let lastMs = startedAtMs; (await site.store.status(workId)).endedAtMs === null; await sleep(50)) {
    const nowMs = performance.now();
    if (nowMs - startedAtMs > PATIENCE_MS) throw new Error(`not in time: ${JSON.stringify(await site.store.groups(workId))}`);
    const alive = worker.readyPids().filter((pid) => isAlive(pid));
    const victim = alive[Math.floor(Math.random() * alive.length)];
    if (victim === undefined || nowMs - lastMs < KILL_EVERY_MS || kills === MAX_KILLS) continue;
    kill(victim, "SIGKILL");
    kills += 1;
    lastMs = nowMs;
  }
  worker.signal("SIGTERM");
  await worker.ended;
  await expectWhole(site, workId);
  expect(kills).toBeGreaterThan(1);
});

test("many children take little memory and few writes", async () => {
  await using site = openSite();
  const workId = await enqueueCrowd(site);
  const worker = fork(WORKER, [site.store.home, workId], { execArgv: MEMORY_FLAGS });
  expect(await once(worker, "exit")).toEqual([0, null]);
  await expectWhole(site, workId);
  const samples = readFileSync(join(site.folder, "memory"), "utf8").trim().split("\n").map(Number);
  const growth = Math.max(...samples.slice(WARM)) - Math.max(...samples.slice(0, WARM));
  // A record's revision counts its writes.
  const db = new DatabaseSync(site.store.databasePath, { readOnly: true });
  const writes = Number(db.prepare("SELECT sum(revision) AS writes FROM records").get()?.["writes"]) / CHILDREN;
  db.close();
  if (SOAK) console.log({ children: CHILDREN, growthMb: growth, writesPerChild: writes });
  expect(growth).toBeLessThan(GROWTH_MB);
  expect(writes).toBeLessThanOrEqual(WRITES_PER_CHILD);
});
