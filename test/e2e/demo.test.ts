/** The demo as a newcomer runs it. What it claims on the screen is checked in the store. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openEmbedded } from "../../src/embedded.ts";
import { Watchlist } from "../../src/engines/watchlist.ts";

const DEMO = join(import.meta.dirname, "../../scripts/demo.ts");
const BOUND_MS = 30_000;

const homes: string[] = [];
const started: ChildProcess[] = [];
afterEach(() => {
  for (const demo of started.splice(0)) demo.kill("SIGTERM");
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});

function startDemo(...args: string[]) {
  const home = mkdtempSync(join(tmpdir(), "rookery-demo-"));
  homes.push(home);
  const { FORCE_COLOR: _forced, ...env } = process.env;
  const demo = spawn(process.execPath, [DEMO, "--home", home, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  started.push(demo);
  const said = { text: "", errors: "" };
  demo.stdout.on("data", (chunk: Buffer) => {
    said.text += chunk;
  });
  demo.stderr.on("data", (chunk: Buffer) => {
    said.errors += chunk;
  });
  const ended = new Promise<number | null>((resolve) => demo.once("close", resolve));
  return { home, demo, said, ended };
}
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
/** The processes that the demo says it has started. */
function pidsIn(text: string): number[] {
  return [...text.matchAll(/pid (\d+), worker process (\d+)/g)].flatMap(([, supervisor, child]) => [
    Number(supervisor),
    Number(child),
  ]);
}
const versionsIn = (text: string): number[] =>
  [...text.matchAll(/version (\d+), next step/g)].map(([, version]) => Number(version));

test("kills a worker with kill -9, and another goes on from the last saved step", async () => {
  const startedAtMs = performance.now();
  const { home, said, ended } = startDemo();
  expect(await ended, said.text + said.errors).toBe(0);
  expect(performance.now() - startedAtMs).toBeLessThan(BOUND_MS);

  const [before = 0, ...after] = versionsIn(said.text);
  expect(before).toBeGreaterThanOrEqual(3);
  expect(after).toEqual([before]);
  expect(said.text).toMatch(/kill -9 \d+ \d+/);
  expect(said.text).toContain("the page was asked 6 times: nothing lost, nothing repeated");
  expect(said.text).not.toContain("\u001b");
  expect(said.text.split("\n").filter((line) => line.length > 80 && !line.includes(home))).toEqual([]);

  const pids = pidsIn(said.text);
  expect(new Set(pids).size).toBe(4);
  await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([]);

  const store = openEmbedded({ home });
  const item = { contract: Watchlist, key: "demo" };
  expect(await store.status(item)).toMatchObject({ status: "completed", version: 7, artifacts: 1 });
  expect(await store.log(item)).toMatchObject([1, 2, 3, 4, 5, 6].map((check) => ({ check })));
  const steps = (await Array.fromAsync(store.events(item))).filter((event) => event.kind !== "ended");
  expect(steps.map((event) => [event.kind, event.version])).toEqual([1, 2, 3, 4, 5, 6, 7].map((version) => ["step", version]));
  expect(steps.map((event) => "attempt" in event && event.attempt)).toEqual(Array(7).fill(1));
  store.close();
});

test("takes its workers along when it is interrupted", async () => {
  const { demo, said, ended } = startDemo();
  await expect.poll(() => pidsIn(said.text).length, { timeout: BOUND_MS }).toBe(2);
  const pids = pidsIn(said.text);
  expect(pids.filter(isAlive)).toEqual(pids);
  demo.kill("SIGINT");
  expect(await ended).toBe(130);
  await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([]);
});

test("says what is wrong with a URL", async () => {
  const { said, ended } = startDemo("not-a-url");
  expect(await ended).toBe(1);
  expect(said.errors).toBe('demo: url: expected http(s)://…, got "not-a-url"\n');
  expect(said.text).toBe("");
});
