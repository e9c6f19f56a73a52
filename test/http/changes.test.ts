/** What is sent to items over HTTP: signals, callbacks, commands. */
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import { createCallbackApp } from "../../src/http/app.ts";
import { ENGINES, ended, enqueued, get, openPlace, post, refusal, refused, SOON } from "./support.ts";

const place = openPlace();
const app = place.app();
/** As the function in AWS, which has none of the user's code. */
const blind = place.app({ contracts: [], allowUnknownEngines: true });
const callbacks = createCallbackApp({
  client: place.store,
  clock: createSystemClock(),
  logger: place.logger,
  contracts: ENGINES,
});
afterAll(() => place.close());

const Status = z.object({ status: z.string() });
async function reached(workId: string, status: string): Promise<void> {
  await expect.poll(async () => Status.parse(await get(app, `/items/${workId}`)).status, SOON).toBe(status);
}
async function waiting(): Promise<{ workId: string; token: string }> {
  const workId = await enqueued(app, "approvals", {});
  await reached(workId, "waiting");
  const { state } = z.object({ state: z.object({ token: z.string() }) }).parse(await get(app, `/items/${workId}/state`));
  return { workId, token: state.token };
}

describe("a signal", () => {
  test("is accepted once with its id, and says when it is not", async () => {
    const { workId } = await waiting();
    const send = (payload: unknown) => post(app, `/items/${workId}/signals/note`, { payload, id: "n1" });
    for (let i = 0; i < 2; i++) {
      const sent = await send("hello");
      expect([sent.status, await sent.json()]).toEqual([202, { workId, accepted: true, status: "waiting" }]);
    }
    expect(await refused(send("other"))).toBe("409 signal_conflict");
    await post(app, `/items/${workId}/signals/approved`, { payload: { by: "Ada" } });
    await ended(app, workId);
    const late = await post(app, `/items/${workId}/signals/approved`, { payload: { by: "Bo" } });
    expect([late.status, await late.json()]).toEqual([202, { workId, accepted: false, status: "completed" }]);
  });
  test("is checked against its contract", async () => {
    const { workId } = await waiting();
    const send = (name: string, body: unknown) => refused(post(app, `/items/${workId}/signals/${name}`, body));
    expect(await send("approved", { payload: { by: 1 } })).toBe("400 schema");
    expect(await send("nope", { payload: 1 })).toBe("400 invalid_argument");
    expect(await send("note", { payload: "x", id: "two words" })).toBe("400 invalid_argument");
    expect(await send("note", { paylod: "x" })).toBe("400 invalid_argument");
    expect(await refused(post(app, "/items/nope/signals/note", {}))).toBe("404 unknown_work_item");
  });
});

describe.each([
  ["the whole door", app],
  ["a door for callbacks alone", callbacks],
])("a callback through %s", (_, door) => {
  test("is taken once, with its whole body as payload", async () => {
    const { workId, token } = await waiting();
    expect(await refused(post(door, `/callback/${token}`, { by: 1 }))).toBe("400 schema");
    for (let i = 0; i < 2; i++) {
      const sent = await post(door, `/callback/${token}`, { by: "the bank" });
      expect([sent.status, await sent.json()]).toEqual([202, { accepted: true, status: expect.any(String) }]);
    }
    expect(await ended(app, workId)).toEqual({ status: "completed", result: ["approved", { by: "the bank" }] });
    expect(await refused(post(door, `/callback/${token}`, { by: "a thief" }))).toBe("409 refused");
  });
  test("tells a wrong token and a token of no item in the same words", async () => {
    const { workId } = await waiting();
    const secret = "0".repeat(40);
    for (const token of [`rk1-${workId}-0-${secret}`, `rk1-00000000000000000001-0-${secret}`])
      expect(await refusal(post(door, `/callback/${token}`, { by: "x" }))).toEqual([
        404,
        "unknown_callback",
        "no callback is known by this token",
      ]);
    expect(await refused(post(door, "/callback/nope", {}))).toBe("400 invalid_argument");
  });
});

describe("the door for callbacks", () => {
  test("has nothing else", async () => {
    for (const path of ["/", "/healthz", "/items", "/callback", "/callback/a/b"])
      expect(await refused(callbacks.request(path)), path).toBe("404 unknown_route");
    expect(await refused(post(callbacks, "/items", { engine: "counter" }))).toBe("404 unknown_route");
    expect(await refused(callbacks.request("/callback/x"))).toBe("405 wrong_method");
  });
  test("tells strangers nothing of an engine that it does not know, and the log all", async () => {
    const { token } = await waiting();
    const { store: client, logger } = place;
    const unknowing = createCallbackApp({ client, logger, clock: createSystemClock() });
    expect(await refusal(post(unknowing, `/callback/${token}`, { by: "x" }))).toEqual([
      500,
      "internal",
      "this failed here; try again later",
    ]);
    const logged = logger.entries.at(-2);
    expect(logged).toMatchObject({
      level: "error",
      fields: { route: "/callback/:token", error: expect.stringContaining("approvals") },
    });
    expect(JSON.stringify(logger.entries)).not.toContain(token);
  });
});

describe("a door without contracts", () => {
  test("lets in any JSON when it may, and the worker refuses what does not fit", async () => {
    expect(await ended(app, await enqueued(blind, "counter", { upTo: 3 }))).toEqual({ status: "completed", result: { sum: 6 } });
    const odd = await enqueued(blind, "counter", { upTo: "three" });
    expect(await ended(app, odd)).toMatchObject({ status: "dead_lettered", error: { code: "schema" } });
    expect(await refused(post(blind, "/items", { engine: "no engine", payload: {} }))).toBe("400 invalid_argument");
    expect(await refusal(post(place.app({ contracts: [] }), "/items", { engine: "counter" }))).toEqual([
      404,
      "unknown_engine",
      'unknown engine "counter", expected one of: (none loaded)',
    ]);
  });
  test("passes on signals and callbacks", async () => {
    const signalled = await waiting();
    expect((await post(blind, `/items/${signalled.workId}/signals/refused`, { payload: { why: "no" } })).status).toBe(202);
    expect(await ended(app, signalled.workId)).toMatchObject({ result: ["refused", { why: "no" }] });
    const called = await waiting();
    expect((await post(blind, `/callback/${called.token}`, { by: "Ada" })).status).toBe(202);
    expect(await ended(app, called.workId)).toMatchObject({ result: ["approved", { by: "Ada" }] });
    const path = `/items/${called.workId}/signals/${encodeURIComponent("no name")}`;
    expect(await refused(post(blind, path, {}))).toBe("400 invalid_argument");
  });
});

describe("commands", () => {
  const send = async (workId: string, what: string, body?: unknown) => {
    const response = await post(app, `/items/${workId}/${what}`, body);
    return [response.status, await response.json()];
  };
  const accepted = [202, { accepted: true }];

  test("pause, resume and cancel an item, with the reason that was given", async () => {
    const { workId } = await waiting();
    expect(await send(workId, "pause", { reason: "lunch", id: "p1" })).toEqual(accepted);
    await reached(workId, "paused");
    expect(await get(app, `/items/${workId}`)).toMatchObject({ pausedBecause: "lunch" });
    expect(await send(workId, "resume")).toEqual(accepted);
    await reached(workId, "waiting");
    expect(await send(workId, "cancel")).toEqual(accepted);
    expect(await ended(app, workId)).toMatchObject({
      status: "cancelled",
      error: { message: expect.stringContaining("operator") },
    });
  });
  test("redrive an item that failed", async () => {
    const workId = await enqueued(app, "member", "fails");
    await ended(app, workId);
    expect(await send(workId, "redrive", { note: "once more" })).toEqual(accepted);
    const events = () => Array.fromAsync(place.store.events(workId));
    await expect.poll(events, SOON).toContainEqual(expect.objectContaining({ kind: "redriven", note: "once more" }));
  });
  test("that the status does not allow are refused", async () => {
    const { workId } = await waiting();
    expect(await send(workId, "redrive")).toMatchObject([409, { error: { code: "refused" } }]);
    expect(await send(workId, "resume")).toMatchObject([409, { error: { code: "refused" } }]);
    expect(await send(workId, "cancel", { note: "x" })).toMatchObject([400, { error: { code: "invalid_argument" } }]);
    expect(await send(workId, "cancel", { reason: "x".repeat(2_001) })).toMatchObject([
      400,
      { error: { code: "invalid_argument" } },
    ]);
    expect(await send("nope", "cancel")).toMatchObject([404, { error: { code: "unknown_work_item" } }]);
  });
});
