/** Real processes for tests and benchmarks: the command line itself, a store of its own, and an outside ledger. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Embedded, openEmbedded } from "../../src/embedded.ts";
import type { ItemStatus } from "../../src/runtime/inspect.ts";
import type { Settings } from "../../src/runtime/settings.ts";
import type { Execution, Trial, TrialPayload } from "./engines.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const ENGINES = fileURLToPath(new URL("./engines.ts", import.meta.url));
const POLL_MS = 20;

/** Waits for a condition; its first answer that is neither null nor false. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | null | false> | T | null | false,
  timeoutMs = 90_000,
): Promise<T> {
  const endsAtMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== null && found !== false) return found;
    if (performance.now() > endsAtMs) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await sleep(POLL_MS);
  }
}

export interface Site {
  /** Of its own; the store's home lies in it. */
  readonly folder: string;
  readonly ledger: string;
  readonly store: Embedded;
  /** The work id of a new item whose executions are in the ledger. */
  enqueue(engine: Trial, payload: Partial<TrialPayload>): Promise<string>;
  /** What steps were executed, in order; of one item when it is named. */
  executions(workId?: string): Execution[];
  /** The status of an item once it has ended. */
  end(workId: string, timeoutMs?: number): Promise<ItemStatus>;
  /** What happened to an item, as words: "step 1", "taken_over 2" (kind and attempt). */
  story(workId: string): Promise<string[]>;
  /** Starts `rookery` with these arguments. */
  start(args: readonly string[], options?: { readonly cwd?: string; readonly settings?: Partial<Settings> }): Program;
  /** Starts it with the engines of these tests. */
  rookery(args: readonly string[]): Program;
  /** Starts `rookery worker` with them. */
  worker(args?: readonly string[], settings?: Partial<Settings>): Program;
  /** Kills every process that was started here, and removes the folder. */
  [Symbol.asyncDispose](): Promise<void>;
}
export interface Program {
  readonly pid: number;
  /** Fields of every log line so far. */
  log(): Record<string, unknown>[];
  output(): string;
  /** Pids of its children that were ready, in order of their start; the gone ones too. */
  readyPids(): number[];
  signal(name: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export function openSite(settings: Partial<Settings> = {}): Site {
  const folder = mkdtempSync(join(tmpdir(), "rookery-crash-"));
  const home = join(folder, "home");
  const ledger = join(folder, "ledger.jsonl");
  const store = openEmbedded({ home, settings });
  const programs: Program[] = [];
  const start: Site["start"] = (args, { cwd = folder, settings: own } = {}) => {
    const program = startProgram([...args, ...(own === undefined ? [] : ["--settings", JSON.stringify(own)])], home, cwd);
    programs.push(program);
    return program;
  };
  return {
    folder,
    ledger,
    store,
    start,
    rookery: (args) => start(["--engines", ENGINES, ...args], { settings }),
    worker: (args = [], own = settings) => start(["--engines", ENGINES, "worker", ...args], { settings: own }),
    enqueue: async (engine, payload) => (await store.enqueue(engine, { ledger, steps: 1, stepMs: 10, ...payload })).workId,
    executions: (id) => readLedger(ledger).filter(({ workId }) => id === undefined || workId === id),
    end: (id, timeoutMs) =>
      until(
        `the end of ${id}`,
        async () => {
          const status = await store.status(id);
          return status.endedAtMs === null ? null : status;
        },
        timeoutMs,
      ),
    story: (id) =>
      Array.fromAsync(store.events(id), (event) => ("attempt" in event ? `${event.kind} ${event.attempt}` : event.kind)),
    [Symbol.asyncDispose]: async () => {
      store.close();
      const pids = programs.flatMap((program) => [program.pid, ...program.readyPids()]).filter((pid) => isOurs(pid, home));
      for (const pid of pids) kill(pid, "SIGKILL");
      await until("every process is gone", () => pids.every((pid) => !isOurs(pid, home)));
      await Promise.all(programs.map(({ ended }) => ended));
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}

function readLedger(path: string): Execution[] {
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  return lines.filter((line) => line !== "").map((line): Execution => JSON.parse(line));
}

function startProgram(args: readonly string[], home: string, cwd: string): Program {
  const child = spawn(process.execPath, [MAIN, "--home", home, "--verbose", "--json", ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ROOKERY_HOME: "", ROOKERY_STACK: "", ROOKERY_NAMESPACE: "", ROOKERY_ENGINES: "" },
  });
  const text = { err: "", out: "" };
  child.stderr.on("data", (chunk: Buffer) => {
    text.err += chunk.toString();
  });
  child.stdout.on("data", (chunk: Buffer) => {
    text.out += chunk.toString();
  });
  const log = (): Record<string, unknown>[] =>
    text.err
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line));
  return {
    pid: child.pid ?? 0,
    log,
    output: () => text.out + text.err,
    readyPids: () =>
      log()
        .filter(({ message }) => message === "worker process ready")
        .map(({ pid }) => Number(pid)),
    signal: (name) => void child.kill(name),
    ended: endOf(child),
  };
}
function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(signal ?? code ?? -1));
  });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync("/proc") || !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}
/** A pid may have been given away again. */
function isOurs(pid: number, home: string): boolean {
  if (!isAlive(pid)) return false;
  if (!existsSync("/proc")) return true;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(home);
  } catch {
    return false;
  }
}
/** Only for pids of processes that were started here. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It was gone already.
  }
}
