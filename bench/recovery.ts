/** How soon work goes on after a SIGKILL, with real processes, beside what starting Node costs on this machine now. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { tough } from "../test/crash/engines.ts";
import { kill, openSite, type Program, type Site, until } from "../test/crash/support.ts";

export interface Recovery {
  /** From the start of `rookery worker` to the first step executed; the one before it was killed with its children. */
  readonly restartMs: number;
  /** From the death of one of two workers to the first step that the other executes. */
  readonly takeoverMs: number;
  /** A Node process that imports zod and node:sqlite, from its start to its end. */
  readonly bareNodeMs: number;
}

const ONE_PROCESS = ["--processes", "1"];
const ENDLESS = { steps: 100_000, stepMs: 50 };
const BARE = `await import(${JSON.stringify(import.meta.resolve("zod"))}); await import("node:sqlite");`;
const BARE_STARTS = 3;

export async function measureRecovery(): Promise<Recovery> {
  return { bareNodeMs: measureBareNode(), restartMs: await measureRestart(), takeoverMs: await measureTakeover() };
}

export async function recovery(): Promise<object> {
  const measured = await measureRecovery();
  return { ...measured, ...recoveryBounds(measured) };
}

/** On a machine where a bare Node takes long to start, so does a worker. */
export function recoveryBounds({ bareNodeMs }: Recovery): {
  readonly restartMsAtMost: number;
  readonly takeoverMsAtMost: number;
} {
  return { restartMsAtMost: Math.max(1_000, 6 * bareNodeMs), takeoverMsAtMost: 2_000 };
}

/** The middle one of three. */
function measureBareNode(): number {
  const times = Array.from({ length: BARE_STARTS }, () => {
    const startedAtMs = performance.now();
    spawnSync(process.execPath, ["--input-type=module", "--eval", BARE], { cwd: fileURLToPath(new URL("..", import.meta.url)) });
    return performance.now() - startedAtMs;
  });
  return Math.round(times.sort((a, b) => a - b)[1] ?? 0);
}

async function measureRestart(): Promise<number> {
  await using site = openSite();
  await site.enqueue(tough, ENDLESS);
  const worker = site.worker(ONE_PROCESS);
  await until("the first steps", () => site.executions().length >= 3);
  killAll(worker);
  await worker.ended;
  const before = site.executions().length;
  const startedAtMs = performance.now();
  site.worker(ONE_PROCESS);
  await until("the first step after the restart", () => site.executions().length > before);
  return Math.round(performance.now() - startedAtMs);
}

async function measureTakeover(): Promise<number> {
  await using site = openSite();
  const workers = [site.worker(ONE_PROCESS), site.worker(ONE_PROCESS)];
  await until("both are ready", () => workers.every((worker) => worker.readyPids().length === 1));
  await site.enqueue(tough, ENDLESS);
  const victim = await workerAtWork(site, workers);
  const [pid] = victim.readyPids();
  killAll(victim);
  const startedAtMs = performance.now();
  await until("the other one goes on", () => site.executions().some((execution) => execution.pid !== pid));
  return Math.round(performance.now() - startedAtMs);
}
function workerAtWork(site: Site, workers: readonly Program[]): Promise<Program> {
  return until("a step", () => {
    const pid = site.executions().at(0)?.pid;
    return workers.find((worker) => pid !== undefined && worker.readyPids().includes(pid)) ?? null;
  });
}
/** The supervisor first, so that it replaces nobody. */
function killAll(worker: Program): void {
  for (const pid of [worker.pid, ...worker.readyPids()]) kill(pid, "SIGKILL");
}
