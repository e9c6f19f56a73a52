/** What the commands print of items, for people and as JSON. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { call, expectColumns, scratch, settle, TROUBLE, worked } from "./support.ts";

const home = scratch();
const env = { ROOKERY_HOME: home.path, ROOKERY_ENGINES: TROUBLE };
const place = { env };
const ids: Record<string, string> = {};
const idOf = (name: string): string => ids[name] ?? "";

beforeAll(async () => {
  ids["completed"] = await worked(home.path, { after: 2, how: "end" });
  ids["dead"] = await worked(home.path, { after: 1, how: "network" }, { key: "orders/für Ü 日本/1" });
  ids["failed"] = await worked(home.path, { after: 1, how: "fail" });
  ids["asleep"] = await worked(home.path, { after: 1, how: "sleep" }, { untilVersion: 2 });
  const options = [
    "--tenant",
    "acme",
    "--label",
    "team=blue",
    "--label",
    "a=b=c",
    "--lane",
    "high",
    "--deadline",
    "2d",
    "--delay",
    "10m",
  ];
  const queued = await call(["enqueue", "trouble", '{"after":9,"how":"end"}', ...options], place);
  ids["delayed"] = queued.stdout.trim();
});
afterAll(() => home.remove());

const WORDS: readonly [name: string, says: readonly (string | RegExp)[]][] = [
  [
    "completed",
    [
      /status +completed, /,
      /saved +version 3, /,
      /result +\{"steps":2\}/,
      /artifacts +report 0\.json, raw\.bin, report 1/,
      /next +rookery artifact list/,
    ],
  ],
  [
    "dead",
    [
      /status +dead-lettered, /,
      /error +TypeError: fetch failed \(transient\)/,
      /key +orders\/für Ü 日本\/1/,
      /last step +work 1/,
      /next +rookery redrive/,
    ],
  ],
  ["failed", [/status +failed, /, /error +Error: no money left \(/, /meters +tokens=24/, /next +rookery redrive/]],
  [
    "asleep",
    [
      /status +sleeping, goes on by itself in 1 h/,
      /next step +wait for spring/,
      /wakes +in 1 h \(\d{4}-/,
      /engine +trouble \(version 3\)/,
    ],
  ],
  [
    "delayed",
    [
      /status +sleeping, goes on by itself in 10 min/,
      /saved +nothing yet/,
      /labels +team=blue a=b=c/,
      /tenant +acme/,
      /lane +high/,
      /deadline +in 2 d/,
    ],
  ],
];
test.each(WORDS)("status of a %s item says what is needed", async (name, says) => {
  const { code, stdout, stderr } = await call(["status", idOf(name)], place);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const one of says) expect(stdout).toMatch(one);
  expectColumns(stdout);
});
test("status of an item whose engine is not loaded here says so, and run refuses it once", async () => {
  const elsewhere = { env: { ROOKERY_HOME: home.path } };
  const needs = /needs engine trouble version ≥ 3;\s+not loaded here/;
  const shown = (await call(["status", idOf("asleep")], elsewhere)).stdout;
  expect(shown).toMatch(needs);
  expect(shown).toMatch(/next +rookery engines\n$/);
  expect((await call(["status", idOf("delayed")], elsewhere)).stdout).toMatch(/needs engine trouble version ≥\s+1/);
  expect((await call(["status", idOf("asleep")], place)).stdout).not.toContain("needs");
  const { code, stdout, stderr } = await call(["run", "--id", idOf("asleep")], elsewhere);
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
  expect(stderr).toMatch(/^rookery: work item \w+ needs engine .*\n {2}hint: engines come from .*\n$/);
});
test("status leaves out the name that a step has by default", async () => {
  expect((await call(["status", idOf("delayed")], place)).stdout).not.toMatch(/next step/);
});
test("status as JSON is one document with the result", async () => {
  const { stdout } = await call(["status", idOf("completed"), "--json"], place);
  expect(JSON.parse(stdout)).toMatchObject({ workId: ids["completed"], status: "completed", version: 3, result: { steps: 2 } });
});
test("an item is found by its key, in each of the two ways", async () => {
  const key = "orders/für Ü 日本/1";
  const found = await Promise.all([
    call(["status", `trouble/${key}`, "--json"], place),
    call(["status", "--engine", "trouble", "--key", key, "--json"], place),
  ]);
  for (const { stdout } of found) expect(JSON.parse(stdout)).toMatchObject({ workId: ids["dead"] });
});

describe("list", () => {
  const Page = z.object({ entries: z.array(z.object({ workId: z.string(), status: z.string() })), next: z.string().nullable() });
  const page = async (...argv: string[]) => Page.parse(JSON.parse((await call(["list", "--json", ...argv], place)).stdout));
  test("shows every item in a line that fits", async () => {
    const { code, stdout } = await call(["list", "--no-color"], { env, tty: true });
    expect(code).toBe(0);
    for (const id of Object.values(ids)) expect(stdout).toContain(id);
    expect(stdout).toMatch(/dead-lettered/);
    expect(stdout.trim().split("\n")).toHaveLength(Object.keys(ids).length + 1);
    expectColumns(stdout);
  });
  test("gives a pipe everything, however long it is", async () => {
    const { stdout } = await call(["list"], place);
    expect(stdout).toContain("wait for spring");
    expect(stdout).toContain("orders/für Ü 日本/1");
  });
  test("filters", async () => {
    const only = async (...argv: string[]) => (await page(...argv)).entries.map(({ workId }) => workId);
    expect(await only("--status", "dead-lettered")).toEqual([ids["dead"]]);
    expect(await only("--status", "sleeping", "--label", "team=blue")).toEqual([ids["delayed"]]);
    expect(await only("--tenant", "acme")).toEqual([ids["delayed"]]);
    expect(await only("--engine", "counter")).toEqual([]);
  });
  test("goes on where a page ended", async () => {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { entries, next }: z.infer<typeof Page> = await page("--limit", "2", ...(after === null ? [] : ["--after", after]));
      seen.push(...entries.map(({ workId }) => workId));
      after = next;
    } while (after !== null);
    expect(seen.toSorted()).toEqual(Object.values(ids).toSorted());
    expect((await call(["list", "--limit", "2", "--engine", "trouble"], place)).stderr).toMatch(
      /more with: rookery list --engine trouble --limit 2 --after [\w-]+\n/,
    );
  });
});

describe("events, history and log", () => {
  test("tell in words what happened", async () => {
    const { stdout } = await call(["events", idOf("dead")], place);
    expect(stdout).toMatch(/v1 +step saved in/);
    expect(stdout).toMatch(/work 1 failed: TypeError: fetch failed \(transient\);\s+again/);
    expect(stdout).toMatch(/attempt 2: .*\s.*not tried again/);
    expect(stdout).toMatch(/dead-lettered: out of attempts/);
    expectColumns(stdout);
  });
  test("are lines of JSON with --json", async () => {
    for (const [command, count] of [
      ["events", 4],
      ["history", 3],
      ["log", 2],
    ] as const) {
      const { code, stdout } = await call([command, idOf("completed"), "--json"], place);
      expect(code).toBe(0);
      const lines = stdout
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line));
      expect(lines, command).toHaveLength(count);
    }
  });
  test("follow ends with the item", async () => {
    const { code, stdout } = await call(["events", idOf("completed"), "--follow"], place);
    expect(code).toBe(0);
    expect(stdout.match(/completed/g)).toHaveLength(1);
  });
  test("history shows the states, cut to the page", async () => {
    const { stdout } = await call(["history", idOf("completed")], place);
    expect(stdout).toMatch(/v1 +step \(.* ms\) \{"n":1\}/);
    expectColumns(stdout);
  });
  test("log gives the newest when they are enough", async () => {
    expect((await call(["log", idOf("completed"), "--last", "1"], place)).stdout).toBe('{"said":"hello 1"}\n');
    expect((await call(["log", idOf("completed"), "--last", "0"], place)).stderr).toContain("empty");
  });
  test("say when there is nothing yet", async () => {
    for (const command of ["events", "history", "log"]) {
      const { code, stdout, stderr } = await call([command, idOf("delayed")], place);
      expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
      expect(stderr).not.toBe("");
    }
  });
});

describe("artifacts", () => {
  test("are listed", async () => {
    const { stdout } = await call(["artifact", "list", idOf("completed")], place);
    expect(stdout).toMatch(/report 1\.json +application\/json +13 B +[0-9a-f]{12}…/);
    expectColumns(stdout);
    const all: unknown = JSON.parse((await call(["artifact", "list", idOf("completed"), "--json"], place)).stdout);
    expect(all).toHaveLength(4);
  });
  test("are shown byte by byte, or written to a file", async () => {
    expect(JSON.parse((await call(["artifact", "show", idOf("completed"), "report 1.json"], place)).stdout)).toEqual({ n: 1 });
    const out = join(home.path, "raw.out");
    expect(await call(["artifact", "show", idOf("completed"), "raw.bin", "-o", out], place)).toMatchObject({
      code: 0,
      stdout: "",
    });
    expect([...readFileSync(out)]).toEqual([1, 2, 3, 255]);
    const { stdout } = await call(["artifact", "show", idOf("completed"), "raw.bin", "--json"], place);
    expect(JSON.parse(stdout)).toMatchObject({ name: "raw.bin", bytes: 4, base64: "AQID/w==" });
  });
  test("that are no text do not reach a terminal", async () => {
    const { code, stdout, stderr } = await call(["artifact", "show", idOf("completed"), "raw.bin"], { env, tty: true });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("--output");
  });
  test("that cannot be written leave nothing behind", async () => {
    const folder = join(home.path, "folder");
    mkdirSync(folder);
    const { code, stderr } = await call(["artifact", "show", idOf("completed"), "raw.bin", "-o", folder], place);
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot write .*folder/);
  });
});

describe("on a terminal", () => {
  const ESC = "\u001b[";
  test("there is colour, unless NO_COLOR or --no-color", async () => {
    const shown = async (more: Record<string, string>, ...argv: string[]) =>
      (await call(["list", ...argv], { env: { ...env, ...more }, tty: true })).stdout;
    expect(await shown({})).toContain(ESC);
    expect(await shown({ NO_COLOR: "1" })).not.toContain(ESC);
    expect(await shown({}, "--no-color")).not.toContain(ESC);
    expect(await shown({}, "--json")).not.toContain(ESC);
    expect((await call(["list"], { env: { ...env, FORCE_COLOR: "1" } })).stdout).toContain(ESC);
    expectColumns(await shown({}));
  });
  test("COLUMNS widens what was cut", async () => {
    const long = "a-rather-long-key/".repeat(8);
    await call(["enqueue", "counter", '{"upTo":5}', "--key", long], place);
    expect((await call(["list"], { env, tty: true })).stdout).not.toContain(long);
    expect((await call(["list"], { env: { ...env, COLUMNS: "250" }, tty: true })).stdout).toContain(long);
  });
});

test("commands are sent, applied in order, and refused one by one", async () => {
  const id = idOf("asleep");
  expect(await call(["pause", id, "--reason", "too\u001b[2J wild"], place)).toMatchObject({
    code: 0,
    stdout: `pause sent to ${id}\n`,
  });
  expect((await call(["status", id], place)).stdout).toMatch(/unread +1 command waits for a worker/);
  await settle(home.path, id);
  expect((await call(["status", id], place)).stdout).toMatch(
    /status +paused, too wild; would wake in 1 h[\s\S]*next +rookery resume/,
  );
  const several = await call(["resume", id, idOf("completed"), "0".repeat(20)], place);
  expect(several).toMatchObject({ code: 4, stdout: `resume sent to ${id}\n` });
  expect(several.stderr).toMatch(/cannot resume work item .*\n[\s\S]*no work item/);
  const { code, stdout } = await call(["cancel", idOf("delayed"), "nonsense", "--json"], place);
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject([
    { workId: ids["delayed"], sent: true },
    { sent: false, error: { code: "unknown_work_item" } },
  ]);
  expect((await call(["redrive", idOf("failed"), "--note", "paid"], place)).code).toBe(0);
  await settle(home.path, idOf("failed"));
  expect((await call(["events", idOf("failed")], place)).stdout).toMatch(/redriven: paid/);
});
