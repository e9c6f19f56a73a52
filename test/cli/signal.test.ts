/** Signals and callbacks from the command line, and the text that an item streams. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Embedded, openEmbedded } from "../../src/embedded.ts";
import { approvals } from "./approvals.ts";
import { type Answer, call, expectColumns, killStarted, ROOT, scratch, start } from "./support.ts";

const home = scratch();
const env = { ROOKERY_HOME: home.path, ROOKERY_ENGINES: join(ROOT, "test/cli/approvals.ts") };
let store: Embedded;
beforeAll(() => {
  store = openEmbedded({ home: home.path, engines: [approvals] });
});
afterAll(() => {
  killStarted();
  store.close();
  home.remove();
});

const rookery = (argv: readonly string[], more: { stdin?: string; tty?: boolean } = {}): Promise<Answer> =>
  call(argv, { env, cwd: home.path, ...more });
/** Lets it work until it waits, or ends. */
async function driven(workId: string, untilVersion?: number): Promise<void> {
  await store.drive(workId, new AbortController().signal, untilVersion === undefined ? {} : { untilVersion });
}
async function waiting(payload: { timeoutMs?: number; failFirst?: boolean } = {}): Promise<string> {
  const { workId } = await store.enqueue(approvals, payload);
  await driven(workId, 1);
  return workId;
}
async function tokenOf(workId: string): Promise<string> {
  const state = await store.state(workId);
  return typeof state === "object" && state !== null && "token" in state ? String(Reflect.get(state, "token")) : "";
}

describe("rookery signal", () => {
  test("wakes the item that waits for it", async () => {
    const workId = await waiting();
    expect((await rookery(["status", workId])).stdout).toMatch(
      /status +waiting, for signal approved or signal refused, until in 2 h/,
    );
    const sent = await rookery(["signal", workId, "approved", '{"by":"Ada"}']);
    expect(sent).toEqual({ code: 0, stdout: `signal approved sent to ${workId}\n`, stderr: "" });
    await driven(workId);
    expect(await store.resultJson(workId)).toEqual(["approved", { by: "Ada" }]);
  });

  test("takes its payload from stdin and files, and the item by its key", async () => {
    const path = join(home.path, "payload.json");
    writeFileSync(path, '{"why":"no"}');
    for (const [key, text, stdin] of [
      ["one", "@payload.json", ""],
      ["two", "-", '{"why":"no"}'],
    ] as const) {
      const { workId } = await store.enqueue(approvals, {}, { key });
      await driven(workId, 1);
      expect((await rookery(["signal", `approvals/${key}`, "refused", text], { stdin })).code).toBe(0);
      await driven(workId);
      expect(await store.resultJson(workId)).toEqual(["refused", { why: "no" }]);
    }
    expect(await rookery(["signal", "approvals/two", "refused", "-"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("| rookery signal approvals/two refused -"),
    });
  });

  test("is one signal however often its id is sent", async () => {
    const workId = await waiting();
    const send = (payload: string) => rookery(["signal", workId, "note", payload, "--id", "n1", "--json"]);
    for (let i = 0; i < 2; i++)
      expect(JSON.parse((await send('"hello"')).stdout)).toEqual({ workId, accepted: true, status: "waiting" });
    expect(await send('"other"')).toMatchObject({ code: 4, stderr: expect.stringContaining("signal_conflict") });
    const status = await rookery(["status", workId]);
    expect(status.stdout).toMatch(/buffered +1 signal that no step has taken yet/);
    expectColumns(status.stdout);
  });

  test("tells what it is not: a signal of the engine, a payload of it, accepted after the end", async () => {
    const workId = await waiting();
    const near = await rookery(["signal", workId, "aproved"]);
    expect(near).toMatchObject({ code: 2, stdout: "" });
    expect(near.stderr).toBe(
      'rookery: engine approvals has no signal "aproved", expected one of: approved, refused, note\n  hint: did you mean approved?\n',
    );
    expect(await rookery(["signal", workId, "xyz"])).toMatchObject({ code: 2, stderr: expect.not.stringContaining("did you") });
    expect(await rookery(["signal", workId, "approved", "{}"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("payload of signal approved of engine approvals does not match its schema: $.by"),
    });
    expect((await rookery(["signal", "nobody", "approved"])).code).toBe(3);
    await rookery(["signal", workId, "approved", '{"by":"Ada"}']);
    await driven(workId);
    const late = await rookery(["signal", workId, "refused", '{"why":"late"}']);
    expect(late).toMatchObject({ code: 4, stdout: "" });
    expect(late.stderr).toContain(`signal refused was not accepted: work item ${workId} is completed\n  hint: `);
    const json = await rookery(["signal", workId, "refused", '{"why":"late"}', "--json"]);
    expect(json).toMatchObject({ code: 4, stderr: "" });
    expect(JSON.parse(json.stdout)).toEqual({ workId, accepted: false, status: "completed" });
  });

  test("needs the engine to be loaded", async () => {
    const workId = await waiting();
    const { code, stderr } = await call(["signal", workId, "approved"], { env: { ROOKERY_HOME: home.path } });
    expect(code).toBe(3);
    expect(stderr).toContain('unknown engine "approvals"');
  });
});

describe("rookery callback", () => {
  test("sends the signal of the token, once", async () => {
    const workId = await waiting();
    const token = await tokenOf(workId);
    const send = (by: string) => rookery(["callback", token, JSON.stringify({ by })]);
    expect(await send("Ada")).toEqual({ code: 0, stdout: `callback sent to ${workId}\n`, stderr: "" });
    expect((await send("Ada")).code).toBe(0);
    expect(await send("Eve")).toMatchObject({ code: 4, stderr: expect.stringContaining("a token that is not used yet") });
    await driven(workId);
    expect(await store.resultJson(workId)).toEqual(["approved", { by: "Ada" }]);
  });

  test("tells strangers nothing", async () => {
    const token = await tokenOf(await waiting());
    const unknown = await rookery(["callback", `${token.slice(0, -4)}0000`]);
    expect(unknown).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("no callback is known by this token") });
    const nobody = token.replace(/-[0-9a-z]{20}-/, `-${"0".repeat(20)}-`);
    expect(await rookery(["callback", nobody])).toEqual(unknown);
    expect((await rookery(["callback", "token"])).code).toBe(2);
  });
});

describe("a signal that goes with an enqueue", () => {
  test("is there before the first step, and sent to the item of the key", async () => {
    const argv = [
      "enqueue",
      "approvals",
      "--key",
      "with",
      "--signal",
      "note",
      "--signal-payload",
      '"early"',
      "--signal-id",
      "e1",
    ];
    const first = await rookery(argv);
    expect(first.code).toBe(0);
    const workId = first.stdout.trim();
    expect((await rookery(argv)).stdout.trim()).toBe(workId);
    expect((await store.status(workId)).buffered).toBe(1);
    await driven(workId, 1);
    await rookery(["signal", workId, "approved", '{"by":"Ada"}']);
    await driven(workId);
    const late = await rookery(["enqueue", "approvals", "--key", "with", "--signal", "note", "--signal-payload", '"late"']);
    expect(late).toMatchObject({ code: 4, stderr: expect.stringContaining("signal note was not accepted: the item has ended") });
  });
  test("is refused when the engine has none of its name, or there is only a payload", async () => {
    expect(await rookery(["enqueue", "approvals", "--signal", "nope"])).toMatchObject({ code: 2, stdout: "" });
    expect(await rookery(["enqueue", "approvals", "--signal-id", "x"])).toMatchObject({ code: 2, stdout: "" });
    expect(await rookery(["enqueue", "approvals", "--signal", "note", "--signal-payload", "-"])).toMatchObject({ code: 2 });
  });
});

test("rookery status shows what a paused item would wait for", async () => {
  const workId = await waiting();
  await store.pause(workId);
  await driven(workId);
  expect((await rookery(["status", workId])).stdout).toMatch(/waits for +signal approved or signal refused\n/);
});

describe("rookery tail", () => {
  async function ended(): Promise<string> {
    const workId = await waiting({ failFirst: true });
    await store.signal(approvals, workId, "approved", { by: "Ada" });
    await driven(workId);
    return workId;
  }
  const RAW = "May I? \u001b[31mRed\u001b[0m\u0007 \u001b]0;title\u0007";

  test("prints what was written, and says what of it does not count", async () => {
    const workId = await ended();
    expect(await rookery(["tail", workId])).toEqual({
      code: 0,
      stdout: `${RAW}(attempt 1)${RAW}(attempt 2)Thank you.\n`,
      stderr: "rookery: drop what step 0 wrote so far: it does not count (attempt 2)\n",
    });
  });

  test("lets nothing steer a terminal", async () => {
    const { stdout, stderr } = await rookery(["tail", await ended()], { tty: true });
    expect(stdout).toBe("May I? Red (attempt 1)\nMay I? Red (attempt 2)Thank you.\n");
    expect(stderr).toContain("the item is completed");
  });

  test("goes on from a cursor of its lines of JSON", async () => {
    const workId = await ended();
    const all = (await rookery(["tail", workId, "--json"])).stdout.trim().split("\n");
    const events = all.map((line) => JSON.parse(line));
    expect(events.map(({ kind, step, attempt }) => `${kind} ${step}.${attempt}`)).toEqual([
      "chunk 0.1",
      "replaced 0.2",
      "chunk 0.2",
      "chunk 1.1",
      "end 2.1",
    ]);
    for (const [i, { cursor }] of events.slice(0, -1).entries())
      expect((await rookery(["tail", workId, "--json", "--after", cursor])).stdout.trim().split("\n")).toEqual(all.slice(i + 1));
    expect(await rookery(["tail", workId, "--after", "x"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("cursor of an output stream"),
    });
    expect((await rookery(["tail", "nobody"])).code).toBe(3);
  });

  test("follows an item that is open, and ends well on Ctrl-C", async () => {
    const workId = await waiting();
    const tail = start(["tail", workId, "--json"], { env });
    const other = start(["tail", workId, "--verbose"], { env });
    await expect.poll(() => tail.stdout(), { timeout: 20_000 }).toContain("May I?");
    await expect.poll(() => other.stdout(), { timeout: 20_000 }).toContain("May I?");
    tail.kill("SIGINT");
    expect((await tail.ended).code).toBe(0);
    await store.signal(approvals, workId, "approved", { by: "Ada" });
    await driven(workId);
    expect(await other.ended).toMatchObject({ code: 0, stdout: expect.stringContaining("Thank you.") });
  });
});
