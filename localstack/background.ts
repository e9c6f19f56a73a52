/** The emulator of `npm run localstack`: it outlives the command, and a file says which process it is. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { parseStat } from "../src/adapters/node/process-table.ts";
import { answers, type Emulator, killGroup, startEmulator } from "./emulator.ts";

export type Running = z.infer<typeof Running>;
const Running = z.object({
  pid: z.int().positive(),
  /** When the process began: what later has its pid is another one. */
  began: z.string().min(1),
  port: z.int(),
  endpoint: z.url(),
  scratch: z.string(),
});

export interface Background {
  /** Of the one that runs, or of the last one. */
  readonly logFile: string;
  /** Null when it does not run. What a dead one has left is gone then. */
  find(): Running | null;
  /** The one that runs, or a new one. */
  start(python: string, options: { readonly port?: number | undefined }): Promise<Running>;
  /** False when none ran. */
  stop(): Promise<boolean>;
}

/** @param folder of the file and the log */
export function createBackground(folder: string): Background {
  const file = join(folder, "emulator.json");
  const logFile = join(folder, "emulator.log");

  function read(): Running | null {
    try {
      return Running.parse(JSON.parse(readFileSync(file, "utf8")));
    } catch {
      // Not there, or of another release.
      return null;
    }
  }
  function record({ pid, port, endpoint, scratch }: Emulator): void {
    const running: Running = { pid, began: beginOf(pid) ?? "unknown", port, endpoint, scratch };
    writeFileSync(file, JSON.stringify(running, null, 2), { flag: "wx" });
  }
  function forget({ scratch }: Running): void {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
    rmSync(file, { force: true });
  }

  const background: Background = {
    logFile,
    find() {
      const running = read();
      if (running === null || beginOf(running.pid) === running.began) return running;
      forget(running);
      return null;
    },
    async start(python, { port }) {
      const running = background.find();
      if (running !== null) return ready(running);
      mkdirSync(folder, { recursive: true });
      if (read() === null) rmSync(file, { force: true });
      try {
        await startEmulator(python, { detached: true, logFile, onSpawned: record, ...(port === undefined ? {} : { port }) });
      } catch (error) {
        const first = background.find();
        // Another command was faster.
        if (first !== null) return ready(first);
        throw error;
      }
      const started = read();
      if (started === null) throw new Error(`expected the emulator in ${file}, got nothing`);
      return started;
    },
    async stop() {
      const running = background.find();
      if (running === null) return false;
      killGroup(running.pid);
      while (beginOf(running.pid) === running.began) await pause();
      forget(running);
      return true;
    },
  };
  return background;
}

const READY_MS = 30_000;

async function ready(running: Running): Promise<Running> {
  const untilMs = Date.now() + READY_MS;
  while (!(await answers(running.endpoint))) {
    if (Date.now() > untilMs) {
      throw new Error(`the emulator (pid ${running.pid}) does not answer at ${running.endpoint}: stop it and start it anew`);
    }
    await pause();
  }
  return running;
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

/** Something that no other process with this pid shares. Null when there is no such process. */
function beginOf(pid: number): string | null {
  try {
    if (process.platform !== "linux")
      return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
    if (stat === null || stat.state === "Z") return null;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${stat.start}`;
  } catch {
    return null;
  }
}
