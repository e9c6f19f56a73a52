import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "../../src/adapters/embedded/database.ts";
import { createEmbeddedQueue } from "../../src/adapters/embedded/queue.ts";
import { createEmbeddedRecordStore } from "../../src/adapters/embedded/record-store.ts";
import { createVirtualClock } from "../../src/adapters/memory/clock.ts";
import { createMemoryMachine } from "../../src/adapters/memory/process-table.ts";
import { createSeededRandom } from "../../src/adapters/memory/random.ts";
import { InvariantError, QueueUnavailableError, StoreUnavailableError } from "../../src/domain/errors.ts";
import type { RecordDraft, RecordStore } from "../../src/ports/record-store.ts";
import type { WorkQueue } from "../../src/ports/work-queue.ts";
import { createHome, type Home } from "../contract/embedded.ts";
import { times } from "../contract/fixture.ts";

let home: Home;
let database: Database;
let store: RecordStore;
let other: DatabaseSync;
beforeEach(() => {
  home = createHome();
  database = home.open();
  store = createEmbeddedRecordStore({ database });
  other = new DatabaseSync(home.file);
});
afterEach(() => {
  other.close();
  home.close();
});

function draft(partition: string, fields: Partial<RecordDraft> = {}): RecordDraft {
  return { partition, sort: "s", body: {}, data: null, writeId: "w", due: null, listed: null, ...fields };
}
function openQueue(on: Database): WorkQueue {
  const processes = createMemoryMachine().tableOf("p1");
  return createEmbeddedQueue({
    database: on,
    namespace: "test",
    clock: createVirtualClock(),
    random: createSeededRandom(1),
    processes,
  });
}
const rethrow = (cause: unknown): Error => (cause instanceof Error ? cause : new Error("unknown"));
/** How many records another process would see. */
const onDisk = () => other.prepare("SELECT count(*) AS count FROM records").get()?.["count"];

describe("operations that wait at one moment", () => {
  test("go to disk together, and nobody sees them before", async () => {
    const seen: unknown[] = [];
    const look = () => database.group.submit(() => seen.push(onDisk()), rethrow);
    const send = openQueue(database).send("m", { delayMs: 0, lane: "normal", tenant: "" });
    const writes = times(10, (index) => [store.write(draft(`p${index}`), "absent"), look()]);
    expect(await store.read("p0")).toEqual([]);
    await Promise.all([send, ...writes.flat()]);
    expect(seen).toEqual(times(10, () => 0));
    expect(onDisk()).toBe(10);
    expect(await store.read("p0")).toHaveLength(1);
  });
  test("go five hundred at a time when they are many", async () => {
    const seen: unknown[] = [];
    const write = (index: number) =>
      database.group.submit(() => {
        seen.push(onDisk());
        database
          .prepare("INSERT INTO records (partition, sort, revision, write_id, body) VALUES (?, '', 1, '', '')")
          .run(`p${index}`);
      }, rethrow);
    await Promise.all(times(1_200, write));
    expect([...new Set(seen)]).toEqual([0, 500, 1_000]);
  });
});

describe("in a group", () => {
  test("a missed condition rolls nobody back", async () => {
    await store.write(draft("taken"), "absent");
    const answers = await Promise.all([
      store.write(draft("a"), "absent"),
      store.write(draft("taken"), "absent"),
      store.write(draft("taken"), 7),
      store.remove({ partition: "nowhere", sort: "s" }, 1),
      store.write(draft("b"), "absent"),
    ]);
    expect(answers.map(({ ok }) => ok)).toEqual([true, false, false, false, true]);
    expect(onDisk()).toBe(3);
  });
  test("one that throws takes nobody with it, and leaves nothing of its own", async () => {
    const throwing = database.group.submit(() => {
      database.prepare("DELETE FROM records").run();
      throw new InvariantError("a bug");
    }, rethrow);
    const refused = expect(throwing).rejects.toThrow(new InvariantError("a bug"));
    await store.write(draft("kept"), "absent");
    const before = store.write(draft("a"), "absent");
    const between = expect(
      database.group.submit(() => {
        database.prepare("DELETE FROM records").run();
        throw new InvariantError("another");
      }, rethrow),
    ).rejects.toThrow("another");
    const after = store.write(draft("b"), "absent");
    await Promise.all([refused, between]);
    expect(await before).toEqual({ ok: true, revision: 1 });
    expect(await after).toEqual({ ok: true, revision: 1 });
    expect(onDisk()).toBe(3);
  });
  test("a broken statement is the error of its operation", async () => {
    const broken = expect(
      store.write(draft("a", { writeId: String(null), due: { shard: 1.5, atMs: 1 } }), "absent"),
    ).rejects.toThrow();
    const fine = store.write(draft("b"), "absent");
    await broken;
    expect(await fine).toEqual({ ok: true, revision: 1 });
  });
});

describe("when the transaction cannot be had", () => {
  test("because another process writes, others run meanwhile and the group follows", async () => {
    other.exec("BEGIN IMMEDIATE");
    let written = false;
    const writing = store.write(draft("a"), "absent").then((answer) => {
      written = true;
      return answer;
    });
    let turns = 0;
    for (const untilMs = performance.now() + 150; performance.now() < untilMs; turns++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(turns).toBeGreaterThan(1);
    expect(written).toBe(false);
    expect(await store.read("a")).toEqual([]);
    other.exec("COMMIT");
    expect(await writing).toEqual({ ok: true, revision: 1 });
  });
  test("because the database was closed, each port says so in its own words", async () => {
    const queue = openQueue(database);
    database.close();
    await expect(store.write(draft("a"), "absent")).rejects.toThrow(StoreUnavailableError);
    await expect(store.read("a")).rejects.toThrow(StoreUnavailableError);
    const sending = queue.send("m", { delayMs: 0, lane: "normal", tenant: "" });
    await expect(sending).rejects.toThrow(QueueUnavailableError);
    await expect(sending).rejects.toThrow(`queue test in ${home.file}`);
  });
});

describe("when the disk is full", () => {
  test("writes are refused, what was written stays, and smaller ones go on", async () => {
    const full = home.open({ maxPages: 100 });
    const filling = createEmbeddedRecordStore({ database: full });
    await filling.write(draft("first"), "absent");
    const large = expect(filling.write(draft("large", { data: new Uint8Array(500_000) }), "absent")).rejects;
    const small = filling.write(draft("small"), "absent");
    await large.toThrow(`records in ${home.file}: database or disk is full`);
    expect(await small).toEqual({ ok: true, revision: 1 });
    expect(await filling.read("first")).toHaveLength(1);
    expect(await filling.write(draft("first"), 1)).toEqual({ ok: true, revision: 2 });
  });
  test("a message is refused by the queue", async () => {
    const queue = openQueue(home.open({ maxPages: 60 }));
    const sending = queue.send("m".repeat(500_000), { delayMs: 0, lane: "normal", tenant: "" });
    await expect(sending).rejects.toThrow(QueueUnavailableError);
    await expect(sending).rejects.toMatchObject({ code: "queue_unavailable", retryable: true });
  });
});
