/**
 * The emulator of AWS (MiniStack): one process group, one port, loopback only, its files in a folder of its own. Whatever
 * speaks the same endpoint, a real LocalStack included, may stand in for it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
/** The repository's programs first: Node 24 and cdklocal. */
export const PATH = [join(HERE, "../node_modules/.bin"), process.env["PATH"]].join(delimiter);
export const REGION = "us-east-1";
/** What the emulator takes for a caller. */
export const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };

export interface Emulator {
  /** The same for every service. */
  readonly endpoint: string;
  readonly port: number;
  /** Of its process and, as a group, of its Lambdas. */
  readonly pid: number;
  /** What it and its Lambdas print. */
  readonly logFile: string;
  /** Its other files. */
  readonly scratch: string;
  /** Its data goes with it. */
  stop(): Promise<void>;
}
export interface EmulatorOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Default: a file that goes with the emulator. */
  readonly logFile?: string;
  /** Outlives this process. Default: ends with it, even when it is killed. */
  readonly detached?: boolean;
  /** It is there, and not ready yet. */
  readonly onSpawned?: (emulator: Emulator) => void;
  /** It ended, and nobody had told it to; with what it printed last. */
  readonly onCrash?: (report: string) => void;
}

/**
 * Starts it and waits until it answers.
 * @param python as `installEmulator` returns it
 * @throws Error when the port is taken, or with what it printed last when it ends before it is ready
 */
export async function startEmulator(python: string, options: EmulatorOptions = {}): Promise<Emulator> {
  const port = await claimPort(options.port ?? 0);
  const scratch = mkdtempSync(join(tmpdir(), "rookery-emulator-"));
  const logFile = options.logFile ?? join(scratch, "emulator.log");
  const child = launch(python, { port, scratch, logFile, detached: options.detached === true });
  let stopping = false;
  const emulator: Emulator = {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    pid: child.pid ?? 0,
    logFile,
    scratch,
    async stop() {
      stopping = true;
      await endGroup(child);
      rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  try {
    options.onSpawned?.(emulator);
    await ready(child, emulator);
  } catch (error) {
    await emulator.stop();
    throw error;
  }
  child.once("exit", () => {
    if (!stopping) options.onCrash?.(crashOf(child, logFile));
  });
  return emulator;
}

interface Launch {
  readonly port: number;
  readonly scratch: string;
  readonly logFile: string;
  readonly detached: boolean;
}
function launch(python: string, { port, scratch, logFile, detached }: Launch): ChildProcess {
  const log = openSync(logFile, "w");
  const child = spawn(python, ["-I", "-u", join(HERE, "emulator.py"), ...(detached ? ["--detached"] : [])], {
    cwd: scratch,
    // A group of its own: Ctrl-C does not reach it, and its Lambdas end with it.
    detached: true,
    stdio: [detached ? "ignore" : "pipe", log, log],
    env: environment(port, scratch),
  });
  closeSync(log);
  // Without a process there is no exit either; `ready` says so.
  child.once("error", () => undefined);
  if (detached) child.unref();
  return child;
}

/** Nothing else of ours: it all shows in the Lambdas. */
const INHERITED = ["HOME", "LANG", "TZ", "NODE_EXTRA_CA_CERTS"];

function environment(port: number, scratch: string): NodeJS.ProcessEnv {
  const inherited = INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return {
    ...Object.fromEntries(inherited),
    // It runs the Lambdas with the Node that it finds first.
    PATH: [nodeForLambdas(scratch), PATH].join(delimiter),
    TMPDIR: scratch,
    BIND_HOST: "127.0.0.1",
    MINISTACK_HOST: "127.0.0.1",
    GATEWAY_PORT: String(port),
    LAMBDA_EXECUTOR: "local",
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_DEFAULT_REGION: REGION,
    AWS_REGION: REGION,
  };
}

/** A folder with this Node, which loads what AWS's runtime has on top of it. */
function nodeForLambdas(scratch: string): string {
  const folder = join(scratch, "bin");
  const words = [process.execPath, "--import", pathToFileURL(join(HERE, "lambda-streaming.mjs")).href].map(quoted);
  mkdirSync(folder);
  writeFileSync(join(folder, "node"), `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`, { mode: 0o755 });
  return folder;
}
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The port, or a free one for 0. It is free again when this returns: somebody else may be faster, and then the start fails. */
function claimPort(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => reject(new Error(`port ${port} of 127.0.0.1 cannot be had: ${error.message}`)));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : port));
    });
  });
}

const READY_MS = 30_000;

async function ready(child: ChildProcess, { endpoint, logFile }: Emulator): Promise<void> {
  const untilMs = Date.now() + READY_MS;
  while (Date.now() < untilMs) {
    if (hasEnded(child)) throw new Error(crashOf(child, logFile));
    if (await answers(endpoint)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the emulator at ${endpoint} was not ready within ${READY_MS / 1000} s\n${tailOf(logFile)}`);
}

/** Whether a MiniStack is there and ready. */
export async function answers(endpoint: string): Promise<boolean> {
  const answer = await fetch(`${endpoint}/_ministack/ready`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
  return answer?.ok === true;
}

const hasEnded = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

function crashOf({ pid, spawnfile, exitCode, signalCode }: ChildProcess, logFile: string): string {
  if (pid === undefined) return `the emulator could not be started with ${spawnfile}`;
  return `the emulator ended by itself (${signalCode ?? `code ${exitCode}`}); it printed last:\n${tailOf(logFile)}`;
}
/** What it printed last. */
export function tailOf(logFile: string): string {
  return existsSync(logFile) ? readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-30).join("\n") : "(its log is gone)";
}

async function endGroup(child: ChildProcess): Promise<void> {
  const exit = hasEnded(child) ? null : new Promise((resolve) => child.once("exit", resolve));
  if (child.pid !== undefined) killGroup(child.pid);
  await exit;
}

/** At once: it has nothing to save, and a Lambda in the middle of something would outlive a polite request. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
