/** What there is to see of an item over HTTP. */
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { ended, enqueued, eventsIn, get, lines, openPlace, post, refusal, refused, SOON } from "./support.ts";

const place = openPlace();
const app = place.app();
const NAME = "pages/für Ü 50%.md";
const encoded = encodeURIComponent(NAME);
let workId = "";
beforeAll(async () => {
  workId = await enqueued(app, "press", { lines: 3 });
  await ended(app, workId);
});
afterAll(() => place.close());

test("the state is that of the last version, and null before the first", async () => {
  expect(await get(app, `/items/${workId}/state`)).toEqual({ state: { written: 3 } });
  const fresh = await enqueued(app, "press", { lines: 1 }, { delayMs: 60_000 });
  expect(await get(app, `/items/${fresh}/state`)).toEqual({ state: null });
  expect(await lines(app.request(`/items/${fresh}/events`))).toEqual([]);
});

describe("lines of JSON", () => {
  test("tell the events, the versions and the log", async () => {
    const response = await app.request(`/items/${workId}/events`);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    expect(await lines(response)).toEqual(await Array.fromAsync(place.store.events(workId)));
    const versions = await lines(app.request(`/items/${workId}/history`));
    expect(versions.map((one) => z.object({ state: z.json() }).loose().parse(one).state)).toEqual(
      [1, 2, 3, 3].map((written) => ({ written })),
    );
    expect(await lines(app.request(`/items/${workId}/log`))).toEqual([1, 2, 3].map((line) => ({ line })));
    expect(await lines(app.request(`/items/${workId}/log?last=1`))).toEqual([{ line: 3 }]);
  });
  test("come whole, however many there are", async () => {
    const long = await enqueued(app, "counter", { upTo: 300 });
    await ended(app, long);
    const events = await lines(app.request(`/items/${long}/events`));
    expect(events).toHaveLength((await Array.fromAsync(place.store.events(long))).length);
    expect(events.length).toBeGreaterThan(300);
  });
  test.each(["events", "history", "log", "state", "artifacts", "effects", "children", "groups", "output", "artifacts/a"])(
    "and %s of no item are a 404",
    async (what) => {
      expect(await refusal(app.request(`/items/nope/${what}`))).toEqual([404, "unknown_work_item", expect.any(String)]);
    },
  );
});

describe("an artifact", () => {
  test("is listed, and comes as its bytes with type, length and digest", async () => {
    const { entries } = z
      .object({ entries: z.array(z.object({ name: z.string(), digest: z.string() }).loose()) })
      .parse(await get(app, `/items/${workId}/artifacts`));
    expect(entries.map(({ name }) => name)).toEqual([NAME, NAME, NAME]);
    const response = await app.request(`/items/${workId}/artifacts/${encoded}`);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/markdown",
      "content-length": "4",
      etag: `"${entries[2]?.digest}"`,
      "content-disposition": `inline; filename*=UTF-8''${encoded}`,
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff",
    });
    expect(await response.text()).toBe("# 3\n");
    expect(await (await app.request(`/items/${workId}/artifacts/${encoded.replace("%2F", "/")}`)).text()).toBe("# 3\n");
  });
  test("is not sent again to whoever has it, nor with HEAD", async () => {
    const path = `/items/${workId}/artifacts/${encoded}`;
    const head = await app.request(path, { method: "HEAD" });
    expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([200, "text/markdown", ""]);
    const again = await app.request(path, { headers: { "if-none-match": head.headers.get("etag") ?? "" } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });
  test("whose media type can be no header is just bytes", async () => {
    for (const mediaType of ["text/html\r\nset-cookie: a=b", "日本", ""]) {
      const odd = await enqueued(app, "press", { lines: 1, mediaType });
      await ended(app, odd);
      const response = await app.request(`/items/${odd}/artifacts/${encoded}`);
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/octet-stream"]);
    }
  });
  test("that is not there is a 404 which names those that are", async () => {
    expect(await refusal(app.request(`/items/${workId}/artifacts/nope`))).toEqual([
      404,
      "unknown_artifact",
      expect.stringContaining(NAME),
    ]);
  });
  test("that is missing or altered on disk is a 500 with its code, and is logged", async () => {
    const damaged = await enqueued(app, "press", { lines: 2 });
    await ended(app, damaged);
    const folder = join(place.home, "blobs/default", damaged);
    for (const file of readdirSync(folder)) writeFileSync(join(folder, file), "#!2\n");
    const path = `/items/${damaged}/artifacts/${encoded}`;
    expect(await refusal(app.request(path))).toEqual([500, "blob_altered", expect.stringContaining("was altered")]);
    // Nobody reads it who only wants to know of it.
    expect((await app.request(path, { method: "HEAD" })).status).toBe(200);
    rmSync(folder, { recursive: true });
    expect(await refusal(app.request(path))).toEqual([500, "blob_missing", expect.stringContaining("is missing")]);
    expect(place.logger.entries.filter(({ level }) => level === "error")).toMatchObject([
      {
        message: "request failed",
        fields: { route: "/items/:id/artifacts/:name{.+}", error: expect.stringContaining("altered") },
      },
      { message: "request failed", fields: { error: expect.stringContaining("missing") } },
    ]);
  });
});

test("the tree below an item comes a page at a time, with its groups", async () => {
  const parent = await enqueued(app, "crowd", { each: 1 });
  const Groups = z.object({ entries: z.array(z.object({ total: z.number() }).loose()) });
  await expect.poll(async () => Groups.parse(await get(app, `/items/${parent}/groups`)).entries[0]?.total, SOON).toBe(3);
  const Children = z.object({
    entries: z.array(z.object({ key: z.string(), engine: z.literal("member") })),
    next: z.string().nullable(),
  });
  const group = new URLSearchParams({ group: "members of the \u001b[31mcrowd" });
  const first = Children.parse(await get(app, `/items/${parent}/children?${group}&limit=2`));
  const second = Children.parse(await get(app, `/items/${parent}/children?${group}&limit=2&after=${first.next}`));
  expect([first.entries.length, second.entries.length, second.next]).toEqual([2, 1, null]);
  expect(await refused(app.request(`/items/${parent}/children?after=bm9wZQ`))).toBe("400 invalid_argument");
});

test("effects are shown, and resolved by a person's word", async () => {
  const doubted = await enqueued(app, "doubtful", { ifInDoubt: "park" });
  await expect.poll(() => get(app, `/items/${doubted}`), SOON).toMatchObject({ status: "paused" });
  const key = encodeURIComponent("book it's");
  expect(await get(app, `/items/${doubted}/effects`)).toMatchObject({
    entries: expect.arrayContaining([expect.objectContaining({ key: "book it's", state: "in_doubt" })]),
  });
  const resolve = (body: unknown, name = key) => post(app, `/items/${doubted}/effects/${name}/resolve`, body);
  for (const body of [undefined, {}, { happened: true, fail: "x" }, { happened: false, result: 1 }, { fail: "x", result: 1 }])
    expect(await refusal(resolve(body))).toEqual([
      400,
      "invalid_argument",
      expect.stringMatching(/body: expected \{ happened: true/),
    ]);
  expect(await refused(resolve({ happened: false }, "nope"))).toBe("404 unknown_effect");
  expect(await (await resolve({ happened: true, result: "booked 1A" })).json()).toMatchObject({
    state: "confirmed",
    byOperator: true,
  });
  expect(await ended(app, doubted)).toEqual({ status: "completed", result: "booked 1A" });
  expect(await refused(resolve({ fail: "too late" }))).toBe("409 refused");
});

describe("the output", () => {
  test("comes as server-sent events until the item ends, and goes on behind any of them", async () => {
    const path = `/items/${workId}/output`;
    const response = await app.request(path);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-cache, no-transform");
    const all = eventsIn(await response.text());
    expect(all.map(({ event, data }) => [event, z.object({ text: z.string() }).parse(JSON.parse(data)).text])).toEqual([
      ["chunk", "line 1\n"],
      ["chunk", "line 2\n"],
      ["chunk", "line 3\n"],
      ["end", "completed"],
    ]);
    const last = all[1]?.id ?? "";
    const byHeader = await app.request(path, { headers: { "last-event-id": last } });
    expect(eventsIn(await byHeader.text())).toEqual(all.slice(2));
    expect(eventsIn(await (await app.request(`${path}?after=${last}`)).text())).toEqual(all.slice(2));
    // What a browser got last counts for more than what its page asked for at first.
    const both = await app.request(`${path}?after=${all[0]?.id}`, { headers: { "last-event-id": last } });
    expect(eventsIn(await both.text())).toEqual(all.slice(2));
    expect((await app.request(path, { method: "HEAD" })).headers.get("content-type")).toContain("text/event-stream");
  });
  test("refuses a cursor that is none", async () => {
    expect(await refusal(app.request(`/items/${workId}/output?after=x`))).toEqual([
      400,
      "invalid_argument",
      'cursor of an output stream: expected one that such a stream gave, got "x"',
    ]);
  });
});
