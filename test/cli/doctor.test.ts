/** `rookery doctor`, on stores that are well and on some that are not. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { call, expectColumns, scratch, TROUBLE, worked } from "./support.ts";

const base = scratch();
afterAll(() => base.remove());
let count = 0;
const fresh = (): string => {
  const path = join(base.path, String(count++));
  mkdirSync(path);
  return path;
};

const Report = z.object({
  healthy: z.boolean(),
  checks: z.array(
    z.object({ name: z.string(), state: z.string(), found: z.string(), fix: z.string().nullable(), data: z.json().optional() }),
  ),
});
async function examine(home: string, env: Record<string, string> = {}, cwd = base.path) {
  const place = { cwd, env: { ROOKERY_HOME: home, ...env } };
  const [json, human] = [await call(["doctor", "--json"], place), await call(["doctor"], place)];
  const report = Report.parse(JSON.parse(json.stdout));
  expect(json.code).toBe(report.healthy ? 0 : 1);
  expect(human.code).toBe(json.code);
  expectColumns(human.stdout.replaceAll(/\S{60,}/g, ""));
  return { report, human: human.stdout, of: (name: string) => report.checks.find((check) => check.name === name) };
}

test("a home that is not there yet is well, and is not made", async () => {
  const { report, of } = await examine(join(base.path, "none"));
  expect(report.healthy).toBe(true);
  expect(of("home")?.found).toContain("made by the first enqueue");
  expect(of("database")?.found).toBe("none yet");
});
test("a store that is well is said to be, with what waits in it", async () => {
  const home = fresh();
  const env = { ROOKERY_ENGINES: TROUBLE };
  await worked(home, { after: 0, how: "end" });
  for (const delay of ["0", "10m"]) {
    await call(["enqueue", "counter", '{"upTo":5}', "--delay", delay], { env: { ROOKERY_HOME: home } });
  }
  const { report, of } = await examine(home, env);
  expect(report.checks.filter(({ state }) => state === "wrong")).toEqual([]);
  expect(of("engines")?.found).toContain("trouble (version 3)");
  expect(of("database")?.data).toMatchObject({ version: 1, quickCheck: "ok" });
  expect(of("messages")?.data).toMatchObject({ delayed: 1, inFlight: 0, buried: 0 });
  expect(of("leases")?.data).toEqual({ held: 0, dead: 0 });
});
test("a database of a newer release is named with both versions, by every command", async () => {
  const home = fresh();
  await worked(home, { after: 0, how: "end" });
  const db = new DatabaseSync(join(home, "rookery.sqlite"));
  db.exec("PRAGMA user_version = 99");
  db.close();
  const { of } = await examine(home);
  expect(of("store")).toMatchObject({ state: "wrong", found: expect.stringMatching(/schema version 99, expected at most \d+/) });
  const listed = await call(["list"], { env: { ROOKERY_HOME: home } });
  expect(listed).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/schema version 99.*\n {2}hint: npm install/),
  });
});
test("a file that is no database, and one that is damaged", async () => {
  const home = fresh();
  writeFileSync(join(home, "rookery.sqlite"), "not a database, but long enough to be read as one ".repeat(100));
  expect((await examine(home)).of("database")).toMatchObject({
    state: "wrong",
    found: expect.stringContaining("not a database"),
  });
});
test("a home that is a file, or lies under one", async () => {
  const file = join(fresh(), "file");
  writeFileSync(file, "");
  for (const home of [file, join(file, "below")]) {
    const { of, human } = await examine(home);
    expect(of("home")).toMatchObject({ state: "wrong", found: expect.stringContaining("is no folder") });
    expect(human).toContain("-> name a folder with --home");
    const refused = await call(["enqueue", "counter", '{"upTo":5}'], { env: { ROOKERY_HOME: home } });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^rookery: .*file.*\n {2}hint: .*rookery doctor/);
  }
});
test("a home where nobody may write", async () => {
  // Root may write everywhere but where the kernel says no.
  const READ_ONLY = "/sys/rookery";
  const { of } = await examine(READ_ONLY);
  expect(of("home")).toMatchObject({ state: "wrong", found: expect.stringContaining("cannot be written") });
  expect(await call(["enqueue", "counter", '{"upTo":5}', "--home", READ_ONLY])).toMatchObject({ code: 1, stdout: "" });
});
test("a config or an engine that cannot be loaded", async () => {
  const folder = fresh();
  writeFileSync(join(folder, "rookery.config.ts"), "throw new Error('broken')");
  const place = { cwd: folder, env: {} };
  const { code, stdout } = await call(["doctor"], place);
  expect(code).toBe(1);
  expect(stdout).toMatch(/WRONG +config +cannot load .*broken[\s\S]*-> /);
  expect((await examine(fresh(), { ROOKERY_ENGINES: join(folder, "gone.ts") })).of("engines")).toMatchObject({ state: "wrong" });
});
test("a lease whose holder is dead, and a clock that was set back", async () => {
  const home = fresh();
  await worked(home, { after: 1, how: "sleep" }, { untilVersion: 1 });
  const db = new DatabaseSync(join(home, "rookery.sqlite"));
  const later = Date.now() + 3 * 86_400_000;
  db.exec(`UPDATE records SET body = json_set(body, '$.token', 99, '$.expires', 1) WHERE sort = 'LIVE/LEASE'`);
  db.exec(`UPDATE records SET body = json_set(body, '$.created', ${later}) WHERE sort = 'LIVE/ITEM'`);
  db.close();
  const { of } = await examine(home);
  expect(of("leases")).toMatchObject({
    state: "notice",
    data: { held: 0, dead: 1 },
    fix: expect.stringContaining("rookery worker"),
  });
  expect(of("clock")).toMatchObject({ state: "wrong", found: expect.stringContaining("in 3 d") });
});
