/** 300 items of 10 steps, again and again, from enqueue to end, at a number of items in flight. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Embedded, openEmbedded } from "../src/embedded.ts";
import { counters } from "./engines.ts";
import type { WorkerReport } from "./flight-worker.ts";
import { createRaw } from "./raw.ts";
import { headBytes } from "./sequential.ts";
import { quantile, round, withHome } from "./support.ts";

const ITEMS = 300;
const STEPS = 10;
const WARM_ROUNDS = 3;
/** Where the bounds hold: with fewer in flight a commit has fewer to share its fsync. */
const BOUND_AT = 50;
const RAW_MS = 1_500;

export interface FlightOptions {
  readonly inFlight: number;
  readonly processes: number;
  readonly seconds: number;
}

export async function flight(options: FlightOptions): Promise<object> {
  return withHome(async (home) => {
    const rookery = openEmbedded({ home, engines: [counters.steps.engine] });
    const each = Math.ceil(options.inFlight / options.processes);
    const workers = await Promise.all(Array.from({ length: options.processes }, () => startWorker(home, each)));
    for (let i = 0; i < WARM_ROUNDS; i++) await oneRound(rookery);
    await Promise.all(workers.map((worker) => ask(worker, "reset")));
    const cpuBefore = process.cpuUsage();
    const measured = await rounds(rookery, options.seconds);
    const ownCpu = process.cpuUsage(cpuBefore);
    const reports = await Promise.all(workers.map((worker) => ask(worker, "report")));
    await Promise.all(workers.map((worker) => end(worker)));
    const rowBytes = headBytes(rookery.databasePath, measured.lastWorkId);
    const raw = createRaw(rowBytes);
    const rawFiftyPerCommit = raw.perSecond(50, RAW_MS);
    raw.close();
    rookery.close();
    return summary(options, measured, reports, (ownCpu.user + ownCpu.system) / 1_000_000, { rawFiftyPerCommit, rowBytes });
  });
}

interface Measured {
  readonly rounds: number;
  readonly seconds: number;
  readonly itemMs: readonly number[];
  readonly lastWorkId: string;
}

/** Round after round until the time is over: each is enqueued at once and waited for to its last item. */
async function rounds(rookery: Embedded, seconds: number): Promise<Measured> {
  const itemMs: number[] = [];
  const from = performance.now();
  let count = 0;
  let lastWorkId = "";
  while (performance.now() - from < seconds * 1_000) {
    const ended = await oneRound(rookery);
    itemMs.push(...ended.itemMs);
    lastWorkId = ended.lastWorkId;
    count += 1;
  }
  return { rounds: count, seconds: (performance.now() - from) / 1_000, itemMs, lastWorkId };
}

async function oneRound(rookery: Embedded): Promise<{ itemMs: number[]; lastWorkId: string }> {
  const enqueued = await Promise.all(
    Array.from({ length: ITEMS }, () => rookery.enqueue(counters.steps.contract, { steps: STEPS })),
  );
  const itemMs: number[] = [];
  for (const { workId } of enqueued) {
    const result = await rookery.result(counters.steps.contract, workId, { timeoutMs: 60_000 });
    if (result.status !== "completed") throw new Error(`expected ${workId} to complete, got ${result.status}`);
    const { createdAtMs, endedAtMs } = await rookery.status(workId);
    itemMs.push((endedAtMs ?? 0) - createdAtMs);
  }
  return { itemMs, lastWorkId: enqueued.at(-1)?.workId ?? "" };
}

function summary(
  options: FlightOptions,
  measured: Measured,
  reports: readonly WorkerReport[],
  ownCpuSeconds: number,
  raw: { rawFiftyPerCommit: number; rowBytes: number },
): object {
  const steps = measured.rounds * ITEMS * STEPS;
  const cpuSeconds = ownCpuSeconds + reports.reduce((sum, report) => sum + report.cpuSeconds, 0);
  const cycles = reports.flatMap((report) => report.cycleMs).sort((a, b) => a - b);
  const items = [...measured.itemMs].sort((a, b) => a - b);
  const stepsPerSecond = Math.round(steps / measured.seconds);
  return {
    inFlight: options.inFlight,
    processes: options.processes,
    seconds: round(measured.seconds),
    steps,
    stepsPerSecond,
    ...raw,
    ratio: round(stepsPerSecond / raw.rawFiftyPerCommit),
    stepMs: { p50: round(quantile(cycles, 0.5)), p99: round(quantile(cycles, 0.99)) },
    itemMs: { p50: quantile(items, 0.5), p99: quantile(items, 0.99) },
    cpuSecondsPer1000Steps: round((cpuSeconds / steps) * 1_000),
    ...(options.inFlight === BOUND_AT ? bounds(raw.rawFiftyPerCommit) : {}),
  };
}
function bounds(rawFiftyPerCommit: number): object {
  return { stepsPerSecondAtLeast: Math.min(5_000, Math.round(0.15 * rawFiftyPerCommit)), cpuSecondsPer1000StepsAtMost: 0.25 };
}

async function startWorker(home: string, concurrency: number): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL("./flight-worker.ts", import.meta.url)), [home, String(concurrency)]);
  await once(child, "message");
  return child;
}
async function ask(child: ChildProcess, what: "reset" | "report"): Promise<WorkerReport> {
  const answer = once(child, "message");
  child.send(what);
  const [report] = (await answer) as [WorkerReport];
  return report;
}
async function end(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.send("stop");
  await exit;
}
