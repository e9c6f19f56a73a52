/** What the commands print of a tree of items. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Embedded, openEmbedded } from "../../src/embedded.ts";
import { Crowd, crowd, member } from "./crowd.ts";
import { call, expectColumns, scratch } from "./support.ts";

const home = scratch();
const place = { env: { ROOKERY_HOME: home.path } };
let parent = "";

async function untilQuiet(store: Embedded): Promise<void> {
  const counts = async () => expect((await store.groups(parent))[0]).toMatchObject({ succeeded: 9, failed: 9 });
  await vi.waitFor(counts, { timeout: 20_000 });
}
beforeAll(async () => {
  const store = openEmbedded({
    home: home.path,
    engines: [crowd, member],
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const stop = new AbortController();
  const work = store.work(stop.signal);
  parent = (await store.enqueue(Crowd, { each: 9 }, { key: "the one" })).workId;
  await untilQuiet(store);
  stop.abort();
  await work;
  store.close();
});
afterAll(() => home.remove());

test("children shows the groups and a page, and says how to go on", async () => {
  const { code, stdout, stderr } = await call(["children", parent, "--group", "members of the \u001b[31mcrowd"], place);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^groups +members of the crowd: 18 of 27 have ended, 9 badly, at most 50 at once\n/);
  expect(stdout).toMatch(/\w{20} +member +completed +v1 .* members of the crowd +ends and has a rather long key, für Ü 日本 0\n/);
  expect(stdout.split("\n")).toHaveLength(1 + 1 + 20 + 1);
  const [, cursor = ""] = /--after (\S+)/.exec(stderr) ?? [];
  const rest = await call(["children", "crowd/the one", "--group", "members of the \u001b[31mcrowd", "--after", cursor], place);
  expect(rest.stderr).toBe("");
  expect(rest.stdout.split("\n")).toHaveLength(1 + 1 + 7 + 1);
});
test("children fits a terminal", async () => {
  const { stdout } = await call(["children", parent], { ...place, tty: true });
  expectColumns(stdout);
  expect(stdout).toMatch(/failed/);
});
test("children as JSON is one document", async () => {
  const all = await call(["children", parent, "--limit", "100", "--json"], place);
  const { groups, entries, next } = JSON.parse(all.stdout);
  expect({ groups, count: entries.length, next }).toEqual({
    groups: [{ name: "members of the \u001b[31mcrowd", total: 27, succeeded: 9, failed: 9, limit: 50 }],
    count: 27,
    next: null,
  });
  expect(entries[0]).toMatchObject({ engine: "member", item: { parent: { workId: parent } } });
});
test("children of an item without any says so, and of nothing is not found", async () => {
  const [child] = JSON.parse((await call(["children", parent, "--limit", "1", "--json"], place)).stdout).entries;
  expect(await call(["children", child.workId], place)).toEqual({ code: 0, stdout: "", stderr: "it has started nobody\n" });
  expect(await call(["children", "0".repeat(20)], place)).toMatchObject({ code: 3, stdout: "" });
  expect((await call(["children", parent, "--after", "junk"], place)).stderr).toMatch(/--after: expected the cursor/);
  expect((await call(["children", parent, "--group", "other"], place)).stderr).toBe("it waits for nobody in group other\n");
});
test("status shows the children of a parent, and the parent of a child", async () => {
  const shown = (await call(["status", parent], place)).stdout;
  expect(shown).toMatch(/status +waiting, for children of group members of the crowd/);
  expect(shown).toMatch(/children +members of the crowd: 18 of 27 have ended, 9 badly, at most 50 at\s+once\n/);
  expect(shown).toMatch(new RegExp(`next +rookery children ${parent}`));
  expectColumns(shown);
  const [child] = JSON.parse((await call(["children", parent, "--limit", "1", "--json"], place)).stdout).entries;
  const below = (await call(["status", child.workId], place)).stdout;
  expect(below).toMatch(new RegExp(`parent +${parent}, as \\w+ and has a rather`));
  expectColumns(below);
});
