/** `rookery enqueue` and `rookery engines`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, scratch, settle, TROUBLE } from "./support.ts";

const home = scratch();
const place = { cwd: home.path, env: { ROOKERY_ENGINES: TROUBLE } };
const ID = /^[0-9a-hjkmnp-tv-z]{20}\n$/;
beforeAll(() => writeFileSync(join(home.path, "payload.json"), '\n{ "after": 3, "how": "end" }\n'));
afterAll(() => home.remove());

test("a pipe gets the id and nothing else", async () => {
  const { code, stdout, stderr } = await call(["enqueue", "counter", '{"upTo":5}'], place);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(ID);
});
test("a terminal gets the id on stdout, and what to do next on stderr", async () => {
  const argv = ["enqueue", "counter", '{"upTo":5}', "--namespace", "mine"];
  const { stdout, stderr } = await call(argv, { ...place, tty: true });
  expect(stdout).toMatch(ID);
  expect(stderr).toContain(`rookery status ${stdout.trim()} --namespace mine`);
  expect((await call([...argv, "--id-only"], { ...place, tty: true })).stderr).toBe("");
});
test.each([
  ["stdin", "-", '{"after":1,"how":"end"}'],
  ["a file", "@payload.json", ""],
])("the payload comes from %s", async (_name, payload, stdin) => {
  const { code, stdout } = await call(["enqueue", "trouble", payload], { ...place, stdin });
  expect(code).toBe(0);
  expect(stdout).toMatch(ID);
});
test.each([
  ["slashes", "a/b//c/"],
  ["unicode", "für 日本 👩‍👩‍👧"],
  ["control characters", "a\nb\u001b[31m"],
  ["10 KB", "k".repeat(10_000)],
])("a key with %s names one item, and its output stays in its lines", async (_name, key) => {
  const argv = ["enqueue", "counter", '{"upTo":5}', "--key", key];
  const [first, second] = [await call(argv, place), await call([...argv, "--json"], place)];
  expect(JSON.parse(second.stdout)).toMatchObject({ workId: first.stdout.trim(), created: false, engine: "counter" });
  const shown = await call(["status", `counter/${key}`], place);
  expect(shown.stdout).toContain(first.stdout.trim());
  expect(shown.stdout).not.toContain("\u001b");
});
test("a key that names an item already is told, with the options that were not applied", async () => {
  const argv = ["enqueue", "counter", '{"upTo":5}', "--key", "told"];
  const first = await call(argv, place);
  expect(first.stderr).toBe("");
  const [same, other] = [await call(argv, place), await call([...argv, "--lane", "high", "--label", "a=b"], place)];
  expect([same.stdout, other.stdout]).toEqual([first.stdout, first.stdout]);
  expect(same.stderr).toBe('key "told" names an existing item: nothing new was started\n');
  expect(other.stderr).toBe('key "told" names an existing item: nothing new was started; not applied to it: --lane, --label\n');
});
test("--again starts a new life once the first has ended", async () => {
  const argv = ["enqueue", "trouble", '{"after":0,"how":"end"}', "--key", "again"];
  const first = (await call(argv, place)).stdout.trim();
  await settle(join(home.path, ".rookery"), first);
  expect((await call(argv, place)).stdout.trim()).toBe(first);
  expect((await call([...argv, "--again"], place)).stdout.trim()).not.toBe(first);
});
test("engines lists what can be worked, and where it comes from", async () => {
  const { stdout } = await call(["engines"], place);
  expect(stdout).toMatch(/watchlist +1 +built in\ncounter +1 +built in\ntrouble +3 +.*trouble\.ts/);
  expect(JSON.parse((await call(["engines", "--json"], place)).stdout)).toContainEqual({
    id: "trouble",
    version: 3,
    source: TROUBLE,
  });
});
