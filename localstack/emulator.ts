/**
 * The emulator of AWS (MiniStack, from PyPI): installed into `.emulator` on first use, one process, one port, loopback
 * only. Whatever speaks the same endpoint, a real LocalStack included, may stand in for it: set AWS_ENDPOINT_URL.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PIN = "ministack==1.5.33";
const ROOT = join(fileURLToPath(import.meta.url), "../..");
export const REGION = "us-east-1";
/** What the emulator takes for a caller. */
export const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };

export interface Emulator {
  /** The same for every service. */
  readonly endpoint: string;
  readonly pid: number;
  /** Its data goes with it. */
  stop(): Promise<void>;
}

/** Null where there is no Python that can run it. */
export async function findPython(): Promise<string | null> {
  for (const name of ["python3", "python"]) {
    try {
      await promisify(execFile)(name, ["-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"]);
      return name;
    } catch {
      // The next one, then.
    }
  }
  return null;
}

/** The path of the emulator's program, installed when it is not there. Two may install at once: the first to finish wins. */
export async function installEmulator(python: string, say: (text: string) => void = () => undefined): Promise<string> {
  const folder = join(ROOT, ".emulator", PIN);
  const program = join(folder, "bin", "ministack");
  const done = join(folder, "installed");
  if (existsSync(done)) return program;
  say(`installing ${PIN} into .emulator (once)`);
  mkdirSync(join(ROOT, ".emulator"), { recursive: true });
  await promisify(execFile)(python, ["-m", "venv", "--clear", folder]);
  await promisify(execFile)(join(folder, "bin", "python"), [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    PIN,
  ]);
  openSync(done, "w");
  return program;
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Starts `program` and waits until it answers. `logFile` gets what it prints. */
export async function startEmulator(
  program: string,
  options: { port?: number; logFile?: string; detached?: boolean } = {},
): Promise<Emulator> {
  const port = options.port ?? (await freePort());
  const scratch = mkdtempSync(join(tmpdir(), "rookery-emulator-"));
  const log = options.logFile === undefined ? "ignore" : openSync(options.logFile, "a");
  const { AWS_ENDPOINT_URL: _, ...inherited } = process.env;
  const child = spawn(program, [], {
    cwd: scratch,
    detached: options.detached === true,
    stdio: ["ignore", log, log],
    env: {
      ...inherited,
      // It runs the Lambdas with the Node that it finds first.
      PATH: `${join(ROOT, "node_modules", ".bin")}${delimiter}${process.env["PATH"] ?? ""}`,
      BIND_HOST: "127.0.0.1",
      MINISTACK_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
      LAMBDA_EXECUTOR: "local",
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_DEFAULT_REGION: REGION,
      AWS_REGION: REGION,
      TMPDIR: scratch,
    },
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    await ended(child);
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await ready(child, endpoint);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, pid: child.pid ?? 0, stop };
}

const READY_MS = 30_000;

async function ready(child: ChildProcess, endpoint: string): Promise<void> {
  const untilMs = Date.now() + READY_MS;
  while (Date.now() < untilMs) {
    if (child.exitCode !== null) throw new Error(`the emulator ended with code ${child.exitCode} before it was ready`);
    const answer = await fetch(`${endpoint}/_ministack/ready`).catch(() => null);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the emulator at ${endpoint} was not ready within ${READY_MS / 1000} s`);
}

const STOP_MS = 5_000;

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await exit;
  clearTimeout(timer);
}
