/** The command line as a process: its exit, its pipes, its signals, and `rookery run`. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { call, killStarted, ROOT, scratch, start, TROUBLE } from "./support.ts";

const home = scratch();
const env = { ROOKERY_HOME: home.path, ROOKERY_ENGINES: TROUBLE };
const place = { env };
afterAll(() => {
  killStarted();
  home.remove();
});
const idIn = (text: string): string => /work item ([0-9a-z]{20})/.exec(text)?.[1] ?? "";
const Shown = z.object({ status: z.string(), version: z.number(), attempt: z.number(), holder: z.null() });
const statusOf = async (id: string) => Shown.parse(JSON.parse((await call(["status", id, "--json"], place)).stdout));

describe.concurrent("run", () => {
  test("works until the end: the result on stdout, the way on stderr", async () => {
    const { code, stdout, stderr } = await start(["run", "counter", '{"upTo":5}'], place).ended;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ sum: 15 });
    const id = idIn(stderr);
    expect(await call(["run", "--id", id], place)).toMatchObject({ code: 0, stdout: expect.stringContaining("15") });
  });
  test("stops after so many steps and goes on from there", async () => {
    const bounded = await start(["run", "trouble", '{"after":4,"how":"end"}', "--key", "bounded", "--steps", "2"], place).ended;
    expect(bounded).toMatchObject({ code: 0, stdout: "" });
    const id = idIn(bounded.stderr);
    expect(bounded.stderr).toContain(`go on with: rookery run --id ${id}`);
    expect(await statusOf(id)).toMatchObject({ version: 2 });
    const rest = await start(["run", "--id", "trouble/bounded", "--json"], place).ended;
    expect(rest.code).toBe(0);
    expect(JSON.parse(rest.stdout)).toMatchObject({ workId: id, status: "completed", how: "ended", result: { steps: 4 } });
  });
  test("says why an item failed, and ends with 1", async () => {
    const { code, stdout, stderr } = await start(["run", "trouble", '{"after":1,"how":"bug"}'], place).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(
      /rookery: work item \w+ dead-lettered: TypeError: x is not a function \(bug\)\n {2}hint: rookery redrive \w+/,
    );
  });
  test("leaves the item to be run on after Ctrl-C, and spends no attempt", async () => {
    const running = start(["run", "trouble", '{"after":0,"how":"slow"}'], place);
    await running.says(/version [1-9]/);
    running.kill("SIGINT");
    const { code, stderr } = await running.ended;
    expect(code).toBe(1);
    expect(stderr).toContain("stopping");
    const id = idIn(stderr);
    expect(stderr).toContain(`go on with: rookery run --id ${id}`);
    const left = await statusOf(id);
    expect(left).toMatchObject({ status: "queued", holder: null });
    const more = await start(["run", "--id", id, "--steps", "1", "--json"], place).ended;
    expect(JSON.parse(more.stdout)).toMatchObject({ version: left.version + 1 });
  });
  test("says how to send the signal that an item waits for, and goes on when it comes", async () => {
    const approvals = ["--engines", join(ROOT, "test/cli/approvals.ts")];
    const running = start(["run", "approvals", ...approvals], place);
    await running.says(/it waits for signal approved or signal refused; send it from another terminal, with its payload:\n/);
    await running.says(/approvals: waiting for signal approved or signal refused, .*, version 1\n/);
    const suggestion = /rookery signal (\w+) refused '<json>' --engines /;
    await running.says(suggestion);
    const [, id = ""] = suggestion.exec(running.stderr()) ?? [];
    await call(["signal", id, "refused", '{"why":"no"}', ...approvals], place);
    const { code, stdout, stderr } = await running.ended;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual(["refused", { why: "no" }]);
  });
  test("works on children, and says how many have ended", async () => {
    const crowd = ["--engines", join(ROOT, "test/cli/crowd.ts")];
    const running = start(["run", "crowd", '{"each":2}', ...crowd], place);
    await running.says(/crowd: waiting for children: 4 of 6, 2 badly, .*, version 1\n/);
    running.kill("SIGINT");
    expect((await running.ended).code).toBe(1);
  });
});

test("a reader that goes away is no failure", async () => {
  await Promise.all(
    Array.from({ length: 30 }, (_, i) => call(["enqueue", "counter", '{"upTo":5}', "--key", `${i}/${"k".repeat(5_000)}`], place)),
  );
  const script = `"${process.execPath}" "${ROOT}/src/cli/main.ts" list --json --limit 100 | head -n 1; echo "exit \${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(stdout).toBe("{\nexit 0\n");
});
test("an older Node is told so before anything else is loaded", async () => {
  const older = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'22.3.0'})";
  const { code, stdout, stderr } = await start(["list"], place, ["--import", older]).ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^rookery: this needs Node 24 or later, and is run by Node 22\.3\.0\n {2}hint: .*nodejs\.org/);
});
test("nothing reaches for the network", async () => {
  const deaf =
    "data:text/javascript,import net from 'node:net';import dns from 'node:dns';" +
    "net.Socket.prototype.connect=()=>{throw new Error('network')};dns.lookup=()=>{throw new Error('network')}";
  const { code, stderr } = await start(["run", "counter", '{"upTo":3}'], { env: { ...env, NODE_OPTIONS: `--import "${deaf}"` } })
    .ended;
  expect(code, stderr).toBe(0);
});
/** Vitest compiles what it loads in this process; Node only strips. */
test("an enum in a config is named, with what to write instead", async () => {
  const folder = scratch();
  const path = join(folder.path, "rookery.config.ts");
  writeFileSync(path, "enum A { B }\nexport default { engines: [] };");
  const { code, stderr } = await start(["list"], { cwd: folder.path }).ended;
  folder.remove();
  expect(code).toBe(1);
  expect(stderr).toContain(`cannot load ${path}: `);
  expect(stderr).toMatch(/enum.*\n {2}hint: Node runs TypeScript by leaving the types out/);
});
test("what a config leaves open does not keep a command from ending", async () => {
  const folder = scratch();
  writeFileSync(join(folder.path, "rookery.config.mjs"), "setInterval(() => {}, 1000); export default { engines: [] };");
  expect(await start(["engines"], { cwd: folder.path }).ended).toMatchObject({ code: 0 });
  folder.remove();
});
