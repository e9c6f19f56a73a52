/** What every RecordStore does. */
import { randomInt } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { invariant } from "../../src/domain/errors.ts";
import type { ListEntry, RecordDraft, RecordStore } from "../../src/ports/record-store.ts";
import { type Subject, times, uniqueName } from "./fixture.ts";

/** Printable ASCII and the lowest and highest bytes that a key may hold: their order is that of bytes. */
const KEYS_IN_ORDER = ["", "!", "/", "0", "10", "2", "A", "Z", "_", "a", "a/b", "a0", "aa", "z", "~"];

function draft(fields: Partial<RecordDraft> = {}): RecordDraft {
  return {
    partition: uniqueName(),
    sort: "HEAD",
    body: {},
    data: null,
    writeId: uniqueName(),
    due: null,
    listed: null,
    ...fields,
  };
}

export interface RecordStoreSubject extends Subject<RecordStore> {
  /** The largest data that a record may have, where that is less than a megabyte. */
  readonly maxDataBytes?: number;
  /** How many write at once: fewer where each write takes long. Default 100. */
  readonly writers?: number;
}

const MEGABYTE = 1_048_576;

export function describeRecordStoreContract(subject: RecordStoreSubject): void {
  const { name, create, maxDataBytes = MEGABYTE, writers = 100 } = subject;
  describe(`the record store ${name}`, () => {
    let store: RecordStore;
    let close: (() => void | Promise<void>) | undefined;
    beforeAll(async () => {
      const fixture = await create();
      store = fixture.port;
      close = fixture.close;
    });
    afterAll(() => close?.());

    const readOne = async (partition: string) => (await store.read(partition))[0];

    describe("writes under a condition", () => {
      test("puts an absent record once, as revision 1", async () => {
        const record = draft();
        expect(await store.write(record, "absent")).toEqual({ ok: true, revision: 1 });
        expect(await readOne(record.partition)).toEqual({ ...record, revision: 1 });
      });
      test("answers a second put with the record that won", async () => {
        const first = draft({ body: { by: "first" } });
        await store.write(first, "absent");
        const second = await store.write({ ...first, body: { by: "second" }, writeId: "other" }, "absent");
        expect(second).toEqual({ ok: false, current: { ...first, revision: 1 } });
      });
      test("replaces all of a record at the revision that was read", async () => {
        const { partition } = draft();
        const due = { shard: randomInt(1e9), atMs: 5 };
        const listed = { group: uniqueName(), atMs: 6 };
        await store.write(draft({ partition, body: { a: 1, b: 2 }, data: Uint8Array.of(1), due, listed }), "absent");
        const bare = draft({ partition, body: { b: 3 } });
        expect(await store.write(bare, 1)).toEqual({ ok: true, revision: 2 });
        expect(await readOne(partition)).toEqual({ ...bare, revision: 2 });
        expect(await store.due(due.shard, 100, 10)).toEqual([]);
        expect((await store.list({ group: listed.group, limit: 10, after: null })).entries).toEqual([]);
      });
      test.each([0, 2, 99])("changes nothing at another revision (%i)", async (expected) => {
        const record = draft({ body: { by: "first" } });
        await store.write(record, "absent");
        const missed = await store.write({ ...record, body: { by: "second" } }, expected);
        expect(missed).toEqual({ ok: false, current: { ...record, revision: 1 } });
        expect(await readOne(record.partition)).toEqual({ ...record, revision: 1 });
      });
      test("answers a write to what is absent with null", async () => {
        expect(await store.write(draft(), 1)).toEqual({ ok: false, current: null });
      });
      test("answers the repeat of an applied write with its own write id", async () => {
        const record = draft({ writeId: "mine" });
        await store.write(record, "absent");
        expect(await store.write(record, "absent")).toMatchObject({ ok: false, current: { writeId: "mine" } });
      });
      test("removes at the right revision only", async () => {
        const record = draft();
        expect(await store.remove(record, 1)).toEqual({ ok: false, current: null });
        await store.write(record, "absent");
        expect(await store.remove(record, 2)).toEqual({ ok: false, current: { ...record, revision: 1 } });
        expect(await store.remove(record, 1)).toEqual({ ok: true });
        expect(await store.read(record.partition)).toEqual([]);
        expect(await store.write(record, "absent")).toEqual({ ok: true, revision: 1 });
      });
      test("lets one of many writers win each round", async () => {
        const record = draft({ body: { count: 0 } });
        await store.write(record, "absent");
        for (let revision = 1; revision <= 10; revision++) {
          const write = (writer: number) => store.write({ ...record, body: { round: revision, writer } }, revision);
          const written = await Promise.all(times(writers, write));
          const winner = written.findIndex(({ ok }) => ok);
          expect(written.filter(({ ok }) => ok)).toEqual([{ ok: true, revision: revision + 1 }]);
          expect(await readOne(record.partition)).toMatchObject({
            revision: revision + 1,
            body: { round: revision, writer: winner },
          });
          const losers = written.flatMap((answer) => (answer.ok ? [] : [answer.current?.body]));
          expect(losers).toEqual(times(writers - 1, () => ({ round: revision, writer: winner })));
        }
      });
      test("lets one of many creators win", async () => {
        const { partition } = draft();
        const create = (writer: number) => store.write(draft({ partition, body: { writer } }), "absent");
        const written = await Promise.all(times(writers, create));
        expect(written.filter(({ ok }) => ok)).toHaveLength(1);
      });
    });

    describe("keeps what it was given", () => {
      test.each([
        ["an empty body", {}],
        [
          "every kind of JSON",
          { text: "", zero: 0, small: 5e-324, big: 2 ** 53 - 1, yes: true, nothing: null, list: [[], {}, [1]] },
        ],
        ["unicode", { text: "naïve ☃ 😀 \u0000 \u2028 \ud800", ключ: "値" }],
        ["awkward names", { constructor: 1, "": 2, "a.b": 3, "#x": 4, ":y": 5 }],
      ])("the body: %s", async (_what, body) => {
        const record = draft({ body });
        await store.write(record, "absent");
        expect(await readOne(record.partition)).toEqual({ ...record, revision: 1 });
      });
      test("__proto__ as a plain field", async () => {
        const record = draft({ body: JSON.parse('{"__proto__":{"admin":true}}') });
        await store.write(record, "absent");
        const read = await readOne(record.partition);
        expect(JSON.stringify(read?.body)).toBe('{"__proto__":{"admin":true}}');
        expect(read?.body["admin"]).toBeUndefined();
      });
      test.each([
        ["none", null],
        ["no bytes", new Uint8Array(0)],
        ["every byte", Uint8Array.from(times(256, (byte) => byte))],
        ["a view into something larger", Uint8Array.from(times(100, (byte) => byte)).subarray(10, 20)],
        ["as much as it may have", new Uint8Array(maxDataBytes).map((_, index) => index % 251)],
      ])("the data: %s", async (_what, data) => {
        const record = draft({ data });
        await store.write(record, "absent");
        const read = (await readOne(record.partition))?.data;
        expect(read === null || read === undefined ? read : Buffer.from(read)).toEqual(data === null ? null : Buffer.from(data));
      });
      test("keys of 1,024 bytes", async () => {
        const record = draft({ partition: uniqueName().padEnd(1_024, "p"), sort: "s".repeat(1_024) });
        await store.write(record, "absent");
        expect(await readOne(record.partition)).toEqual({ ...record, revision: 1 });
      });
      test("copies: changing what was written or read changes nothing stored", async () => {
        const body = { list: [1, 2, 3] };
        const record = draft({ body, data: Uint8Array.of(1, 2, 3) });
        await store.write(record, "absent");
        body.list.push(4);
        record.data?.fill(0);
        const read = await readOne(record.partition);
        invariant(read !== undefined, "it was written");
        const list: unknown = read.body["list"];
        if (Array.isArray(list)) Reflect.set(list, 0, "changed");
        Reflect.set(read.body, "added", true);
        read.data?.fill(9);
        expect(await readOne(record.partition)).toMatchObject({ body: { list: [1, 2, 3] }, data: Uint8Array.of(1, 2, 3) });
        expect((await readOne(record.partition))?.body["added"]).toBeUndefined();
      });
    });

    describe("reads", () => {
      const fill = async (): Promise<string> => {
        const { partition } = draft();
        for (const sort of KEYS_IN_ORDER.toReversed()) if (sort !== "") await store.write(draft({ partition, sort }), "absent");
        return partition;
      };
      const sorts = async (...args: Parameters<RecordStore["read"]>) => (await store.read(...args)).map(({ sort }) => sort);

      test("an empty partition as an empty list", async () => {
        expect(await store.read(uniqueName())).toEqual([]);
      });
      test("a partition in the order of bytes, and no other", async () => {
        const partition = await fill();
        await store.write(draft({ partition: `${partition}0` }), "absent");
        expect(await sorts(partition)).toEqual(KEYS_IN_ORDER.slice(1));
      });
      test.each([
        ["a", "b", ["a", "a/b", "a0", "aa"]],
        ["a/", "a0", ["a/b"]],
        ["0", "3", ["0", "10", "2"]],
        ["", "~", KEYS_IN_ORDER.slice(1, -1)],
        ["b", "c", []],
        ["z", "a", []],
      ])("a range from %j up to but not with %j", async (from, to, expected) => {
        expect(await sorts(await fill(), { from, to })).toEqual(expected);
      });
      test("at most as many as asked for, the first ones", async () => {
        const partition = await fill();
        expect(await sorts(partition, undefined, 3)).toEqual(["!", "/", "0"]);
        expect(await sorts(partition, { from: "A", to: "z" }, 2)).toEqual(["A", "Z"]);
        expect(await sorts(partition, undefined, 1_000)).toHaveLength(KEYS_IN_ORDER.length - 1);
      });
      test("its own writes at once", async () => {
        const record = draft();
        await store.write(record, "absent");
        for (let revision = 1; revision < 20; revision++) {
          await store.write(draft({ partition: record.partition, body: { revision } }), revision);
          expect(await readOne(record.partition)).toMatchObject({ revision: revision + 1, body: { revision } });
        }
      });
    });

    describe("the due index", () => {
      test("gives what is due in one shard, earliest first, up to a limit", async () => {
        const shard = randomInt(1e9);
        const partitions = new Map<number, string>();
        for (const atMs of [500, 100, 400, 200, 300]) {
          const record = draft({ due: { shard, atMs } });
          partitions.set(atMs, record.partition);
          await store.write(record, "absent");
        }
        await store.write(draft({ due: { shard: shard + 1, atMs: 1 } }), "absent");
        const entries = [100, 200, 300, 400, 500].map((atMs) => ({ partition: partitions.get(atMs), atMs }));
        expect(await store.due(shard, 99, 10)).toEqual([]);
        expect(await store.due(shard, 300, 10)).toEqual(entries.slice(0, 3));
        expect(await store.due(shard, 1_000, 2)).toEqual(entries.slice(0, 2));
        expect(await store.due(shard, 1_000, 10)).toEqual(entries);
      });
      test("follows a record that moves, is disarmed and is removed", async () => {
        const shard = randomInt(1e9);
        const { partition } = draft();
        const write = (atMs: number | null, expected: number | "absent") =>
          store.write(draft({ partition, due: atMs === null ? null : { shard, atMs } }), expected);
        await write(100, "absent");
        await write(200, 1);
        expect(await store.due(shard, 150, 10)).toEqual([]);
        expect(await store.due(shard, 200, 10)).toEqual([{ partition, atMs: 200 }]);
        await write(null, 2);
        expect(await store.due(shard, 1_000, 10)).toEqual([]);
        await write(300, 3);
        await store.remove({ partition, sort: "HEAD" }, 4);
        expect(await store.due(shard, 1_000, 10)).toEqual([]);
      });
      test("takes instants that are no whole numbers", async () => {
        const record = draft({ due: { shard: randomInt(1e9), atMs: 1.5 }, listed: { group: uniqueName(), atMs: 2.25 } });
        await store.write(record, "absent");
        expect(await readOne(record.partition)).toEqual({ ...record, revision: 1 });
      });
    });

    describe("the list index", () => {
      const pages = async (group: string, limit: number): Promise<readonly ListEntry[][]> => {
        const all: ListEntry[][] = [];
        let after: string | null = null;
        do {
          const page = await store.list({ group, limit, after });
          all.push([...page.entries]);
          after = page.next;
        } while (after !== null);
        return all;
      };
      const fill = async (group: string, instants: readonly number[]): Promise<ListEntry[]> => {
        const entries = instants.map((atMs) => ({ partition: uniqueName(), atMs }));
        for (const { partition, atMs } of entries) await store.write(draft({ partition, listed: { group, atMs } }), "absent");
        return entries.toSorted((a, b) => b.atMs - a.atMs || (a.partition < b.partition ? 1 : -1));
      };

      test("gives a group newest first, in pages", async () => {
        const group = uniqueName();
        const entries = await fill(group, [3, 1, 7, 5, 2, 6, 4]);
        await fill(uniqueName(), [8]);
        expect(await pages(group, 3)).toEqual([entries.slice(0, 3), entries.slice(3, 6), entries.slice(6)]);
        expect(await pages(group, 7)).toEqual([entries]);
        expect(await pages(group, 1)).toHaveLength(7);
        expect(await pages(uniqueName(), 5)).toEqual([[]]);
      });
      test("gives every entry once when many have one instant", async () => {
        const group = uniqueName();
        await fill(
          group,
          times(20, (index) => index % 2),
        );
        const partitions = (await pages(group, 3)).flat().map(({ partition }) => partition);
        expect(new Set(partitions).size).toBe(20);
        expect(partitions).toHaveLength(20);
      });
      test("goes on from its cursor whatever was added meanwhile", async () => {
        const group = uniqueName();
        const entries = await fill(group, [10, 20, 30, 40]);
        const first = await store.list({ group, limit: 2, after: null });
        await fill(group, [35, 50]);
        const second = await store.list({ group, limit: 2, after: first.next });
        expect(first.entries).toEqual(entries.slice(0, 2));
        expect(second.entries).toEqual(entries.slice(2));
      });
      test("forgets what was removed, and what it is no longer listed as", async () => {
        const group = uniqueName();
        const [gone, moved] = await fill(group, [1, 2]);
        await store.remove({ partition: gone?.partition ?? "", sort: "HEAD" }, 1);
        await store.write(draft({ partition: moved?.partition ?? "", listed: { group: uniqueName(), atMs: 1 } }), 1);
        expect(await pages(group, 10)).toEqual([[]]);
      });
      test.each([0, -1, 1.5, 1_001])("refuses the limit %d", async (limit) => {
        await expect(store.list({ group: "g", limit, after: null })).rejects.toMatchObject({ code: "invalid_argument" });
      });
      test.each(["", "nonsense", "[]", "{}", "[1,2,3]", "null"])("refuses the cursor %j", async (after) => {
        await expect(store.list({ group: "g", limit: 1, after })).rejects.toMatchObject({ code: "invalid_argument" });
      });
    });
  });
}
