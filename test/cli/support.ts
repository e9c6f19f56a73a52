/** The command line, called in this process with a terminal of its own, or started as a real one. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, vi } from "vitest";
import type { Io, Sink } from "../../src/cli/io.ts";
import { widthOf } from "../../src/cli/output/text.ts";
import { runCli } from "../../src/cli/program.ts";
import { type Embedded, openEmbedded } from "../../src/embedded.ts";
import { trouble } from "./trouble.ts";

export const ROOT = join(import.meta.dirname, "../..");
const MAIN = join(ROOT, "src/cli/main.ts");
export const TROUBLE = join(import.meta.dirname, "trouble.ts");

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
export interface Place {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** A terminal for a person. Default false: a pipe. */
  readonly tty?: boolean;
}

export function scratch(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "rookery-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** In this process. */
export async function call(
  argv: readonly string[],
  { cwd = tmpdir(), env = {}, stdin = "", tty = false }: Place = {},
): Promise<Answer> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const io: Io = {
    env,
    cwd,
    stdin: from(stdin),
    stdout: sinkOf(out, tty),
    stderr: sinkOf(err, tty),
    interruption: () => new AbortController().signal,
  };
  const code = await runCli(argv, io);
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}
async function* from(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
function sinkOf(chunks: Buffer[], isTTY: boolean): Sink {
  return {
    isTTY,
    write: (chunk, written) => {
      chunks.push(Buffer.from(chunk));
      written?.();
      return true;
    },
  };
}

export interface Started {
  readonly pid: number;
  readonly ended: Promise<Answer>;
  /** Resolves once stderr says so. */
  says(text: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** So far. */
  stdout(): string;
  stderr(): string;
}
const started = new Set<ChildProcess>();
/** A test that fails leaves none behind. */
export function killStarted(): void {
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  started.clear();
}
/** As a process. Its environment has nothing of ours but the path. */
export function start(
  argv: readonly string[],
  { cwd = tmpdir(), env = {} }: Place = {},
  nodeArgs: readonly string[] = [],
): Started {
  const child = spawn(process.execPath, [...nodeArgs, MAIN, ...argv], { cwd, env: { PATH: process.env["PATH"] ?? "", ...env } });
  started.add(child);
  const said = { stdout: "", stderr: "" };
  child.stdin.end();
  child.stdout.on("data", (chunk: Buffer) => {
    said.stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    said.stderr += chunk.toString();
  });
  const ended = new Promise<Answer>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...said }));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    kill: (signal) => void child.kill(signal),
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    // Not expect.poll, which asks whose test it is: of concurrent ones, the one that began last.
    says: (text) => vi.waitFor(() => expect(said.stderr).toMatch(text), { timeout: 25_000, interval: 20 }),
  };
}

/** A store in a folder of its own, that the engine `trouble` can be worked in. */
async function withStore<T>(home: string, use: (store: Embedded) => Promise<T>): Promise<T> {
  const store = openEmbedded({ home, engines: [trouble] });
  try {
    return await use(store);
  } finally {
    store.close();
  }
}
export type Trouble = { after: number; how: "bug" | "network" | "exit" | "fail" | "sleep" | "end" | "slow" };
/** Enqueued and worked on, in this process, until it ends or has saved `untilVersion`. */
export async function worked(
  home: string,
  payload: Trouble,
  options: { key?: string; untilVersion?: number } = {},
): Promise<string> {
  return withStore(home, async (store) => {
    const { workId } = await store.enqueue(trouble, payload, options.key === undefined ? {} : { key: options.key });
    await store.drive(
      workId,
      new AbortController().signal,
      options.untilVersion === undefined ? {} : { untilVersion: options.untilVersion },
    );
    return workId;
  });
}
/** Works on what the item's inbox holds. */
export async function settle(home: string, workId: string, untilVersion?: number): Promise<void> {
  await withStore(home, (store) =>
    store.drive(workId, new AbortController().signal, untilVersion === undefined ? {} : { untilVersion }),
  );
}

export function expectColumns(text: string, columns = 80): void {
  for (const line of text.split("\n")) expect(widthOf(stripVTControlCharacters(line)), line).toBeLessThanOrEqual(columns);
}
