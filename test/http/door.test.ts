/** What the door refuses, whatever it is asked for: strangers, strange routes, bodies that do not do. */
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createMemoryLogger } from "../../src/adapters/memory/logger.ts";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import { InboxFullError, InvariantError, QueueUnavailableError, StoreUnavailableError } from "../../src/domain/errors.ts";
import { createHttpApp } from "../../src/http/app.ts";
import { ErrorBody, enqueued, get, openPlace, post, refusal, refused } from "./support.ts";

const place = openPlace();
const app = place.app();
afterAll(() => place.close());

describe("a route", () => {
  test("that is not there is a 404 in JSON", async () => {
    expect(await refusal(app.request("/nope?a=b"))).toEqual([404, "unknown_route", "no route GET /nope"]);
    expect((await app.request("/nope")).headers.get("x-content-type-options")).toBe("nosniff");
    expect(await refused(app.request("/items/"))).toBe("404 unknown_route");
    expect(await refused(app.request("/items/x/y/z"))).toBe("404 unknown_route");
  });
  test("asked with another method is a 405 that names those it has", async () => {
    const response = await app.request("/items", { method: "DELETE" });
    expect(response.headers.get("allow")).toBe("POST, GET");
    expect(await refusal(response)).toEqual([405, "wrong_method", "/items: expected POST, GET, got DELETE"]);
    expect((await app.request("/items/x/cancel")).headers.get("allow")).toBe("POST");
    expect(await refused(app.request("/items/x", { method: "PATCH" }))).toBe("405 wrong_method");
    expect(await refused(app.request("/items/x", { method: "OPTIONS" }))).toBe("405 wrong_method");
    expect((await app.request("/items/x/cancel", { method: "HEAD" })).status).toBe(405);
  });
  test("is listed by the first page, which names the engines", async () => {
    expect(await get(app, "/")).toEqual({
      engines: ["press", "counter", "approvals", "doubtful", "crowd", "member"],
      routes: expect.arrayContaining(["POST /items", "GET /items/:id/artifacts/:name", "POST /items/:id/effects/:key/resolve"]),
    });
    expect(await get(app, "/healthz")).toEqual({ status: "ok" });
  });
});

describe("a body", () => {
  test.each([
    ["{", 400, "invalid_argument", /^body: expected JSON \(.+\), got "\{"$/],
    ["{} {}", 400, "invalid_argument", /body: expected JSON/],
    ["[]", 400, "invalid_argument", /body: expected an object with engine/],
    ["null", 400, "invalid_argument", /body: expected an object with engine, .*, got null/],
    ["", 400, "invalid_argument", /body\.engine: expected the id of an engine/],
    ['{"engine": "counter", "payload": 1e999}', 400, "not_json", /expected plain JSON at body\.payload, got Infinity/],
    [`{"engine": "crowd", "payload": ${"[".repeat(60_000)}${"]".repeat(60_000)}}`, 400, "not_json", /more than 500 levels/],
    [new Uint8Array([0x22, 0xff, 0x22]), 400, "invalid_argument", /body: expected JSON in UTF-8, got bytes that are not/],
    ["x".repeat(1_048_577), 413, "too_large", /body: expected at most 1048576 bytes, got more/],
  ])("that does not do is refused: %.30s", async (body, status, code, says) => {
    expect(await refusal(post(app, "/items", body))).toEqual([status, code, expect.stringMatching(says)]);
  });
  test("may be as large as it is allowed to be, and is measured, too, where its length is told", async () => {
    const small = place.app({ maxBodyBytes: 41 });
    const body = JSON.stringify({ engine: "counter", payload: { upTo: 1 } });
    expect([body.length, (await post(small, "/items", body)).status]).toEqual([41, 201]);
    expect(await refused(post(small, "/items", `${body} `))).toBe("413 too_large");
    expect(await refused(post(small, "/items", body, { "content-length": "42" }))).toBe("413 too_large");
    expect(await refused(post(small, "/callback/x", "x".repeat(42)))).toBe("400 invalid_argument");
  });
});

describe("on a loopback address", () => {
  const local = place.app({ from: "localhost", cors: ["http://localhost:3000"] });
  const ask = (headers: Record<string, string>, path = "/items") => local.request(path, { headers });
  const rebound = "host: expected localhost or a loopback address, got ";

  test.each(["localhost", "localhost:4747", "127.0.0.1:4747", "127.1.2.3", "[::1]:4747", "LOCALHOST:80"])(
    "the host %s may be asked",
    async (host) => {
      expect((await ask({ host })).status).toBe(200);
      expect((await ask({ host, origin: `http://${host.toLowerCase()}` })).status).toBe(200);
    },
  );
  test.each(["evil.example", "evil.example:4747", "localhost.evil.example", "127.0.0.1.nip.example", "192.168.0.1", "0.0.0.0"])(
    "a name that leads here is refused: %s",
    async (host) => {
      expect(await refusal(ask({ host }))).toEqual([403, "cross_site", `${rebound}"${host}"`]);
      expect((await ask({ host }, "/healthz")).status).toBe(403);
    },
  );
  test.each(["https://evil.example", "http://localhost:3001", "http://127.0.0.1", "null", "nonsense"])(
    "a page of %s is refused, for reading and writing",
    async (origin) => {
      expect(await refused(ask({ host: "127.0.0.1:4747", origin }))).toBe("403 cross_site");
      const body = { engine: "counter", payload: { upTo: 1 } };
      expect(await refused(post(local, "/items", body, { host: "127.0.0.1:4747", origin }))).toBe("403 cross_site");
    },
  );
  test("what a browser says comes from another site is refused, and what a person types is not", async () => {
    const host = "127.0.0.1:4747";
    for (const site of ["cross-site", "same-site"])
      expect(await refused(ask({ host, "sec-fetch-site": site }))).toBe("403 cross_site");
    for (const site of ["none", "same-origin"]) expect((await ask({ host, "sec-fetch-site": site })).status).toBe(200);
  });
  test("a page of an origin that is allowed may use it, and no other", async () => {
    const origin = "http://localhost:3000";
    const preflight = await local.request("/items", {
      method: "OPTIONS",
      headers: { host: "localhost:4747", origin, "access-control-request-method": "POST" },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, origin]);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
    const asked = await ask({ host: "localhost:4747", origin, "sec-fetch-site": "same-site" });
    expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([200, origin]);
    // Its page is to read why it was refused.
    const guarded = place.app({ cors: [origin], token: "correct-horse-battery" });
    for (const [path, status] of [
      ["/items", 401],
      ["/healthz", 200],
    ] as const) {
      const answer = await guarded.request(path, { headers: { origin } });
      expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([status, origin]);
    }
    expect((await app.request("/items", { headers: { origin } })).headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("a token", () => {
  const token = "correct-horse-battery";
  const closed = place.app({ token });
  const withToken = (authorization: string) => closed.request("/items", { headers: { authorization } });

  test("is asked for everywhere but for the health", async () => {
    const response = await closed.request("/items");
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await refused(response)).toBe("401 unauthorized");
    for (const path of ["/", "/nope", "/items/x", "/callback/x"]) expect((await closed.request(path)).status, path).toBe(401);
    expect(await refused(post(closed, "/callback/x", {}))).toBe("401 unauthorized");
    expect((await closed.request("/healthz")).status).toBe(200);
  });
  test("lets in whoever has it", async () => {
    expect((await withToken(`Bearer ${token}`)).status).toBe(200);
    expect((await withToken(`bearer  ${token}`)).status).toBe(200);
    for (const other of [token, `Basic ${token}`, `Bearer ${token}x`, `Bearer ${token.slice(1)}`, "Bearer", "Bearer "])
      expect(await refused(withToken(other)), other).toBe("401 unauthorized");
  });
  test("is not asked of callbacks when they are open, and of nothing beside them", async () => {
    const open = place.app({ token, openCallbacks: true });
    expect(await refused(post(open, "/callback/x", {}))).toBe("400 invalid_argument");
    for (const path of ["/callback", "/callback/x/y", "/items/x/callback/y", "/items"])
      expect(await refused(post(open, path, {})), path).toBe("401 unauthorized");
    expect(await refused(open.request("/callback/x"))).toBe("401 unauthorized");
  });
});

describe("what fails here", () => {
  const logger = createMemoryLogger();
  const failing = (thrown: unknown) =>
    createHttpApp({ logger, clock: createSystemClock(), client: { ...place.store, status: () => Promise.reject(thrown) } });
  const answer = (thrown: unknown) => Promise.resolve(failing(thrown).request("/items/x"));

  test.each([
    [new StoreUnavailableError("database", "busy"), 503, "store_unavailable", "2", "warn"],
    [new QueueUnavailableError("queue", "gone"), 503, "queue_unavailable", "2", "warn"],
    [new InboxFullError("x", 1_000), 429, "inbox_full", "5", null],
    [new InvariantError("secret detail"), 500, "internal", null, "error"],
    [new TypeError("secret detail"), 500, "internal", null, "error"],
  ])("is told by its status, and logged: %s", async (thrown, status, code, after, level) => {
    const before = logger.entries.length;
    const response = await answer(thrown);
    expect(response.headers.get("retry-after")).toBe(after);
    const [gotStatus, gotCode, message] = await refusal(response);
    expect([gotStatus, gotCode]).toEqual([status, code]);
    expect(message).not.toContain("secret");
    const logged = logger.entries.slice(before).filter((entry) => entry.message === "request failed");
    expect(logged).toMatchObject(
      level === null ? [] : [{ level, fields: { method: "GET", route: "/items/:id", error: thrown.message } }],
    );
  });
  test("makes the health a 503", async () => {
    expect((await failing(new StoreUnavailableError("database", "busy")).request("/healthz")).status).toBe(503);
  });
});

/** Whatever comes in, what goes out is an answer: no 500, and JSON that says what was expected. */
describe("nonsense", () => {
  const text = fc.oneof(fc.string({ unit: "binary", maxLength: 30 }), fc.string({ maxLength: 30 }));
  const word = fc.oneof(
    text,
    fc.constantFrom("__proto__", "constructor", "by-key", "..", ".", "%", "%ff", "%00", "a/b", "nope", "counter", "\u0000"),
  );
  const encoded = word.map((one) => {
    try {
      return encodeURIComponent(one);
    } catch {
      return "x";
    }
  });
  const segment = fc.oneof(encoded, fc.constantFrom("%", "%zz", "%c3%28", "."));
  const fields = [
    ...["engine", "payload", "key", "ifEnded", "lane", "tenant", "labels", "delayMs", "deadlineMs", "signal"],
    ...["id", "reason", "note", "happened", "result", "fail", "step", "name"],
  ];
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom("counter", "approvals", "note", { upTo: 1 }, { by: "x" }, { name: "note", payload: "x" }),
  );
  const body = fc.oneof(
    { weight: 3, arbitrary: fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: 4 }).map((one) => JSON.stringify(one)) },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
  );
  const query = fc.array(
    fc.tuple(fc.constantFrom("engine", "key", "limit", "after", "label", "status", "waitMs", "last", "group", "x"), encoded),
    { maxLength: 3 },
  );
  const header = fc.dictionary(
    fc.constantFrom("last-event-id", "if-none-match", "origin", "authorization", "content-length", "content-type", "accept"),
    fc.string({ maxLength: 20 }).filter((one) => !/[^\x20-\x7e]/.test(one)),
    { maxKeys: 3 },
  );

  test("is answered with no 500, and refused in JSON", async () => {
    const known = [await enqueued(app, "press", { lines: 1 }), await enqueued(app, "approvals", {})];
    const whats = ["state", "events", "history", "log", "artifacts", "effects", "children", "groups", "result", "output"];
    const id = fc.oneof(segment, fc.constantFrom(...known));
    const path = fc.oneof(
      fc.constant("/items"),
      fc.tuple(id, fc.constantFrom("", ...whats)).map(([one, what]) => `/items/${one}/${what}`.replace(/\/$/, "")),
      fc
        .tuple(id, segment, fc.constantFrom("artifacts", "signals", "effects"))
        .map(([one, name, what]) => `/items/${one}/${what}/${name}`),
      fc.tuple(id, segment).map(([one, key]) => `/items/${one}/effects/${key}/resolve`),
      fc.tuple(id, fc.constantFrom("cancel", "pause", "resume", "redrive")).map(([one, what]) => `/items/${one}/${what}`),
      segment.map((token) => `/callback/${token}`),
      fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`),
    );
    const method = fc.constantFrom("GET", "GET", "POST", "POST", "HEAD", "PUT");
    await fc.assert(
      fc.asyncProperty(method, path, query, header, body, async (how, where, asked, headers, sent) => {
        const search = asked.map(([name, one]) => `${name}=${one}`).join("&");
        const gone = new AbortController();
        const request = new Request(`http://localhost${where}?${search}`, {
          method: how,
          headers,
          signal: gone.signal,
          body: how === "GET" || how === "HEAD" ? null : sent,
        });
        const waited = setTimeout(() => gone.abort(), 5);
        const response = await app.fetch(request);
        clearTimeout(waited);
        gone.abort();
        expect(response.status, `${how} ${where}?${search}`).toBeLessThan(500);
        if (response.status >= 400 && how !== "HEAD") ErrorBody.parse(await response.json());
        else await response.body?.cancel();
      }),
      { numRuns: 500 },
    );
    expect(place.logger.entries.filter(({ level }) => level === "error")).toEqual([]);
  });
});
