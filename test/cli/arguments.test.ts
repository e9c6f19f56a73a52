/** Help, wrong arguments and things that are not there: one line, a way on, and the documented exit code. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { call, expectColumns, scratch, TROUBLE, worked } from "./support.ts";

const home = scratch();
const empty = scratch();
const env = { ROOKERY_HOME: home.path, ROOKERY_ENGINES: TROUBLE };
let ended = "";
beforeAll(async () => {
  ended = await worked(home.path, { after: 1, how: "end" }, { key: "taken" });
});
afterAll(() => {
  home.remove();
  empty.remove();
});

describe("the help", () => {
  test("names every command, the exit codes and the settings", async () => {
    const { code, stdout, stderr } = await call(["--help"]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    for (const { name } of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} `, "m"));
    expect(stdout).toContain("0 ok, 1 failed, 2 wrong usage or input, 3 not found, 4 refused");
    expect(stdout).toContain("ROOKERY_HOME");
    expect(stdout).not.toContain("worker-child");
    expectColumns(stdout);
  });
  test.each(COMMANDS.map(({ name }) => name))("of %s fits the page", async (name) => {
    const asked = await call([name, "--help"]);
    expect(asked.code).toBe(0);
    expect(asked.stdout).toContain(`Usage: rookery ${name}`);
    expectColumns(asked.stdout);
    expect((await call(["help", name])).stdout).toBe(asked.stdout);
  });
  test("is the answer to nothing at all, and to a missing subcommand", async () => {
    expect(await call([])).toMatchObject({ code: 0, stdout: expect.stringContaining("Usage:") });
    expect(await call(["artifact"])).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("show") });
    expect(await call(["--json"])).toMatchObject({ code: 2, stdout: "" });
  });
  test("says what comes as lines of JSON, and when there are states", async () => {
    for (const name of ["events", "history", "log"])
      expect((await call([name, "--help"])).stdout).toMatch(/lines of JSON, one for each/i);
    expect((await call(["history", "--help"])).stdout).toContain('journal: "full"');
    expect((await call(["worker", "--help"])).stdout).toMatch(/lane: high[^-]*\(default:\s+all\)/);
  });
  test("knows the version", async () => {
    expect((await call(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

const WRONG: readonly [argv: string[], says: RegExp][] = [
  [["nope"], /unknown command 'nope'\n {2}hint: see: rookery --help/],
  [["enq"], /unknown command 'enq'\n {2}hint: did you mean enqueue\?/],
  [["artifact", "foo"], /unknown command 'foo'\n {2}hint: expected one of: list, show/],
  [["artifact", "lst", "x"], /unknown command 'lst'\n {2}hint: did you mean list\?/],
  [["lst"], /unknown command 'lst'\n {2}hint: did you mean list/],
  [["list", "--limt", "3"], /unknown option '--limt'\n {2}hint: did you mean --limit/],
  [["list", "--limit", "0"], /: --limit <count>: expected a whole number from 1, got "0"\n {2}hint: see: rookery list --help/],
  [["list", "--limit", "1001"], /limit: expected 1 to 1000, got 1001/],
  [["list", "--status", "happy"], /--status.*happy.*queued/],
  [["list", "--label", "nothing"], /expected name=value, got "nothing"/],
  [["list", "--after", "junk"], /cursor/i],
  [["list", "extra"], /too many arguments/],
  [["status"], /expected the id of a work item/],
  [["status", "a", "--engine", "counter", "--key", "k"], /expected an id, or --engine and --key, got both/],
  [["status", "--key", "k"], /--engine and --key name an item together/],
  [["status", "bad engine/k"], /engine id: expected/],
  [["log", "x", "--last", "-1"], /--last.*expected a whole number, got "-1"/],
  [["enqueue"], /missing required argument 'engine'/],
  [["enqueue", "counter", "{upTo: 5}"], /payload: expected JSON, got "\{upTo: 5\}" \(.*\)\n {2}hint: .*@payload\.json/],
  [["enqueue", "counter", "-"], /stdin: expected JSON, got nothing\n {2}hint: pipe it in: echo/],
  [["worker", "--lane", "fast"], /--lane <lane>: expected one of: high, normal, low, got "fast"\n/],
  [["engines", "--engines", "./nofile.ts"], /--engines: expected a file, got \/.*\/nofile\.ts\n {2}hint: /],
  [["enqueue", "counter", "@/no/such/file"], /payload: cannot read \/no\/such\/file/],
  [["enqueue", "counter", '{"upTo":"x"}'], /payload of engine counter does not match its schema: \$\.upTo: .*number/],
  [["enqueue", "counter", '{"upTo":5}', "--lane", "fast"], /fast.*high, normal, low/],
  [["enqueue", "counter", '{"upTo":5}', "--delay", "soon"], /expected a duration such as 10m.*got "soon"/],
  [["enqueue", "counter", '{"upTo":5}', "--key", ""], /key: expected a well-formed text of 1 to/],
  [
    ["enqueue", "counter", '{"upTo":5}', "--key", "k".repeat(16_385)],
    /key: expected a well-formed text of 1 to.*\(16385 characters\)/,
  ],
  [["enqueue", "counter", '{"upTo":5}', "--again"], /--again: expected a --key beside it/],
  [["enqueue", "counter", '{"upTo":5}', "--label", "a=1", "--label", "a=2"], /expected every name once, got "a" twice/],
  [["run"], /expected an engine and a payload, or --id/],
  [["run", "counter", "{}", "--id", "x"], /expected an engine and a payload, or --id <id>, not both/],
  [["run", "counter", "{}", "--steps", "1.5"], /expected a whole number from 1/],
  [["engines", "--namespace", "No Good", "list"], /too many arguments|namespace/],
  [["list", "--namespace", "No/Good"], /namespace: expected .* got "No\/Good"/],
  [["list", "--config", "/no/rookery.config.ts"], /--config: expected a file, got \/no\/rookery\.config\.ts/],
  [["cancel"], /expected the id of a work item/],
];
test.each(WRONG)("%j is answered with exit code 2 and what was expected", async (argv, says) => {
  const { code, stdout, stderr } = await call(argv, { env: { ROOKERY_HOME: home.path } });
  expect(stderr).toMatch(says);
  expect(stderr).toMatch(/^rookery: .*\n( {2}hint: .*\n)?$/);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
});

const MISSING: readonly [argv: string[], says: RegExp][] = [
  [["enqueue", "countr", "{}"], /unknown engine "countr", expected one of: .*counter.*\n {2}hint: did you mean counter\?/],
  [["enqueue", "zebra", "{}"], /unknown engine "zebra".*\n {2}hint: engines come from/],
  [["run", "countr", "{}"], /unknown engine "countr"/],
  [["run", "--id", "0".repeat(20)], /no work item "0{20}"/],
  [["status", "nonsense"], /no work item "nonsense" in namespace "default"\n {2}hint: .*rookery list/],
  [["status", "counter/nothing"], /no work item "counter\/nothing"/],
  [["status", "--engine", "counter", "--key", "ü 1"], /no work item "counter\/ü 1"/],
  [["events", "0".repeat(20)], /no work item/],
  [["history", "0".repeat(20)], /no work item/],
  [["log", "0".repeat(20)], /no work item/],
  [["artifact", "list", "0".repeat(20)], /no work item/],
  [["cancel", "0".repeat(20)], /no work item/],
];
test.each(MISSING)("%j is answered with exit code 3", async (argv, says) => {
  const { code, stdout, stderr } = await call(argv, { env });
  expect(stderr).toMatch(says);
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
});
test("an item of another namespace, and an artifact that is not there, are not found", async () => {
  expect(await call(["status", ended, "--namespace", "elsewhere"], { env })).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('in namespace "elsewhere"'),
  });
  expect(await call(["artifact", "show", ended, "nope"], { env })).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/no artifact "nope", expected one of: .*report 0\.json/),
  });
});
test("looking makes no home", async () => {
  const place = { cwd: empty.path };
  expect(await call(["list"], place)).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining("nothing here") });
  expect(await call(["status", ended], place)).toMatchObject({ code: 3, stderr: expect.stringContaining(empty.path) });
  expect(await call(["sweep", "--json"], place)).toMatchObject({ code: 0 });
  const { readdirSync } = await import("node:fs");
  expect(readdirSync(empty.path)).toEqual([]);
});
test("what the status or the key does not allow is refused with exit code 4", async () => {
  const refused = await call(["cancel", ended], { env });
  expect(refused).toMatchObject({ code: 4, stdout: "" });
  expect(refused.stderr).toMatch(/cannot cancel work item \w+: expected an item that has not ended, got one that is completed/);
  const conflict = await call(["enqueue", "trouble", '{"after":9,"how":"end"}', "--key", "taken"], { env });
  expect(conflict).toMatchObject({ code: 4, stdout: "" });
  expect(conflict.stderr).toMatch(
    /key "taken" of engine trouble already names .*expected payload digest \w+, got \w+\n {2}hint: .*--again/,
  );
});
test("an error with --json is a line of JSON on stderr, and with --verbose has its stack", async () => {
  const { code, stderr } = await call(["status", "nonsense", "--json", "-v"], { env });
  expect(code).toBe(3);
  expect(JSON.parse(stderr)).toMatchObject({
    error: { exit: 3, code: "unknown_work_item", stack: expect.stringContaining("at ") },
  });
  expect((await call(["status", "nonsense"], { env })).stderr).not.toContain("    at ");
  expect((await call(["status", "nonsense", "-v"], { env })).stderr).toContain("    at ");
});
