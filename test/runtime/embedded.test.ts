/** The runtime on real SQLite and files: what disks and clocks do to it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEmbeddedBlobStore } from "../../src/adapters/embedded/blob-store.ts";
import { createEmbeddedQueue } from "../../src/adapters/embedded/queue.ts";
import { createEmbeddedRecordStore } from "../../src/adapters/embedded/record-store.ts";
import { createMemoryLogger } from "../../src/adapters/memory/logger.ts";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import { createProcessTable } from "../../src/adapters/node/process-table.ts";
import { createSystemRandom } from "../../src/adapters/node/random.ts";
import type { Engine } from "../../src/domain/engine.ts";
import { BlobAlteredError, BlobMissingError, StoreTooNewError, StoreUnavailableError } from "../../src/domain/errors.ts";
import { parseNamespace } from "../../src/domain/ids.ts";
import { type Embedded, openEmbedded } from "../../src/embedded.ts";
import { createClient } from "../../src/runtime/client.ts";
import { createNonces, type Deps, NO_METRICS } from "../../src/runtime/deps.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../src/runtime/settings.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { createCodec } from "../../src/wire/codec.ts";
import { createHome, type Home } from "../contract/embedded.ts";
import { engineOf, Work } from "./builders.ts";

const QUICK: Partial<Settings> = { leaseDurationMs: 600, heartbeatMs: 100, visibilityMs: 800, abandonMs: 100 };
const RETRY = { transient: { attempts: 3, minMs: 1, maxMs: 20 }, unknown: { attempts: 2, minMs: 1, maxMs: 5 } };

let home: Home;
let stops: (() => Promise<void>)[] = [];
let opened: Embedded[] = [];
beforeEach(() => {
  home = createHome();
});
afterEach(async () => {
  for (const stop of stops) await stop();
  for (const one of opened) one.close();
  [stops, opened] = [[], []];
  home.close();
});

function open(engines: readonly Engine[] = [], settings: Partial<Settings> = QUICK): Embedded {
  const one = openEmbedded({ home: home.path, engines, settings, logger: createMemoryLogger() });
  opened.push(one);
  return one;
}
/** Works until the test is over, or `stop` is called. */
function start(run: (stop: AbortSignal) => Promise<void>): () => Promise<void> {
  const controller = new AbortController();
  const done = run(controller.signal);
  const stop = async (): Promise<void> => {
    controller.abort();
    await done;
  };
  stops.push(stop);
  return stop;
}
function work(engines: readonly Engine[]): { rookery: Embedded; stop: () => Promise<void> } {
  const rookery = open(engines);
  return { rookery, stop: start((stop) => rookery.work(stop, { graceMs: 100, sweep: false })) };
}
/** A process of its own making: other clock, or a disk that is full at so many pages. */
function processOf(how: { offsetMs?: () => number; maxPages?: number }): Deps {
  const database = home.open(how.maxPages === undefined ? {} : { maxPages: how.maxPages });
  const system = createSystemClock();
  const clock = { ...system, nowMs: () => system.nowMs() + (how.offsetMs?.() ?? 0) };
  const [random, processes, namespace] = [createSystemRandom(), createProcessTable(), parseNamespace("default")];
  return {
    ...{ namespace, clock, random, processes },
    store: createEmbeddedRecordStore({ database }),
    queue: createEmbeddedQueue({ database, namespace, clock, random, processes }),
    blobs: createEmbeddedBlobStore({ home: home.path, clock, random }),
    logger: createMemoryLogger(),
    metrics: NO_METRICS,
    codec: createCodec({ deflateFromBytes: 4_096 }),
    settings: { ...DEFAULT_SETTINGS, ...QUICK },
    nonce: createNonces(random),
  };
}
function workIn(deps: Deps, engine: Engine): () => Promise<void> {
  const options = { concurrency: 5, lanes: null, graceMs: 100, onAbandoned: () => undefined };
  return start((stop) => createWorker(deps, createEngines([engine]), options).run(stop));
}
async function statusIs(rookery: Embedded, workId: string, status: string): Promise<void> {
  await expect.poll(async () => (await rookery.status(workId)).status, { timeout: 10_000, interval: 10 }).toBe(status);
}
/** The only blob of the item, as a file. */
function blobOf(workId: string): string {
  const files = readdirSync(home.path, { recursive: true, encoding: "utf8" }).map((name) => join(home.path, name));
  const [blob, ...rest] = files.filter((file) => file.includes(workId) && statSync(file).isFile());
  expect(rest).toEqual([]);
  return blob ?? "";
}

const large = engineOf(
  async (state, ctx) => (ctx.step === 0 ? ctx.next("x".repeat(20_000), { delayMs: 1_000 }) : ctx.complete(String(state).length)),
  { retry: RETRY },
);

test.each<
  [string, (path: string) => void, (path: string, bytes: Buffer) => void, typeof BlobMissingError | typeof BlobAlteredError]
>([
  ["missing", (path) => rmSync(path), (path, bytes) => writeFileSync(path, bytes), BlobMissingError],
  ["altered", (path) => writeFileSync(path, "x".repeat(20_001)), (path, bytes) => writeFileSync(path, bytes), BlobAlteredError],
  ["cut short", (path) => writeFileSync(path, "xxx"), (path, bytes) => writeFileSync(path, bytes), BlobAlteredError],
])(
  "a state whose blob is %s is retried, then dead-lettered; put right and redriven, it completes",
  async (_what, harm, mend, expected) => {
    const { rookery } = work([large]);
    const { workId } = await rookery.enqueue(Work, 1);
    await statusIs(rookery, workId, "sleeping");
    const path = blobOf(workId);
    const bytes = readFileSync(path);
    harm(path);
    await statusIs(rookery, workId, "dead_lettered");
    const { error, cause, attempt } = await rookery.status(workId);
    expect({ name: error?.name, class: error?.class, kind: cause?.kind, attempt }).toEqual({
      name: expected.name,
      class: "transient",
      kind: "exhausted",
      attempt: 0,
    });
    expect((await Array.fromAsync(rookery.events(workId))).filter((event) => event.kind === "failed")).toHaveLength(3);
    expect(error?.message).toContain(workId);
    await expect(rookery.state(workId)).rejects.toThrow(expected);
    mend(path, bytes);
    await rookery.redrive(workId);
    await statusIs(rookery, workId, "completed");
    expect(await rookery.resultJson(workId)).toBe(20_000);
  },
);

test("a folder for blobs that cannot be written holds an item up, and no more", async () => {
  const blobs = join(home.path, "blobs");
  const { rookery } = work([large]);
  const before = readdirSync(home.path);
  writeFileSync(blobs, "in the way");
  const { workId } = await rookery.enqueue(Work, 1);
  await expect.poll(async () => (await Array.fromAsync(rookery.events(workId))).length, { timeout: 5_000 }).toBeGreaterThan(0);
  expect(await rookery.status(workId)).toMatchObject({ version: 0, endedAtMs: null });
  expect(before).not.toContain("blobs");
  rmSync(blobs);
  await statusIs(rookery, workId, "completed");
});

test("a full disk is an error to callers and holds workers up; with room again everything goes on", async () => {
  const talker = engineOf(async (_state, ctx) => {
    const append = ["y".repeat(3_000)];
    return ctx.step === 29 ? ctx.complete("done", { append }) : ctx.next(ctx.step, { append });
  });
  const rookery = open();
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push((await rookery.enqueue(Work, i)).workId);
  const pages = Number(new DatabaseSync(home.file).prepare("PRAGMA page_count").get()?.["page_count"]);
  const full = processOf({ maxPages: pages + 12 });
  const stop = workIn(full, talker);
  const caller = createClient(processOf({ maxPages: pages }));
  const refused = async (): Promise<unknown> => caller.enqueue(Work, "z".repeat(8_000)).catch((thrown: unknown) => thrown);
  await expect.poll(refused, { timeout: 5_000 }).toBeInstanceOf(StoreUnavailableError);
  expect(String(await refused())).toContain(`records in ${home.file}: database or disk is full`);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await stop();
  expect((await rookery.list({ status: "completed" })).entries.length).toBeLessThan(5);
  work([talker]);
  for (const workId of ids) {
    await statusIs(rookery, workId, "completed");
    expect(await rookery.log(workId)).toHaveLength(30);
  }
});

test("a database of a newer release is refused with both versions, and left alone", async () => {
  const { workId } = await open().enqueue(Work, 1);
  const db = new DatabaseSync(home.file);
  db.exec("PRAGMA user_version = 42");
  expect(() => open()).toThrow(StoreTooNewError);
  expect(() => open()).toThrow("has schema version 42, expected at most");
  db.exec("PRAGMA user_version = 1");
  db.close();
  expect((await open().status(workId)).status).toBe("queued");
});

test("a home that is a file is refused by its name", () => {
  const path = join(home.path, "file");
  writeFileSync(path, "");
  expect(() => openEmbedded({ home: path })).toThrow(StoreUnavailableError);
  expect(() => openEmbedded({ home: path })).toThrow(path);
  expect(() => openEmbedded({ home: home.path, namespace: "No/Such" })).toThrow("namespace: expected 1 to 63 of a-z");
});

test("a clock that jumps back an hour wedges neither worker nor item", async () => {
  let offsetMs = 0;
  const deps = processOf({ offsetMs: () => offsetMs });
  const client = createClient(deps);
  const slow = engineOf(async (_state, ctx) => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    return ctx.step === 2 ? ctx.complete("done") : ctx.next(1);
  });
  workIn(deps, slow);
  const { workId } = await client.enqueue(Work, 1);
  await new Promise((resolve) => setTimeout(resolve, 200));
  offsetMs = -3_600_000;
  const later = await client.enqueue(Work, 2);
  for (const id of [workId, later.workId]) {
    await expect.poll(async () => (await client.status(id)).status, { timeout: 10_000 }).toBe("completed");
    expect((await Array.fromAsync(client.events(id), (event) => event.kind)).filter((kind) => kind === "step")).toHaveLength(3);
  }
});

test("a state of 50 MB comes back whole", async () => {
  const text = "0123456789abcdef".repeat(3_276_800);
  const { rookery } = work([engineOf(async (state, ctx) => (ctx.step === 0 ? ctx.next(text) : ctx.complete(state === text)))]);
  const { workId } = await rookery.enqueue(Work, 1);
  await expect.poll(async () => (await rookery.status(workId)).status, { timeout: 20_000 }).toBe("completed");
  expect(await rookery.resultJson(workId)).toBe(true);
  expect(statSync(blobOf(workId)).size).toBe(text.length + 2);
});

test("undici's own network error is transient, and the worker's", async () => {
  const { rookery } = work([
    engineOf(async (_state, ctx) => ctx.complete((await fetch("http://127.0.0.1:1/")).status), { retry: RETRY }),
  ]);
  const { workId } = await rookery.enqueue(Work, 1);
  await statusIs(rookery, workId, "dead_lettered");
  expect((await rookery.status(workId)).error).toMatchObject({ name: "TypeError", message: "fetch failed", class: "transient" });
});

test("many workers on one file run every step once", async () => {
  const runs: string[] = [];
  const engine = engineOf(async (state, ctx) => {
    runs.push(`${ctx.workId}.${ctx.step}`);
    return ctx.step === 9 ? ctx.complete(state) : ctx.next(Number(state) + 1, { delayMs: ctx.step % 3 === 0 ? 5 : 0 });
  });
  for (let i = 0; i < 3; i++) work([engine]);
  const rookery = open();
  const ids = await Promise.all(Array.from({ length: 20 }, async (_, i) => (await rookery.enqueue(Work, i)).workId));
  for (const workId of ids) await statusIs(rookery, workId, "completed");
  expect(runs).toHaveLength(200);
  expect(new Set(runs).size).toBe(200);
});

test("what is forgotten is gone from the disk", async () => {
  const rookery = open([large], { ...QUICK, retentionMs: 1 });
  start((stop) => rookery.work(stop, { graceMs: 100, sweep: false }));
  const { workId } = await rookery.enqueue(Work, 1);
  await statusIs(rookery, workId, "completed");
  const path = blobOf(workId);
  await expect.poll(async () => (await rookery.sweep()).forgotten, { timeout: 5_000 }).toBe(1);
  expect(existsSync(path)).toBe(false);
});

test("a home can be moved while nobody works in it", async () => {
  const first = work([large]);
  const { workId } = await first.rookery.enqueue(Work, 1);
  await statusIs(first.rookery, workId, "sleeping");
  await first.stop();
  first.rookery.close();
  const moved = join(home.path, "moved");
  mkdirSync(moved);
  for (const name of readdirSync(home.path)) if (name !== "moved") renameSync(join(home.path, name), join(moved, name));
  const rookery = openEmbedded({ home: moved, engines: [large], settings: QUICK });
  opened.push(rookery);
  start((stop) => rookery.work(stop, { sweep: false }));
  await statusIs(rookery, workId, "completed");
});
