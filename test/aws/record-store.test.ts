/** The DynamoDB record store: what every record store does, and what only this one does. */
import { type AttributeValue, CreateTableCommand, type DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dynamoClientOptions } from "../../src/adapters/dynamodb/client-options.ts";
import { createDynamoRecordStore } from "../../src/adapters/dynamodb/record-store.ts";
import { InvariantError, messageOf, StoreUnavailableError } from "../../src/domain/errors.ts";
import { shardOf } from "../../src/domain/ids.ts";
import type { RecordDraft, RecordStore } from "../../src/ports/record-store.ts";
import { times, uniqueName } from "../contract/fixture.ts";
import { describeRecordStoreContract } from "../contract/record-store.ts";
import { type FaultyDoor, failing, openFaultyDoor } from "./faulty-door.ts";
import { createTable, dynamoEndpoint, type TestTable, tableClient } from "./table.ts";

const MAX_ITEM_BYTES = 409_600;
/** Less what names, keys and write ids take in these tests. */
const MAX_DATA_BYTES = MAX_ITEM_BYTES - 1_024;

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

describe.skipIf(dynamoEndpoint === null)("on DynamoDB", () => {
  let client: DynamoDBClient;
  let table: TestTable;
  let store: RecordStore;
  beforeAll(async () => {
    client = tableClient();
    table = await createTable(client);
    store = createDynamoRecordStore({ client, table: async () => table.name });
  });
  afterAll(async () => {
    await table.remove();
    client.destroy();
  });

  describeRecordStoreContract({
    name: "on DynamoDB",
    maxDataBytes: MAX_DATA_BYTES,
    writers: 20,
    create: () => ({ port: store }),
  });

  /** As a person sees it in the console. */
  async function itemOf({ partition, sort }: RecordDraft): Promise<Record<string, AttributeValue> | undefined> {
    const key = { pk: { S: partition }, sk: { S: sort } };
    return (await client.send(new GetItemCommand({ TableName: table.name, Key: key, ConsistentRead: true }))).Item;
  }

  describe("an item", () => {
    test("is one that a person can read, and expires by the second", async () => {
      const body = {
        step: "check",
        status: { kind: "sleeping", wakeAtMs: 1_790_000_000_000 },
        labels: ["a"],
        expires: 5,
        done: true,
      };
      const record = draft({ body, data: Uint8Array.of(1, 2), expiresAtMs: 1_700_000_000_001 });
      await store.write(record, "absent");
      expect(await itemOf(record)).toEqual({
        pk: { S: record.partition },
        sk: { S: "HEAD" },
        rev: { N: "1" },
        write: { S: record.writeId },
        data: { B: Uint8Array.of(1, 2) },
        expires: { N: "1700000001" },
        step: { S: "check" },
        status: { M: { kind: { S: "sleeping" }, wakeAtMs: { N: "1790000000000" } } },
        labels: { L: [{ S: "a" }] },
        _expires: { N: "5" },
        done: { BOOL: true },
      });
      expect(await store.read(record.partition)).toEqual([{ ...record, expiresAtMs: 1_700_000_001_000, revision: 1 }]);
    });
    test("holds as text what has no attribute of its own", async () => {
      const record = draft({ body: { plain: "p", tiny: 5e-324, text: "\ud800", named: { "": 1 } } });
      await store.write(record, "absent");
      expect(await itemOf(record)).toMatchObject({
        plain: { S: "p" },
        json: { S: JSON.stringify({ tiny: 5e-324, text: "\ud800", named: { "": 1 } }) },
      });
    });
    test.each([1e125, -1e125, 1e-130, 1.234567890123456e125, 2 ** 70, 0.1 + 0.2, -0])("keeps the number %d", async (n) => {
      const record = draft({ body: { n } });
      await store.write(record, "absent");
      expect((await itemOf(record))?.["n"]).toHaveProperty("N");
      expect((await store.read(record.partition))[0]?.body["n"]).toBe(n + 0);
    });
    test.each([MAX_ITEM_BYTES, 5 * MAX_ITEM_BYTES])(
      "of more than %i bytes is refused by name, and what was there stays",
      async (bytes) => {
        const record = draft({ body: { by: "first" } });
        await store.write(record, "absent");
        const { error } = await failing(() => store.write({ ...record, data: new Uint8Array(bytes) }, 1));
        const start = `record HEAD of ${record.partition}: expected at most ${MAX_ITEM_BYTES} bytes, DynamoDB's bound, got `;
        expect(error).toMatchObject({ code: "invalid_argument", retryable: false });
        const [before, got] = messageOf(error).split(/(?<=got )/);
        expect(before).toBe(start);
        expect(Number(got) - bytes).toBeLessThan(100);
        expect(await store.read(record.partition)).toEqual([{ ...record, revision: 1 }]);
      },
    );
  });

  test("a partition above a megabyte is read whole, page by page", async () => {
    const { partition } = draft();
    const sorts = times(5, (n) => `part-${n}`);
    for (const sort of sorts) await store.write(draft({ partition, sort, data: new Uint8Array(300_000) }), "absent");
    const door = await openFaultyDoor(dynamoEndpoint ?? "");
    const through = tableClient({ endpoint: door.endpoint });
    const behind = createDynamoRecordStore({ client: through, table: async () => table.name });
    expect((await behind.read(partition)).map(({ sort }) => sort)).toEqual(sorts);
    expect(door.seen).toEqual(["Query", "Query"]);
    expect((await behind.read(partition, { from: "part-1", to: "part-9" }, 4)).map(({ sort }) => sort)).toEqual(sorts.slice(1));
    through.destroy();
    await door.close();
  });

  describe("the list", () => {
    const entriesOf = async (group: string, limit: number): Promise<{ partition: string; atMs: number }[]> => {
      const all = [];
      for (let after: string | null = null; ; ) {
        const page = await store.list({ group, limit, after });
        all.push(...page.entries);
        after = page.next;
        if (after === null) return all;
        expect(page.entries).toHaveLength(limit);
      }
    };
    const fill = async (group: string, partitions: readonly string[]) => {
      const entries = partitions.map((partition, i) => ({ partition, atMs: 1_000 + Math.floor(i / 2) }));
      await Promise.all(
        entries.map(({ partition, atMs }) => store.write(draft({ partition, listed: { group, atMs } }), "absent")),
      );
      return entries.sort((a, b) => b.atMs - a.atMs || (a.partition < b.partition ? 1 : -1));
    };
    test("merges its shards, newest first, whatever the page", async () => {
      const group = uniqueName();
      const entries = await fill(group, times(150, uniqueName));
      expect(new Set(entries.map(({ partition }) => shardOf(partition))).size).toBeGreaterThan(25);
      expect(await entriesOf(group, 1_000)).toEqual(entries);
      expect(await entriesOf(group, 40)).toEqual(entries);
      const [first, second] = [await store.list({ group, limit: 7, after: null }), entries[6]];
      expect(first.next).toBe(JSON.stringify([second?.atMs, second?.partition, "HEAD"]));
      expect((await store.list({ group, limit: 7, after: first.next })).entries).toEqual(entries.slice(7, 14));
    });
    test("finds what stands in one shard alone", async () => {
      const group = uniqueName();
      const inOne = times(3_000, uniqueName).filter((partition) => shardOf(partition) === 7);
      const entries = await fill(group, inOne.slice(0, 60));
      expect(entries).toHaveLength(60);
      expect(await entriesOf(group, 59)).toEqual(entries);
      expect(await entriesOf(group, 60)).toEqual(entries);
    });
    test("refuses a cursor that points nowhere", async () => {
      for (const after of ['[-1,"p","s"]', '[1e300,"p","s"]', JSON.stringify([1, "p".repeat(2_000), "s"])]) {
        await expect(store.list({ group: "g", limit: 1, after })).rejects.toMatchObject({ code: "invalid_argument" });
      }
    });
  });

  describe("trouble", () => {
    let door: FaultyDoor;
    let through: DynamoDBClient;
    let behind: RecordStore;
    beforeAll(async () => {
      door = await openFaultyDoor(dynamoEndpoint ?? "");
      through = tableClient({ endpoint: door.endpoint });
      behind = createDynamoRecordStore({ client: through, table: async () => table.name });
    });
    beforeEach(() => {
      door.faults = [];
      door.seen.length = 0;
      door.asked.length = 0;
    });
    afterAll(async () => {
      through.destroy();
      await door.close();
    });

    test("what is read is what was written last, whoever wrote it", async () => {
      await behind.read("p");
      await behind.read("p", { from: "a", to: "b" }, 1);
      expect(door.asked.map((text): unknown => JSON.parse(text))).toEqual([
        expect.objectContaining({ ConsistentRead: true }),
        expect.objectContaining({ ConsistentRead: true, Limit: 1 }),
      ]);
    });
    test("a missed write is answered with the record that won, without a read", async () => {
      const record = draft({ body: { by: "first" }, data: Uint8Array.of(1), due: { shard: 1, atMs: 2 } });
      await behind.write(record, "absent");
      expect(await behind.write({ ...record, body: {} }, 5)).toEqual({ ok: false, current: { ...record, revision: 1 } });
      expect(await behind.remove(record, 5)).toEqual({ ok: false, current: { ...record, revision: 1 } });
      expect(door.seen).toEqual(["PutItem", "PutItem", "DeleteItem"]);
    });
    test("a write whose answer is lost is tried again, and misses by its own write id", async () => {
      const record = draft();
      for (const expected of ["absent", 1] as const) {
        door.faults = [{ kind: "lose" }];
        const written = await behind.write({ ...record, writeId: `mine-${expected}` }, expected);
        const revision = expected === "absent" ? 1 : 2;
        expect(written).toMatchObject({ ok: false, current: { revision, writeId: `mine-${expected}` } });
      }
      expect(door.seen).toEqual(["PutItem", "PutItem", "PutItem", "PutItem"]);
    });
    test("a removal whose answer is lost finds nothing", async () => {
      const record = draft();
      await behind.write(record, "absent");
      door.faults = [{ kind: "lose" }];
      expect(await behind.remove(record, 1)).toEqual({ ok: false, current: null });
    });
    test.each([
      [400, "ThrottlingException"],
      [400, "ProvisionedThroughputExceededException"],
      [500, "InternalServerError"],
      [503, "ServiceUnavailable"],
    ])("that passes is not noticed: %i %s", async (status, error) => {
      door.faults = [{ kind: "answer", status, error }];
      const record = draft();
      expect(await behind.write(record, "absent")).toEqual({ ok: true, revision: 1 });
      if (status >= 500) door.faults = [{ kind: "answer", status, error }];
      expect(await behind.read(record.partition)).toHaveLength(1);
      expect(door.seen).toEqual(["PutItem", "PutItem", ...times(status >= 500 ? 2 : 1, () => "Query")]);
    });
    const lasting: [string, number, string, RegExp][] = [
      ["server errors", 500, "InternalServerError", /^PutItem on table \S+ failed \(InternalServerError\): because of Int/],
      [
        "no permission",
        400,
        "AccessDeniedException",
        /^PutItem on table \S+ is not permitted \(AccessDeniedException\): because/,
      ],
      ["unknown credentials", 400, "UnrecognizedClientException", /is not permitted \(UnrecognizedClientException\)/],
      ["expired credentials", 400, "ExpiredTokenException", /is not permitted \(ExpiredTokenException\)/],
    ];
    test.each(lasting)("that lasts says what it is: %s", async (_what, status, error, message) => {
      door.faults = times(10, () => ({ kind: "answer", status, error }) as const);
      const failed = await failing(() => behind.write(draft(), "absent"));
      expect(failed.error).toBeInstanceOf(StoreUnavailableError);
      expect(failed.error).toMatchObject({ code: "store_unavailable", retryable: true, message: expect.stringMatching(message) });
      expect(door.seen).toHaveLength(status === 500 ? dynamoClientOptions.maxAttempts : 1);
    });
    test("silence ends by the bounds of the client", async () => {
      door.faults = times(10, () => ({ kind: "hang" }) as const);
      const requestHandler = { ...dynamoClientOptions.requestHandler, requestTimeout: 300 };
      const hasty = tableClient({ endpoint: door.endpoint, requestHandler });
      const { error, tookMs } = await failing(() =>
        createDynamoRecordStore({ client: hasty, table: async () => table.name }).read("p"),
      );
      hasty.destroy();
      expect(error).toBeInstanceOf(StoreUnavailableError);
      expect(String(error)).toContain(`Query on table ${table.name} failed (ETIMEDOUT)`);
      expect(door.seen).toHaveLength(4);
      expect(tookMs).toBeGreaterThan(1_100);
      expect(tookMs).toBeLessThan(5_000);
    }, 20_000);
    test("nobody at the endpoint is said at once", async () => {
      const gone = await openFaultyDoor("");
      await gone.close();
      const lost = tableClient({ endpoint: gone.endpoint });
      const elsewhere = createDynamoRecordStore({ client: lost, table: async () => "t" });
      for (const call of [() => elsewhere.due(0, 1, 1), () => elsewhere.list({ group: "g", limit: 1, after: null })]) {
        const { error, tookMs } = await failing(call);
        expect(error).toBeInstanceOf(StoreUnavailableError);
        expect(String(error)).toContain("Query on table t failed (ECONNREFUSED): connect ECONNREFUSED 127.0.0.1");
        expect(tookMs).toBeLessThan(4_000);
      }
      lost.destroy();
    });
    test("no credentials is said at once", async () => {
      const none = Object.assign(new Error("could not load credentials"), { name: "CredentialsProviderError" });
      const nobody = tableClient({ credentials: () => Promise.reject(none) });
      const { error } = await failing(() => createDynamoRecordStore({ client: nobody, table: async () => "t" }).read("p"));
      expect(error).toBeInstanceOf(StoreUnavailableError);
      expect(String(error)).toContain("Query on table t is not permitted (CredentialsProviderError): could not load");
      nobody.destroy();
    });
    test("a table that is not there, and one of another shape, are said to be that", async () => {
      const missing = createDynamoRecordStore({ client, table: async () => "no-such-table" });
      for (const call of [() => missing.read("p"), () => missing.write(draft(), "absent"), () => missing.remove(draft(), 1)]) {
        await expect(call()).rejects.toMatchObject({
          code: "store_unavailable",
          message: expect.stringContaining("on table no-such-table: there is no such table in this account and region"),
        });
      }
      const TableName = `rookery-${uniqueName()}`;
      const id = { AttributeName: "id", AttributeType: "S" } as const;
      const KeySchema = [{ AttributeName: "id", KeyType: "HASH" } as const];
      await client.send(
        new CreateTableCommand({ TableName, BillingMode: "PAY_PER_REQUEST", AttributeDefinitions: [id], KeySchema }),
      );
      const other = createDynamoRecordStore({ client, table: async () => TableName });
      for (const call of [() => other.due(0, 1, 1), () => other.write(draft(), "absent"), () => other.read("p")]) {
        await expect(call()).rejects.toMatchObject({
          code: "store_unavailable",
          message: expect.stringContaining(`on table ${TableName}: it is not shaped as a table of ours`),
        });
      }
    });
    test("what only a bug would ask for is no trouble of the store", async () => {
      const { error } = await failing(() => store.write(draft({ sort: "" }), "absent"));
      expect(error).toBeInstanceOf(InvariantError);
      const unknown = createDynamoRecordStore({ client, table: () => Promise.reject(new TypeError("not a function")) });
      await expect(unknown.read("p")).rejects.toThrow(TypeError);
    });
  });
});
