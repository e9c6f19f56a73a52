/** A real `rookery worker`, as anybody would start it, and its end by `kill -9`. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const CLI = join(import.meta.dirname, "../../src/cli/main.ts");

export interface DemoWorker {
  readonly supervisor: number;
  /** Processes that it has started and that have not ended. */
  children(): readonly number[];
  /** SIGKILL to the supervisor, then to its children: nobody is left to put anything in order. */
  kill(): Promise<void>;
  /** SIGTERM: steps finish or are given back. */
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
/** However the demo ends, its workers end with it: a child stops when its supervisor is gone. */
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Resolves when it is ready for work. Its log goes to `logPath`. */
export async function startWorker(home: string, logPath: string): Promise<DemoWorker> {
  const args = [CLI, "--home", home, "--namespace", "default", "--verbose", "--json", "worker", "--processes", "1"];
  const supervisor = spawn(process.execPath, args, { cwd: home, env: plainEnvironment(), stdio: ["ignore", "ignore", "pipe"] });
  running.add(supervisor);
  const ended = new Promise<void>((resolve) => supervisor.once("exit", () => resolve()));
  void ended.then(() => running.delete(supervisor));
  const children = new Set<number>();
  const log = createWriteStream(logPath, { flags: "a" });
  const lines = createInterface({ input: supervisor.stderr });
  const ready = new Promise<void>((resolve, reject) => {
    lines.on("line", (line) => {
      log.write(`${line}\n`);
      const event = readEvent(line);
      if (event === null) return;
      if (event.message === "worker process started") children.add(event.pid);
      if (/ended|died/.test(event.message)) children.delete(event.pid);
      if (event.message === "worker process ready") resolve();
    });
    void ended.then(() => reject(new Error(`the worker ended before it was ready; its log: ${logPath}`)));
  });
  ready.catch(() => undefined);
  await ready;
  const { pid } = supervisor;
  if (pid === undefined) throw new Error("the worker has no process id");
  return {
    supervisor: pid,
    children: () => [...children],
    kill: async () => {
      const orphans = [...children];
      supervisor.kill("SIGKILL");
      for (const orphan of orphans) process.kill(orphan, "SIGKILL");
      await ended;
    },
    stop: async () => {
      supervisor.kill("SIGTERM");
      await ended;
    },
  };
}

/** Engines and folders of the user's own have no part in the demo. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("ROOKERY_")));
}

function readEvent(line: string): { message: string; pid: number } | null {
  if (!line.startsWith("{")) return null;
  const { message, pid } = JSON.parse(line) as { message?: unknown; pid?: unknown };
  return typeof message === "string" && typeof pid === "number" ? { message, pid } : null;
}
