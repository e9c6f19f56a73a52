/** A thousand items that wait for a signal: what they cost meanwhile, and how long a signal takes to its step. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Embedded, openEmbedded } from "../src/embedded.ts";
import { Parked, type ParkedReport } from "./parked-worker.ts";
import { createRaw } from "./raw.ts";
import { quantile, round, withHome } from "./support.ts";

const ITEMS = 1_000;
const PER_SECOND = 100;
const IDLE_MS = 5_000;
const RAW_MS = 1_000;
const ROW_BYTES = 500;

export async function parked(): Promise<object> {
  return withHome(async (home) => {
    const rookery = openEmbedded({ home });
    const worker = await startWorker(home);
    const ids = await park(rookery);
    await ask(worker);
    await sleep(IDLE_MS);
    const idle = await ask(worker);
    await signalAll(rookery, ids);
    for (const id of ids) await rookery.result(Parked, id, { timeoutMs: 60_000 });
    const { latencyMs } = await ask(worker);
    const exit = once(worker, "exit");
    worker.send("stop");
    await exit;
    rookery.close();
    return { ...figures(latencyMs), idleCpuPercent: round((100 * idle.cpuSeconds * 1_000) / IDLE_MS), idleCpuPercentAtMost: 1 };
  });
}

function figures(latencyMs: readonly number[]): object {
  const sorted = [...latencyMs].sort((a, b) => a - b);
  const raw = createRaw(ROW_BYTES);
  const rawCommitMs = 1_000 / raw.perSecond(1, RAW_MS);
  raw.close();
  return {
    items: ITEMS,
    signalled: latencyMs.length,
    signalledAtLeast: ITEMS,
    perSecond: PER_SECOND,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    rawCommitMs: round(rawCommitMs),
    p99MsAtMost: Math.max(250, round(50 * rawCommitMs)),
  };
}

async function park(rookery: Embedded): Promise<readonly string[]> {
  const enqueued = await Promise.all(Array.from({ length: ITEMS }, () => rookery.enqueue(Parked, null)));
  for (const { workId } of enqueued) while ((await rookery.status(workId)).status !== "waiting") await sleep(10);
  return enqueued.map(({ workId }) => workId);
}

/** At a steady rate, whether or not the ones before are answered. */
async function signalAll(rookery: Embedded, ids: readonly string[]): Promise<void> {
  const from = performance.now();
  const answers: Promise<unknown>[] = [];
  for (const [i, id] of ids.entries()) {
    await sleep(Math.max(0, from + (1_000 * i) / PER_SECOND - performance.now()));
    answers.push(rookery.signal(Parked, id, "go", { sentAtMs: Date.now() }));
  }
  await Promise.all(answers);
}

async function startWorker(home: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL("./parked-worker.ts", import.meta.url)), [home]);
  await once(child, "message");
  return child;
}
async function ask(child: ChildProcess): Promise<ParkedReport> {
  const answer = once(child, "message");
  child.send("report");
  const [report] = (await answer) as [ParkedReport];
  return report;
}
