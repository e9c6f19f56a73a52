/** Work items over HTTP: enqueued, found again, waited for. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { counter } from "../../src/engines/counter.ts";
import { ended, enqueued, get, openPlace, post, refusal } from "./support.ts";

const place = openPlace();
const app = place.app();
afterAll(() => place.close());

const Page = z.object({ entries: z.array(z.object({ workId: z.string() })), next: z.string().nullable() });

describe("enqueue", () => {
  test("answers 201 with the id and its place, and 200 when the key names it already", async () => {
    const body = { engine: "counter", payload: { upTo: 3 }, key: "a/b?c" };
    const first = await post(app, "/items", body);
    const answer = z
      .object({ workId: z.string() })
      .loose()
      .parse(await first.json());
    expect(first.status).toBe(201);
    expect(first.headers.get("location")).toBe(`/items/${answer.workId}`);
    expect(answer).toEqual({ workId: answer.workId, created: true, rememberedUntilAtMs: null, accepted: true });
    const again = await post(app, "/items", body);
    expect(again.status).toBe(200);
    expect(await again.json()).toMatchObject({ workId: answer.workId, created: false });
    expect(again.headers.get("location")).toBeNull();
  });
  test("passes on everything that an enqueue takes", async () => {
    const more = { lane: "high", tenant: "acme", labels: { team: "blue" }, delayMs: 60_000, deadlineMs: 3_600_000 };
    const workId = await enqueued(app, "counter", { upTo: 1 }, more);
    const item = await get(app, `/items/${workId}`);
    expect(item).toMatchObject({ workId, status: "sleeping", lane: "high", tenant: "acme", labels: { team: "blue" } });
    expect(item).toHaveProperty("deadlineAtMs", expect.any(Number));
  });
  test("brings a signal along, and begins a new life when it is asked to", async () => {
    const options = { key: "lives", signal: { name: "approved", payload: { by: "Ada" }, id: "s1" } };
    const first = await enqueued(app, "approvals", {}, options);
    expect(await ended(app, first)).toEqual({ status: "completed", result: ["approved", { by: "Ada" }] });
    expect(await (await post(app, "/items", { engine: "approvals", payload: {}, ...options })).json()).toMatchObject({
      workId: first,
      created: false,
      accepted: true,
    });
    expect(await enqueued(app, "approvals", {}, { key: "lives", ifEnded: "again" })).not.toBe(first);
  });
  test("needs no body fields but the engine", async () => {
    expect((await post(app, "/items", { engine: "approvals" })).status).toBe(201);
  });
  test.each([
    [{ engine: "counter", payload: { upTo: "x" } }, 400, "schema", /payload of engine counter .*\$\.upTo/],
    [{ engine: "nobody", payload: {} }, 404, "unknown_engine", /unknown engine "nobody", expected one of: press, counter/],
    [{ engine: "counter", payload: { upTo: 4 }, key: "taken" }, 409, "key_conflict", /expected payload digest \w+, got/],
    [{ payload: {} }, 400, "invalid_argument", /body\.engine: expected the id of an engine, got undefined/],
    [{ engine: 5 }, 400, "invalid_argument", /body\.engine: expected a text, got 5/],
    [{ engine: "counter", paylod: {} }, 400, "invalid_argument", /field of body: expected one of engine, .*, got "paylod"/],
    [{ engine: "counter", payload: { upTo: 1 }, key: "" }, 400, "invalid_argument", /key: expected a well-formed text/],
    [{ engine: "counter", payload: { upTo: 1 }, key: null }, 400, "invalid_argument", /body\.key: expected a text, got null/],
    [
      { engine: "counter", payload: { upTo: 1 }, lane: "fast" },
      400,
      "invalid_argument",
      /body\.lane: expected high, normal, low/,
    ],
    [{ engine: "counter", payload: { upTo: 1 }, delayMs: "1h" }, 400, "invalid_argument", /body\.delayMs: expected a number/],
    [{ engine: "counter", payload: { upTo: 1 }, delayMs: -1 }, 400, "invalid_argument", /delayMs: expected milliseconds/],
    [{ engine: "counter", payload: { upTo: 1 }, labels: { a: 1 } }, 400, "invalid_argument", /body\.labels\.a: expected a text/],
    [{ engine: "counter", payload: { upTo: 1 }, ifEnded: "x" }, 400, "invalid_argument", /body\.ifEnded: expected return, again/],
    [{ engine: "counter", payload: null }, 400, "schema", /expected object, received null/],
    [{ engine: "approvals", signal: { name: "note", payload: null } }, 400, "schema", /expected string, received null/],
    [{ engine: "approvals", signal: {} }, 400, "invalid_argument", /body\.signal\.name: expected the name of a signal/],
    [{ engine: "approvals", signal: { name: "nope" } }, 400, "invalid_argument", /expected one of: approved, refused, note/],
    [{ engine: "approvals", signal: { name: "note" } }, 400, "schema", /payload of signal note/],
    [[1], 400, "invalid_argument", /body: expected an object with engine, .*, got an array of 1/],
  ])("refuses %j", async (body, status, code, says) => {
    await place.store.enqueue(counter, { upTo: 3 }, { key: "taken" });
    expect(await refusal(post(app, "/items", body))).toEqual([status, code, expect.stringMatching(says)]);
  });
});

describe("a list", () => {
  test("comes newest first, filtered, a page at a time", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      ids.unshift(
        await enqueued(
          app,
          "counter",
          { upTo: 1 },
          { tenant: "lister", labels: { team: "a=b", odd: String(i % 2) }, delayMs: 60_000 },
        ),
      );
      // Items of one millisecond come in any order.
      await sleep(2);
    }
    const seen: string[] = [];
    for (let after = ""; ; ) {
      const page = Page.parse(await get(app, `/items?tenant=lister&limit=2${after}`));
      expect(page.entries.length).toBeLessThanOrEqual(2);
      seen.push(...page.entries.map(({ workId }) => workId));
      if (page.next === null) break;
      expect(page.next).toMatch(/^[\w-]+$/);
      after = `&after=${page.next}`;
    }
    expect(seen).toEqual(ids);
    const odd = Page.parse(await get(app, "/items?tenant=lister&label=odd=1&label=team=a%3Db&status=sleeping&engine=counter"));
    expect(odd.entries.map(({ workId }) => workId)).toEqual([ids[1], ids[3]]);
    expect(await get(app, "/items?engine=nobody")).toEqual({ entries: [], next: null });
  });
  test.each([
    ["status=dead-lettered", /query: status: expected queued, .*dead_lettered, got "dead-lettered"/],
    ["limit=0", /limit: expected 1 to 1000, got 0/],
    ["limit=1e3", /query: limit: expected a whole number, got "1e3"/],
    ["label=team", /query: label: expected name=value, got "team"/],
    ["after=nope!", /query: after: expected the `next` of the page before, got "nope!"/],
    ["after=bm9wZQ", /cursor of a list: expected the `next` of an earlier page, got "nope"/],
    ["statsu=queued", /query: expected only status, .*, got "statsu"/],
  ])("refuses ?%s", async (query, says) => {
    expect(await refusal(app.request(`/items?${query}`))).toEqual([400, "invalid_argument", expect.stringMatching(says)]);
  });
});

describe("an item", () => {
  test("is named by its key, whatever that has in it", async () => {
    const key = "orders/für Ü?&%#+ 日本";
    const workId = await enqueued(app, "approvals", {}, { key });
    const named = new URLSearchParams({ engine: "approvals", key });
    expect(await get(app, `/items/by-key?${named}`)).toMatchObject({ workId, key });
    expect((await post(app, `/items/by-key/signals/refused?${named}`, { payload: { why: "no" } })).status).toBe(202);
    expect(await get(app, `/items/by-key/result?${named}&waitMs=10000`)).toEqual({
      status: "completed",
      result: ["refused", { why: "no" }],
    });
  });
  test.each([
    ["/items/nope", 404, /no work item "nope" in namespace "default"/],
    ["/items/00000000000000000001/result", 404, /no work item/],
    ["/items/by-key?engine=counter&key=nope", 404, /no work item "counter\/nope"/],
    ["/items/by-key?engine=counter", 400, /query: expected engine and key, which name an item together/],
    ["/items/by-key", 400, /query: expected engine and key/],
    ["/items/by-key?engine=%2F&key=x", 400, /engine id: expected/],
    ["/items/00000000000000000001?engine=counter", 400, /query: expected none, got "engine"/],
  ])("that is not there is told: %s", async (path, status, says) => {
    expect(await refusal(app.request(path))).toEqual([status, expect.any(String), expect.stringMatching(says)]);
  });
});

describe("a result", () => {
  test("is 202 while its item is open, and then what it ended with", async () => {
    const workId = await enqueued(app, "approvals", {});
    const open = await app.request(`/items/${workId}/result`);
    expect([open.status, await open.json()]).toEqual([202, { status: "open" }]);
    const waiting = app.request(`/items/${workId}/result?waitMs=20000`);
    await post(app, `/items/${workId}/signals/approved`, { payload: { by: "Bo" } });
    const done = await waiting;
    expect([done.status, await done.json()]).toEqual([200, { status: "completed", result: ["approved", { by: "Bo" }] }]);
  });
  test("is awaited no longer than it was asked to, and never for long", async () => {
    const workId = await enqueued(app, "approvals", {});
    const beganAtMs = Date.now();
    expect((await app.request(`/items/${workId}/result?waitMs=120`)).status).toBe(202);
    expect(Date.now() - beganAtMs).toBeGreaterThanOrEqual(119);
    expect(await refusal(app.request(`/items/${workId}/result?waitMs=20001`))).toEqual([
      400,
      "invalid_argument",
      "query: waitMs: expected at most 20000, got 20001",
    ]);
  });
  test("of a bad end is its error and cause", async () => {
    const workId = await enqueued(app, "member", "fails");
    expect(await ended(app, workId)).toMatchObject({
      status: "failed",
      error: { name: "Error", message: "told to", class: expect.any(String) },
      cause: null,
    });
  });
  test("ends its wait when the client has gone away", async () => {
    const workId = await enqueued(app, "approvals", {});
    const gone = new AbortController();
    const waiting = app.request(new Request(`http://localhost/items/${workId}/result?waitMs=20000`, { signal: gone.signal }));
    setTimeout(() => gone.abort(), 30);
    expect((await waiting).status).toBe(202);
  });
});
