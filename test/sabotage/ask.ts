/** Runs a machine on a copy, within its time. */
import { spawn } from "node:child_process";
import type { Tests } from "./break.ts";
import { type Machine, saidIn } from "./machines.ts";

/** `said` null: it has found nothing. */
export interface Asked {
  readonly said: string | null;
  readonly tookMs: number;
  readonly inTime: boolean;
  readonly output: string;
}

const NOTHING_SAID = "it failed, and did not say why";

export async function ask(machine: Machine, root: string, tests: Tests | null): Promise<Asked> {
  const startedAtMs = performance.now();
  const bound = tests?.schedules === undefined ? {} : { ROOKERY_SCHEDULES: String(tests.schedules) };
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0", CI: "1", ...bound };
  // A group of its own: what it has started ends with it.
  const child = spawn(process.execPath, machine.args(tests), {
    cwd: root,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  let inTime = true;
  const timer = setTimeout(() => {
    inTime = false;
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, machine.timeoutMs);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  clearTimeout(timer);
  const output = Buffer.concat(chunks).toString();
  const said = code === 0 || !inTime ? null : (saidIn(output) ?? NOTHING_SAID);
  return { said, tookMs: performance.now() - startedAtMs, inTime, output };
}
