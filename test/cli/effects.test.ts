/** What a person sees of effects, and says of one in doubt. */
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { createMemoryLogger } from "../../src/adapters/memory/logger.ts";
import { openEmbedded } from "../../src/embedded.ts";
import { doubtful } from "./doubtful.ts";
import { call, expectColumns, scratch } from "./support.ts";

const home = scratch();
const env = { ROOKERY_HOME: home.path, ROOKERY_ENGINES: join(import.meta.dirname, "doubtful.ts") };
const place = { env };
const KEY = "book it's";

/** Works on it until it ends, is paused or sleeps. */
async function work(workId: string): Promise<void> {
  const store = openEmbedded({ home: home.path, engines: [doubtful], logger: createMemoryLogger() });
  const stop = new AbortController();
  let isOver = false;
  const driven = store.drive(workId, stop.signal).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    if ((await store.status(workId)).status === "sleeping") stop.abort();
    await setTimeout(5);
  }
  await driven;
  store.close();
}
async function started(ifInDoubt: "park" | "ask", key?: string): Promise<string> {
  const words = ["enqueue", "doubtful", JSON.stringify({ ifInDoubt }), ...(key === undefined ? [] : ["--key", key])];
  const workId = (await call(words, place)).stdout.trim();
  await work(workId);
  return workId;
}

/** Which doubt a word is about. */
const SINCE = / --since \d+/;

let parked = "";
beforeAll(async () => {
  parked = await started("park");
});
afterAll(() => home.remove());

test("effects are listed in a table that fits, with what to say of one in doubt", async () => {
  const { code, stdout, stderr } = await call(["effects", parked, "--no-color"], { env, tty: true });
  expect(code).toBe(0);
  expectColumns(stdout);
  expect(stdout).toMatch(/^STEP +KEY +STATE +TRY +INPUT +WHAT IS KNOWN\n/);
  expect(stdout).toMatch(/ 0 +book it's +in doubt +1 +[0-9a-f]{8}… +now: socket hang/);
  expect(stdout).toMatch(/ 0 +look at .* +confirmed +1 +[0-9a-f]{8}… +11 B/);
  expect(stderr.replaceAll(new RegExp(SINCE, "g"), "")).toContain(`rookery resolve ${parked} 'book it'\\''s' --did-not-happen`);
  expect(stderr).toMatch(SINCE);
});
test("effects as JSON are one document", async () => {
  const { stdout } = await call(["effects", parked, "--json"], place);
  expect(JSON.parse(stdout)).toMatchObject([
    { key: KEY, scope: "step", step: 0, state: "in_doubt", attempt: 1, resultBytes: null, byOperator: false },
    { key: "look at seats of 日本", scope: "item", state: "confirmed", resultBytes: 11 },
  ]);
});
test("an item without effects says so", async () => {
  const workId = (await call(["enqueue", "doubtful", '{"ifInDoubt":"park"}'], place)).stdout.trim();
  expect(await call(["effects", workId], place)).toMatchObject({ code: 0, stdout: "", stderr: "it has no effects\n" });
});

test("status of a parked item says which effect is in doubt, and what to do", async () => {
  const { stdout } = await call(["status", parked], place);
  expectColumns(stdout.replaceAll(/^.*rookery .*$/gm, ""));
  expect(stdout).toMatch(/status +paused, effect "book it's" is in doubt: socket hang up/);
  const next = stdout
    .slice(stdout.indexOf("next"))
    .split("\n")
    .map((line) => line.replace(/^(next)? +/, "").replace(SINCE, ""));
  expect(next).toEqual([
    `rookery effects ${parked}`,
    `rookery resolve ${parked} 'book it'\\''s' --happened '<json>'`,
    `rookery resolve ${parked} 'book it'\\''s' --did-not-happen`,
    `rookery cancel ${parked}`,
    "",
  ]);
  expect((await call(["events", parked], place)).stdout).toMatch(/parked: effect "book it's" is in doubt: socket hang\s+up/);
});
test("a resume of a parked item says that it parks again; cancelled, its status still says what is in doubt", async () => {
  const workId = await started("park");
  const { code, stderr } = await call(["resume", workId], { env, tty: true });
  expect(code).toBe(0);
  expect(stderr).toContain(`it parks again until you say what happened: rookery resolve ${workId}`);
  await work(workId);
  expect((await call(["status", workId], place)).stdout).toMatch(/status +paused/);
  expect((await call(["cancel", workId], place)).code).toBe(0);
  await work(workId);
  const { stdout } = await call(["status", workId], place);
  expect(stdout).toMatch(/status +cancelled/);
  expect(stdout.replaceAll(new RegExp(SINCE, "g"), "")).toContain(`rookery resolve ${workId} 'book it'\\''s' --did-not-happen`);
});
test("status of an item that asks the outside system says until when", async () => {
  const workId = await started("ask");
  const { stdout } = await call(["status", workId], place);
  expect(stdout).toMatch(/sleeping, what became of an effect is not known; asked again in 1 h/);
  expect(stdout).toMatch(new RegExp(`next +rookery effects ${workId}`));
  expect((await call(["events", workId], place)).stdout).toMatch(/not known yet: effect "book it's" is in doubt/);
});

const Resolved = z.object({ workId: z.string(), effect: z.object({ state: z.string(), byOperator: z.boolean() }) });
describe("resolve", () => {
  test.each([
    ["happened, with JSON", ["--happened", '"1A, as they say"'], "confirmed", "completed", "1A, as they say"],
    ["happened, from stdin", ["--happened", "-"], "confirmed", "completed", "from stdin"],
    ["did not happen", ["--did-not-happen"], "open: it is run again", "completed", "booked 1A"],
    ["is given up", ["--fail", "no more seats"], "given up", "dead_lettered", null],
    ["is given up without a word", ["--fail"], "given up", "dead_lettered", null],
  ] as const)("says that an effect %s, and the item goes on", async (name, words, state, status, result) => {
    const workId = await started("park", name);
    const told = await call(["resolve", `doubtful/${name}`, KEY, ...words], { env, stdin: '"from stdin"', tty: true });
    expect(told).toMatchObject({ code: 0, stdout: `effect ${KEY} of ${workId} is ${state}\n` });
    expect(told.stderr).toMatch(/it waits for a worker; when none is at work: rookery worker/);
    await work(workId);
    const shown: unknown = JSON.parse((await call(["status", workId, "--json"], place)).stdout);
    expect(shown).toMatchObject({ status, result });
  });
  test("again is the same, and another word is refused", async () => {
    const workId = await started("park");
    for (const _ of [1, 2]) {
      const { code, stdout } = await call(["resolve", workId, KEY, "--happened", "{}", "--step", "0", "--json"], place);
      expect(code).toBe(0);
      expect(Resolved.parse(JSON.parse(stdout))).toMatchObject({ workId, effect: { state: "confirmed", byOperator: true } });
    }
    const refused = await call(["resolve", workId, KEY, "--fail"], place);
    expect(refused).toMatchObject({ code: 4, stdout: "" });
    expect(refused.stderr).toMatch(
      /cannot resolve effect "book it's" of .*: expected one that is in doubt, got one that is confirmed/,
    );
  });
  test("an effect or an item that is not there is not found", async () => {
    const { code, stderr } = await call(["resolve", parked, "nope", "--did-not-happen"], place);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /has no effect "nope", expected one of: .*book it's.*\n {2}hint: see what it has: rookery effects <id>/,
    );
    expect((await call(["resolve", "0".repeat(20), "k", "--did-not-happen"], place)).code).toBe(3);
  });
  test.each<[string[], RegExp]>([
    [[], /expected one of --happened <json>, --did-not-happen and --fail, got 0 of them/],
    [["--did-not-happen", "--fail"], /got 2 of them/],
    [["--happened", "{seat: 1}"], /--happened: expected JSON, got "\{seat: 1\}"/],
    [["--happened", "@/no/such/file"], /--happened: cannot read \/no\/such\/file/],
    [["--did-not-happen", "--step", "first"], /--step <number>: expected a whole number, got "first"/],
    [["--fail", "x".repeat(2_001)], /resolution: fail: expected a text of at most 2000 characters/],
  ])("wrong usage %# is answered with exit code 2 and what was expected", async (words, says) => {
    const { code, stdout, stderr } = await call(["resolve", parked, KEY, ...words], place);
    expect(stderr).toMatch(says);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});
