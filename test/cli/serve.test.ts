/** `rookery serve` as a process: its pages' own lines, Ctrl-C, and what it refuses. */
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openEmbedded } from "../../src/embedded.ts";
import { counter } from "../../src/engines/counter.ts";
import { briefing, deploy } from "./desk.ts";
import { call, killStarted, type Place, ROOT, type Started, scratch, start } from "./support.ts";

const home = scratch();
const env = { ROOKERY_HOME: home.path, ROOKERY_ENGINES: join(ROOT, "test/cli/desk.ts") };
afterAll(() => {
  killStarted();
  home.remove();
});

interface Serving extends Started {
  readonly url: string;
}
async function serve(argv: readonly string[] = [], place: Place = { env }): Promise<Serving> {
  const started = start(["serve", "--port", "0", ...argv], place);
  const url = /"url":"(http:[^"]+)"/;
  await started.says(url);
  return { ...started, url: url.exec(started.stderr())?.[1] ?? "" };
}

/** A line of curl as a request: the options that the pages use. */
function requestOf(line: string, url: string): { request: Request; status: number } {
  const [said = "", comment = ""] = line.split(/ +# /);
  const words = [...said.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? "",
  );
  const after = (option: string): string | undefined => (words.includes(option) ? words[words.indexOf(option) + 1] : undefined);
  const unknown = words.filter((word) => word.startsWith("-") && !["-d", "-N", "-X", "-H"].includes(word));
  const target = words.find((word) => word.startsWith("http://127.0.0.1:4747"));
  if (words[0] !== "curl" || unknown.length > 0 || target === undefined)
    throw new Error(`no line of curl that is known: ${line}`);
  const body = after("-d");
  const [name = "", ...value] = (after("-H") ?? "").split(": ");
  const request = new Request(target.replace("http://127.0.0.1:4747", url), {
    method: after("-X") ?? (body === undefined ? "GET" : "POST"),
    ...(body === undefined ? {} : { body }),
    headers: name === "" ? {} : { [name]: value.join(": ") },
  });
  return { request, status: Number(/^\d{3}/.exec(comment)?.[0] ?? 200) };
}
function linesOf(page: string): string[] {
  return readFileSync(join(ROOT, page), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("curl "));
}

const CORS = "http://localhost:3000";

test("does what its pages say, for whoever has the token", async () => {
  const token = "secret-of-this-test";
  const own = scratch();
  const place = { env: { ...env, ROOKERY_HOME: own.path, ROOKERY_TOKEN: token } };
  const serving = serve(["--open-callbacks", "--cors", CORS], place);
  const store = openEmbedded({ home: own.path, engines: [counter, deploy, briefing] });
  await store.enqueue(briefing, { topics: ["rooks"] }, { key: "today" });
  const stop = new AbortController();
  const working = store.work(stop.signal);
  const served = await serving;
  const authorization = `Bearer ${token}`;
  for (const page of ["README.md", "docs/http.md"]) {
    const lines = linesOf(page);
    expect(lines.length).toBeGreaterThanOrEqual(3);
    for (const line of lines) {
      const { request, status } = requestOf(line, served.url);
      request.headers.set("authorization", authorization);
      const response = await fetch(request);
      const text = await response.text();
      // The page before has enqueued it already.
      expect([status, ...(status === 201 ? [200] : [])], `${line}\n${text}`).toContain(response.status);
      if (line.includes("/result")) expect(text, line).toMatch(/"status":"completed"/);
    }
  }
  const ask = async (path: string, headers: Record<string, string> = {}, method = "GET") =>
    (await fetch(`${served.url}${path}`, { method, headers })).status;
  expect([await ask("/items"), await ask("/items", { authorization }), await ask("/healthz")]).toEqual([401, 200, 200]);
  expect(await ask("/items", { authorization, origin: "https://evil.example" })).toBe(403);
  expect(await ask("/items", { authorization, origin: CORS })).toBe(200);
  expect(await ask("/callback/nonsense", {}, "POST")).toBe(400);
  served.kill("SIGTERM");
  expect(await served.ended).toMatchObject({ code: 0, stdout: "" });
  stop.abort();
  await working;
  store.close();
  own.remove();
});

test("opens the store anew when its folder is deleted, and ends cleanly with Ctrl-C, open streams included", async () => {
  const folder = join(home.path, "deleted");
  const served = await serve([], { env: { ...env, ROOKERY_HOME: folder } });
  expect(served.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const put = async () => {
    const body = JSON.stringify({ engine: "deploy", payload: { version: "1" }, key: "open" });
    return (await fetch(`${served.url}/items`, { method: "POST", body })).status;
  };
  expect(await put()).toBe(201);
  rmSync(folder, { recursive: true });
  expect([await put(), await put()]).toEqual([201, 200]);
  expect((await call(["status", "deploy/open", "--json"], { env: { ...env, ROOKERY_HOME: folder } })).stdout).toContain(
    '"queued"',
  );

  const named = "engine=deploy&key=open";
  const stream = await fetch(`${served.url}/items/by-key/output?${named}`);
  const result = fetch(`${served.url}/items/by-key/result?${named}&waitMs=20000`).then((response) => response.status);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const askedAtMs = Date.now();
  served.kill("SIGINT");
  const { code, stdout, stderr } = await served.ended;
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(Date.now() - askedAtMs).toBeLessThan(4_000);
  expect([await stream.text(), await result]).toEqual(["", 202]);
  expect(
    stderr
      .trim()
      .split("\n")
      .map((line): unknown => Reflect.get(JSON.parse(line), "message")),
  ).toEqual(["listening; Ctrl-C stops", "the database was deleted or replaced: it is opened anew", "stopped"]);
});

describe("rookery serve", () => {
  test("says that its port is taken", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const at = taken.address();
    const port = typeof at === "object" && at !== null ? at.port : 0;
    const { code, stderr } = await call(["serve", "--port", String(port)], { env });
    taken.close();
    expect(code).toBe(1);
    expect(stderr).toBe(
      `rookery: cannot listen on port ${port} of 127.0.0.1: it is taken\n  hint: take another one with --port, or --port 0 for one that is free\n`,
    );
  });

  test.each<[argv: string[], code: number, says: RegExp]>([
    [["--port", "x"], 2, /--port <number>: expected a port from 0 to 65535, got "x"/],
    [["--port", "65536"], 2, /expected a port from 0 to 65535/],
    [
      ["--host", "0.0.0.0"],
      2,
      /--host 0\.0\.0\.0: expected a token beside it, since others can reach it\n {2}hint: ROOKERY_TOKEN=/,
    ],
    [["--token", "short"], 2, /token: expected at least 16 letters, digits and signs/],
    [["--token", ""], 2, /token: expected at least 16/],
    [["--cors", "*"], 2, /--cors <origin>: expected an origin such as http:\/\/localhost:3000, got "\*"/],
    [["--cors", "http://localhost:3000/"], 2, /expected an origin/],
    [
      ["--host", "192.0.2.1", "--token", "long-enough-to-do"],
      1,
      /cannot listen on port 4747 of 192\.0\.2\.1: expected an address of/,
    ],
    [["--engines", "nope.ts"], 2, /--engines: expected a file/],
    [["extra"], 2, /too many arguments/],
  ])("refuses %j", async (argv, code, says) => {
    const answer = await call(["serve", ...argv], { env });
    expect(answer).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(says) });
  });
});
