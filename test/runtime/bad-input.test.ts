/** Bad input is refused at the door or makes an error that says what, expected, got and which id; nothing is lost (G8). */
import { expect, test } from "vitest";
import { z } from "zod";
import { defineContract } from "../../src/domain/contract.ts";
import { defineEngine } from "../../src/domain/engine.ts";
import {
  InvalidArgumentError,
  KeyConflictError,
  SchemaError,
  UnknownArtifactError,
  UnknownWorkItemError,
} from "../../src/domain/errors.ts";
import type { Json } from "../../src/domain/json.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import { sha256 } from "../../src/wire/digest.ts";
import { createWorld } from "../support/world.ts";
import { counter, engineOf, enqueue, Work } from "./builders.ts";

const Strict = defineContract({ id: "strict", payload: z.object({ n: z.number() }), result: z.number() });

test("a payload that fails its schema is refused, and nothing is stored", async () => {
  const world = createWorld();
  const error: unknown = await world.client.enqueue(Strict, { n: "one" as unknown as number }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SchemaError);
  expect(String(error)).toMatch(/^SchemaError: payload of engine strict does not match its schema: \$\.n: /);
  expect((await world.client.list()).entries).toEqual([]);
  expect(world.broker.entries.size).toBe(0);
});

test.each<[string, unknown, string]>([
  ["a function", { f: () => 1 }, "expected plain JSON at $.f, got a function (f)"],
  ["a Map", { deep: [{ m: new Map() }] }, "expected plain JSON at $.deep[0].m, got an instance of Map"],
  ["undefined", undefined, "expected plain JSON at $, got undefined"],
])("a payload with %s is refused by its path", async (_name, payload, message) => {
  await expect(createWorld().client.enqueue(Work, payload as Json)).rejects.toThrow(message);
});

const cyclic: Record<string, unknown> = { name: "round" };
cyclic["self"] = cyclic;
class Account {
  readonly owner = "me";
}
test.each<[string, unknown, string]>([
  ["a function", { go: () => 1 }, "$.go, got a function (go)"],
  ["a cycle", cyclic, "got a cycle, or more than 500 levels"],
  ["NaN", { n: Number.NaN }, "$.n, got NaN"],
  ["a BigInt", [1n], "$[0], got 1n (a BigInt)"],
  ["a Map", { m: new Map([[1, 2]]) }, "$.m, got an instance of Map"],
  ["a Date", { at: new Date(0) }, "$.at, got an instance of Date"],
  ["an instance of a class", { account: new Account() }, "$.account, got an instance of Account"],
  ["a symbol", { s: Symbol("s") }, "$.s, got Symbol(s)"],
  ["bytes", { b: new Uint8Array(2) }, "$.b, got an instance of Uint8Array"],
])(
  "a state with %s is a bug with its path; the item is dead-lettered, and goes on once the engine is mended",
  async (_name, state, message) => {
    const world = createWorld();
    const broken = world.work([engineOf(async (_state, ctx) => (ctx.step === 0 ? ctx.next("good") : ctx.next(state as Json)))]);
    const workId = await enqueue(world);
    const status = await world.end(workId);
    expect(status).toMatchObject({ status: "dead_lettered", version: 1, error: { code: "not_json", class: "bug" } });
    expect(status.error?.message).toContain(message);
    expect(await world.client.state(workId)).toBe("good");
    await broken.stop();
    world.work([engineOf(async (good, ctx) => ctx.complete(good))]);
    await world.client.redrive(workId);
    await world.reach(workId, "completed");
    expect(await world.client.resultJson(workId)).toBe("good");
  },
);

test("a state that is no JSON is tried again where the policy says so", async () => {
  const world = createWorld();
  world.work([
    engineOf(async (_state, ctx) => (ctx.attempt < 3 ? ctx.next(Number.NaN) : ctx.complete("third time")), {
      retry: { bug: { attempts: 3 } },
    }),
  ]);
  expect((await world.end(await enqueue(world))).status).toBe("completed");
});

test("a state or a first state that fails its schema is a bug that says which", async () => {
  const world = createWorld();
  const engine = (id: string, init: number, next: number) =>
    defineEngine(defineContract({ id, payload: z.null(), result: z.null() }), {
      version: 1,
      state: z.object({ n: z.number().max(5) }),
      init: { n: init },
      step: async (_state, ctx) => ctx.next({ n: next }),
    });
  const engines = [engine("first", 9, 1), engine("second", 1, 9)];
  world.work(engines);
  for (const [i, what] of ["initial state of engine first", "state of engine second"].entries()) {
    const { workId } = await world.client.enqueue(engines[i] as (typeof engines)[0], null);
    const { error, status } = await world.end(workId);
    expect(status).toBe("dead_lettered");
    expect(error?.message).toContain(`${what} does not match its schema: $.n: `);
    expect(error).toMatchObject({ code: "schema", class: "bug" });
  }
});

test("an item whose engine no worker has waits, uncharged, until one comes", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  world.work([engineOf(async (_s, ctx) => ctx.complete(1))].map((engine) => ({ ...engine, id: "another" })));
  await world.pass(3_600_000);
  expect(await world.client.status(workId)).toMatchObject({ status: "queued", attempt: 0, version: 0 });
  expect(world.broker.entries.size).toBeGreaterThan(0);
  world.work([counter(1)]);
  await world.end(workId, 16 * 60_000);
});

test("the same engine id twice is refused", () => {
  expect(() => createEngines([counter(1), counter(2)])).toThrow("engines: expected each id once");
});

test("unknown work ids, keys and artifacts are errors that name them", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  const { client } = world;
  const unknown = "0123456789abcdefghjk";
  for (const ref of [unknown, "", "no such thing", "../../etc", { contract: Work, key: "never used" }]) {
    for (const use of [
      client.status,
      client.state,
      client.log,
      client.artifacts,
      client.cancel,
      client.resume,
      client.redrive,
    ] as const)
      await expect(use(ref)).rejects.toThrow(UnknownWorkItemError);
    await expect(Array.fromAsync(client.events(ref))).rejects.toThrow(UnknownWorkItemError);
    await expect(Array.fromAsync(client.history(ref))).rejects.toThrow(UnknownWorkItemError);
    await expect(client.result(Work, ref, { timeoutMs: 0 })).rejects.toThrow(UnknownWorkItemError);
  }
  await expect(client.status(unknown)).rejects.toThrow(`no work item "${unknown}" in namespace "test"`);
  await expect(client.artifact(workId, "report")).rejects.toThrow(UnknownArtifactError);
  await expect(client.artifact(workId, "report")).rejects.toThrow(
    `work item ${workId} has no artifact "report", expected one of: (none)`,
  );
});

test.each<[string, object]>([
  ["an empty key", { key: "" }],
  ["a key above 16 KiB", { key: "k".repeat(16_385) }],
  ["a key that is no text", { key: 5 }],
  ["a key that is no well-formed text", { key: "\ud800" }],
  ["an unknown lane", { lane: "fast" }],
  ["a tenant that is no text", { tenant: 5 }],
  ["a label that is no text", { labels: { a: 1 } }],
  ["a label that cannot be stored", { labels: JSON.parse('{"__proto__": "x"}') }],
  ["a negative delay", { delayMs: -1 }],
  ["a delay that is no number", { delayMs: Number.NaN }],
  ["an endless deadline", { deadlineMs: Number.POSITIVE_INFINITY }],
  ["an unknown ifEnded", { ifEnded: "maybe" }],
])("enqueue refuses %s", async (_name, options) => {
  const world = createWorld();
  await expect(world.client.enqueue(Work, null, options)).rejects.toThrow(InvalidArgumentError);
  expect((await world.client.list()).entries).toEqual([]);
});

const KEYS = [
  "a/b//c",
  "../..",
  "snow ☃ and 🦆",
  "line\nbreak\ttab",
  "x".repeat(10_240),
  " ",
  "__proto__",
  "KEY",
  "%2F",
  "\u0000",
];
test("keys may have slashes, any letters and 10 KB, and each names an item of its own", async () => {
  const world = createWorld();
  world.work([engineOf(async (_state, ctx) => ctx.complete(ctx.payload))]);
  const ids = new Set<string>();
  for (const key of KEYS) {
    const first = await world.client.enqueue(Work, key, { key });
    expect(first.created).toBe(true);
    expect(await world.client.enqueue(Work, key, { key })).toEqual({ ...first, created: false });
    await world.end(first.workId);
    const { status, key: stored } = await world.client.status({ contract: Work, key });
    expect([status, stored]).toEqual(["completed", key]);
    ids.add(first.workId);
  }
  expect(ids.size).toBe(KEYS.length);
});

test("the same key with another payload is an error that names both digests", async () => {
  const world = createWorld();
  const { workId } = await world.client.enqueue(Work, { a: 1 }, { key: "k" });
  const error: unknown = await world.client.enqueue(Work, { a: 2 }, { key: "k" }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(KeyConflictError);
  for (const part of [`key "k" of engine work`, workId, sha256('{"a":1}'), sha256('{"a":2}')])
    expect(String(error)).toContain(part);
  world.work([counter(1)]);
  await world.end(workId);
});

const NESTED = '{"list":[{"__proto__":{"polluted":1}}],"__proto__":{"polluted":2},"constructor":{"prototype":{"polluted":3}}}';
test("a payload with __proto__ pollutes nothing, and keeps it where the schema passes it", async () => {
  const world = createWorld();
  const seen: string[] = [];
  world.work([
    engineOf(async (state, ctx) => {
      seen.push(JSON.stringify(ctx.payload), String(Reflect.get(Object(ctx.payload), "polluted")));
      return ctx.step === 0 ? ctx.next(ctx.payload) : ctx.complete(state);
    }),
  ]);
  const workId = await enqueue(world, JSON.parse(NESTED));
  await world.end(workId);
  expect(seen).toEqual([NESTED, "undefined", NESTED, "undefined"]);
  expect(JSON.stringify(await world.client.resultJson(workId))).toBe(NESTED);
  expect(Reflect.get({}, "polluted")).toBeUndefined();
});

test("a message that nobody can read is set aside with its reason, and the worker goes on", async () => {
  const world = createWorld();
  for (const body of ["", "{", "null", '{"v":1}', '{"v":1,"ns":"test","id":"x","at":null}'])
    await world.deps.queue.send(body, { delayMs: 0, lane: "high", tenant: "" });
  world.work([counter(1)]);
  await world.end(await enqueue(world), 1_000);
  expect(world.broker.buried).toHaveLength(5);
  for (const { reason } of world.broker.buried) expect(reason).toContain("hint cannot be decoded");
});

test("a message of a newer release, or of an item that is not there, harms nobody", async () => {
  const world = createWorld();
  const ghost = '{"v":1,"ns":"test","id":"0123456789abcdefghjk","at":null}';
  for (const body of ['{"v":2,"new":true}', ghost]) await world.deps.queue.send(body, { delayMs: 0, lane: "high", tenant: "" });
  world.work([counter(1)]);
  await world.end(await enqueue(world), 1_000);
  await world.pass(60_000);
  expect(world.broker.buried).toEqual([]);
  expect([...world.broker.entries.values()].map((entry) => entry.body)).toEqual(['{"v":2,"new":true}']);
});
