/** What callers and operators see: results, status, lists. */
import { expect, test } from "vitest";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import { InvalidArgumentError } from "../../src/domain/errors.ts";
import { pause } from "../../src/runtime/deps.ts";
import { SHOWN_STATUSES } from "../../src/runtime/inspect.ts";
import { createWorld, type World } from "../support/world.ts";
import { counter, engineOf, enqueue, Work } from "./builders.ts";
import { draftOf, never } from "./faults.ts";

const mixed = (world: World) =>
  engineOf(async (_state, ctx) => {
    if (ctx.payload === "completed") return ctx.complete("done");
    if (ctx.payload === "failed") return ctx.fail(new Error("no"));
    if (ctx.payload === "dead_lettered") throw new TypeError("bug");
    if (ctx.payload === "waiting") return ctx.waitFor(1, { timeoutMs: 3_600_000 });
    if (ctx.payload === "closing") return ctx.complete("done", { ifUnread: "step" });
    if (ctx.payload === "running") await pause(world.clock, 100_000);
    return ctx.next(1, { delayMs: 3_600_000 });
  });

test("every status is shown and listed as such", async () => {
  const world = createWorld();
  const ids = new Map<string, string>();
  // The claim that would end it never comes back.
  const stuck: Intercept = (call, run) => {
    const { partition, sort, body } = draftOf(call);
    const closes = partition === `test/${ids.get("closing")}` && sort === "LIVE/LEASE" && body["attempt"] === undefined;
    return closes ? never() : run();
  };
  world.work([mixed(world)], { lanes: ["high", "normal"], intercept: stuck });
  for (const status of SHOWN_STATUSES) if (status !== "queued") ids.set(status, await enqueue(world, status));
  await world.pass(1_000);
  await world.client.pause(ids.get("paused") ?? "");
  await world.client.cancel(ids.get("cancelled") ?? "");
  await world.pass(1_000);
  const queued = await world.client.enqueue(Work, 1, { lane: "low" });
  ids.set("queued", queued.workId);
  for (const status of SHOWN_STATUSES) {
    expect((await world.client.status(ids.get(status) ?? "")).status).toBe(status);
    expect((await world.client.list({ status })).entries.map((item) => item.workId)).toEqual([ids.get(status)]);
  }
  expect((await world.client.list()).entries).toHaveLength(SHOWN_STATUSES.length);
});

test("a running item shows who holds it, at which attempt and until when", async () => {
  const world = createWorld();
  world.work([mixed(world)], { name: "holder" });
  const workId = await enqueue(world, "running");
  await world.pass(9_000);
  expect(await world.client.status(workId)).toMatchObject({
    status: "running",
    attempt: 1,
    version: 0,
    holder: { process: "holder", fencingToken: 1, expiresAtMs: world.clock.nowMs() - 3_000 + 20_000 },
  });
});

test("lists go newest first, by pages, and filter by engine, tenant and labels", async () => {
  const world = createWorld();
  const ids: string[] = [];
  for (let i = 0; i < 25; i++) {
    const options = { tenant: i % 2 === 0 ? "even" : "odd", labels: { third: String(i % 3), all: "yes" } };
    ids.unshift((await world.client.enqueue(Work, i, options)).workId);
    world.clock.advance(10);
  }
  const seen: string[] = [];
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof world.client.list>> = await world.client.list({
      limit: 7,
      ...(after === null ? {} : { after }),
    });
    seen.push(...page.entries.map((item) => item.workId));
    after = page.next;
  } while (after !== null);
  expect(seen).toEqual(ids);
  expect((await world.client.list({ tenant: "odd" })).entries).toHaveLength(12);
  expect((await world.client.list({ labels: { third: "0", all: "yes" }, tenant: "even" })).entries).toHaveLength(5);
  expect((await world.client.list({ engine: "another" })).entries).toEqual([]);
  expect((await world.client.list({ tenant: "odd", limit: 3 })).entries).toHaveLength(3);
  for (const limit of [0, 1_001, 1.5, Number.NaN])
    await expect(world.client.list({ limit })).rejects.toThrow(InvalidArgumentError);
  await expect(world.client.list({ status: "done" as "queued" })).rejects.toThrow("status: expected queued, running");
});

test("`result` waits for the end, up to its time or its abort signal, and 0 asks once", async () => {
  const world = createWorld();
  world.work([engineOf(async (_state, ctx) => pause(world.clock, 10_000).then(() => ctx.complete("done")))]);
  const workId = await enqueue(world);
  expect(await world.client.result(Work, workId, { timeoutMs: 0 })).toEqual({ status: "open" });
  const short = world.client.result(Work, workId, { timeoutMs: 2_000 });
  const abort = new AbortController();
  const aborted = world.client.result(Work, workId, { timeoutMs: 99_000, abortSignal: abort.signal });
  const long = world.client.result(Work, workId, { timeoutMs: 60_000 });
  await world.pass(3_000);
  abort.abort();
  expect(await short).toEqual({ status: "open" });
  expect(await aborted).toEqual({ status: "open" });
  await world.pass(8_000);
  expect(await long).toEqual({ status: "completed", result: "done" });
});

test("`result` waits no longer when the clock jumps back", async () => {
  const world = createWorld();
  const waiting = world.client.result(Work, await enqueue(world), { timeoutMs: 2_000 });
  await world.pass(500);
  world.clock.setNowMs(world.clock.nowMs() - 3_600_000);
  await world.pass(2_500);
  expect(await Promise.race([waiting, "still waiting"])).toEqual({ status: "open" });
});

test("a bad end is told with its error", async () => {
  const world = createWorld();
  world.work([engineOf(async (_state, ctx) => ctx.fail(new RangeError("too far", { cause: new Error("why") })))]);
  const workId = await enqueue(world);
  await world.end(workId);
  const ended = await world.client.result(Work, workId, { timeoutMs: 0 });
  expect(ended).toMatchObject({ status: "failed", error: { name: "RangeError", message: "too far" } });
  expect(await world.client.resultJson(workId)).toBeNull();
});

test("events say what happened, when and at which attempt", async () => {
  const world = createWorld();
  world.work([
    engineOf(async (_state, ctx) => {
      if (ctx.attempt === 1) throw new Error("first");
      return ctx.step === 0 ? ctx.next(1, { at: "more" }) : ctx.complete(1);
    }),
  ]);
  const startMs = world.clock.nowMs();
  const workId = await enqueue(world);
  await world.end(workId);
  const events = await world.events(workId);
  expect(events).toMatchObject([
    { kind: "failed", version: 0, step: "step", attempt: 1, atMs: startMs, error: { message: "first" } },
    { kind: "step", version: 1, step: "step", attempt: 2 },
    { kind: "failed", version: 1, step: "more", attempt: 1 },
    { kind: "step", version: 2, step: "more", attempt: 2 },
    { kind: "ended", version: 2, status: "completed", cause: null },
  ]);
  const times = events.map((event) => event.atMs);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

test("a world without trouble logs nothing, and leaves no message behind", async () => {
  const world = createWorld();
  world.work([counter(20)]);
  for (let i = 0; i < 10; i++) await world.end(await enqueue(world, i));
  expect(world.logger.entries).toEqual([]);
  expect(world.broker.entries.size).toBe(0);
});
