/** What the meter counts, against what AWS's rules say by hand. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Rented, rentPlace } from "../../bench/cost/place.ts";
import { dynamoClientOptions } from "../../src/adapters/dynamodb/client-options.ts";
import { encodeRecord } from "../../src/adapters/dynamodb/item.ts";
import { createDynamoRecordStore } from "../../src/adapters/dynamodb/record-store.ts";
import { itemBytes } from "../../src/adapters/dynamodb/size.ts";
import { billSince, dollarsOfBill, nameOf } from "../../src/adapters/metering/bill.ts";
import { createMeter } from "../../src/adapters/metering/meter.ts";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import { createSystemRandom } from "../../src/adapters/node/random.ts";
import { createS3BlobStore } from "../../src/adapters/s3/blob-store.ts";
import { createSqsQueue } from "../../src/adapters/sqs/queue.ts";
import { invariant } from "../../src/domain/errors.ts";
import { generateWorkId, itemPartition, parseNamespace } from "../../src/domain/ids.ts";
import { NO_UNITS } from "../../src/domain/units.ts";
import type { RecordDraft } from "../../src/ports/record-store.ts";
import type { Message } from "../../src/ports/work-queue.ts";
import { encodeHint } from "../../src/wire/hint.ts";
import { endpoint } from "./clients.ts";
import { type FaultyDoor, openFaultyDoor } from "./faulty-door.ts";

const NAMESPACE = parseNamespace("metered");
const workId = () => generateWorkId(createSystemRandom().bytes(20));
const KB = 1_024;

/** Of exactly so many bytes in DynamoDB. */
function record(bytes: number, over: Partial<RecordDraft> = {}): RecordDraft {
  const bare = {
    partition: itemPartition(NAMESPACE, workId()),
    sort: "LIVE/X",
    body: {},
    data: new Uint8Array(0),
    writeId: "1.a",
    due: null,
    listed: null,
    ...over,
  };
  return { ...bare, data: new Uint8Array(bytes - itemBytes(encodeRecord(bare, 1))) };
}

describe.skipIf(endpoint === null)("the meter", () => {
  let rented: Rented;
  let door: FaultyDoor;
  beforeAll(async () => {
    rented = await rentPlace(endpoint ?? "");
    door = await openFaultyDoor(endpoint ?? "");
  });
  afterAll(async () => {
    await door.close();
    await rented.giveBack();
  });

  function metered(through: string | undefined = undefined) {
    const { place, deployment } = rented;
    const at = through === undefined ? place : { ...place, endpoint: through };
    const meter = createMeter();
    const dynamo = new DynamoDBClient({ ...dynamoClientOptions, ...at });
    const sqs = new SQSClient({ ...at, useQueueUrlAsEndpoint: false });
    const s3 = new S3Client({ ...at, forcePathStyle: true });
    meter.watch({ dynamo, sqs, s3 });
    const clock = createSystemClock();
    return {
      meter,
      sqs,
      store: createDynamoRecordStore({ client: dynamo, table: async () => deployment.table }),
      queue: createSqsQueue({ client: sqs, deployment: async () => deployment, clock, coalesceMs: 50 }),
      blobs: createS3BlobStore({ client: s3, bucket: async () => deployment.bucket, clock, random: createSystemRandom() }),
      /** What `act` is billed for. */
      async billed(act: () => Promise<unknown>): Promise<Record<string, number>> {
        const before = meter.bill();
        await act();
        return Object.fromEntries(billSince(before, meter.bill()).map((line) => [nameOf(line), line.count]));
      },
    };
  }

  describe("of DynamoDB", () => {
    test.each([
      [KB, 1],
      [KB + 1, 2],
      [3 * KB, 3],
    ])("counts a write of %i bytes as %i", async (bytes, writes) => {
      const { store, billed } = metered();
      expect(await billed(() => store.write(record(bytes), "absent"))).toEqual({ "write table": writes });
    });

    test("counts the larger of what was there and what is put, and of what is removed", async () => {
      const { store, billed } = metered();
      const large = record(3 * KB);
      await store.write(large, "absent");
      expect(await billed(() => store.write({ ...large, data: null }, 1))).toEqual({ "write table": 3 });
      expect(await billed(() => store.write(large, 2))).toEqual({ "write table": 3 });
      expect(await billed(() => store.remove(large, 3))).toEqual({ "write table": 3 });
    });

    test("counts a failed condition by the larger of what is there and what was to be", async () => {
      const { store, billed } = metered();
      const there = record(3 * KB);
      await store.write(there, "absent");
      expect(await billed(() => store.write({ ...there, data: null }, "absent"))).toEqual({ "write table": 3 });
      const larger = { ...there, data: new Uint8Array(5 * KB) };
      expect(await billed(() => store.write(larger, 7))).toEqual({ "write table": 6 });
      expect(await billed(() => store.remove(there, 7))).toEqual({ "write table": 3 });
      const absent = record(2 * KB);
      expect(await billed(() => store.write(absent, 1))).toEqual({ "write table": 2 });
      expect(await billed(() => store.remove(absent, 1))).toEqual({ "write table": 1 });
    });

    test("tells indexes apart: an entry made, left alone, moved, and taken away", async () => {
      const { store, billed } = metered();
      const draft = record(500, { due: { shard: 1, atMs: 1_000 }, listed: { group: "g", atMs: 5 } });
      const moved = { ...draft, due: { shard: 1, atMs: 2_000 } };
      expect(await billed(() => store.write(draft, "absent"))).toEqual({
        "write table": 1,
        "write index due": 1,
        "write index list": 1,
      });
      expect(await billed(() => store.write({ ...draft, writeId: "1.b" }, 1))).toEqual({ "write table": 1 });
      expect(await billed(() => store.write(moved, 2))).toEqual({ "write table": 1, "write index due": 2 });
      expect(await billed(() => store.write({ ...moved, due: null }, 3))).toEqual({ "write table": 1, "write index due": 1 });
    });

    test("counts what was read by 4 KB, nothing as one, and half of it from an index", async () => {
      const { store, billed } = metered();
      const { partition } = record(100);
      expect(await billed(() => store.read(partition))).toEqual({ "read table": 1 });
      await store.write(record(3 * KB, { partition, sort: "a" }), "absent");
      expect(await billed(() => store.read(partition))).toEqual({ "read table": 1 });
      await store.write(record(3 * KB, { partition, sort: "b" }), "absent");
      await store.write(record(3 * KB, { partition, sort: "c" }), "absent");
      expect(await billed(() => store.read(partition))).toEqual({ "read table": 3 });
      expect(await billed(() => store.read(partition, { from: "b", to: "b!" }, 1))).toEqual({ "read table": 1 });
      expect(await billed(() => store.due(17, 1_000, 10))).toEqual({ "read index due": 0.5 });
      expect(await billed(() => store.list({ group: "none", limit: 1, after: null }))).toEqual({ "read index list": 16 });
    });

    test("counts a lost answer as carried out, its repeat as a failed condition, and nothing that was throttled", async () => {
      const { store, billed } = metered(door.endpoint);
      door.faults = [{ kind: "lose" }];
      expect(await billed(() => store.write(record(2 * KB), "absent"))).toEqual({ "write table": 4 });
      door.faults = [{ kind: "answer", status: 400, error: "ProvisionedThroughputExceededException" }];
      expect(await billed(() => store.write(record(2 * KB), "absent"))).toEqual({ "write table": 2 });
    });
  });

  describe("of SQS", () => {
    const hint = (id = workId()) => encodeHint({ namespace: NAMESPACE, workId: id, version: 1, token: null, hops: 0 });
    const how = { delayMs: 0, lane: "normal", tenant: "" } as const;
    const { signal: abortSignal } = new AbortController();
    const receiving = { lanes: null, max: 10, waitMs: 5_000, visibilityMs: 60_000, abortSignal };

    test("counts a batch as one request, and a message's share of it as its item's", async () => {
      const { queue, meter, billed } = metered();
      const [own, other] = [workId(), workId()];
      const sent = () => Promise.all([hint(own), hint(other), hint(own), "what is no hint"].map((body) => queue.send(body, how)));
      expect(await billed(sent)).toEqual({ "request SendMessageBatch": 1 });
      const partition = itemPartition(NAMESPACE, own);
      expect(meter.take(partition)).toEqual({ ...NO_UNITS, requests: 0.66 });
      const messages: Message[] = [];
      while (messages.length < 4) messages.push(...(await queue.receive(receiving)));
      meter.take(partition);
      const [first, second] = messages.filter(({ body }) => body.includes(own));
      invariant(first !== undefined && second !== undefined, "both messages of its own have come");
      expect(await billed(() => queue.hide(first, 60_000))).toEqual({ "request ChangeMessageVisibilityBatch": 1 });
      expect(meter.take(partition)).toEqual({ ...NO_UNITS, requests: 1 });
      const removed = () => Promise.all(messages.map((message) => queue.remove(message)));
      expect(await billed(removed)).toEqual({ "request DeleteMessageBatch": 1 });
      expect(meter.take(partition)).toEqual({ ...NO_UNITS, requests: 0.66 });
      expect(meter.take(partition)).toBeNull();
    });

    test("counts by 64 KiB of messages, sent or received", async () => {
      const { queue, billed } = metered();
      const tenOf = (chars: number) => Promise.all(Array.from({ length: 10 }, () => queue.send("é".repeat(chars / 2), how)));
      expect(await billed(() => tenOf(6_552))).toEqual({ "request SendMessageBatch": 1 });
      expect(await billed(() => tenOf(6_554))).toEqual({ "request SendMessageBatch": 2 });
      expect(await billed(() => queue.send("x".repeat(200_000), how))).toEqual({ "request SendMessageBatch": 4 });
      let received = 0;
      let requests = 0;
      for (let left = 21; left > 0; ) {
        const bill = await billed(async () => {
          const messages = await queue.receive({ ...receiving, max: 1 });
          await Promise.all(messages.map((message) => queue.remove(message)));
          left -= messages.length;
          received += messages.reduce((sum, { body }) => sum + Math.ceil(Buffer.byteLength(body) / 65_536), 0);
        });
        requests += bill["request ReceiveMessage"] ?? 0;
      }
      expect([requests, received]).toEqual([24, 24]);
    });

    test("counts a batch that Lambda receives and deletes, and its messages as their items'", () => {
      const { meter } = metered();
      const ids = Array.from({ length: 4 }, () => workId());
      meter.delivered(ids.map((id) => ({ body: hint(id), handle: `handle of ${id}` })));
      expect(meter.bill()).toEqual([
        { unit: "request", of: "ReceiveMessage", count: 1 },
        { unit: "request", of: "DeleteMessageBatch", count: 1 },
      ]);
      for (const id of ids) expect(meter.take(itemPartition(NAMESPACE, id))).toEqual({ ...NO_UNITS, requests: 0.5 });
    });
  });

  test("counts S3's requests by their class, and what is deleted as free", async () => {
    const { blobs, meter, billed } = metered();
    const owner = itemPartition(NAMESPACE, workId());
    const bytes = new TextEncoder().encode("notes");
    const { digest } = await blobs.put(owner, bytes);
    expect(await billed(() => blobs.put(owner, bytes))).toEqual({ "put PutObject": 1 });
    expect(meter.take(owner)).toEqual({ ...NO_UNITS, puts: 2 });
    expect(await billed(() => Array.fromAsync(blobs.get(owner, digest)))).toEqual({ "get GetObject": 1 });
    expect(await billed(() => blobs.head(owner, digest))).toEqual({ "get HeadObject": 1 });
    expect(meter.take(owner)).toEqual({ ...NO_UNITS, gets: 2 });
    expect(await billed(() => blobs.removeAll(owner))).toEqual({
      "put ListObjectsV2": 2,
      "put ListMultipartUploads": 1,
      "free DeleteObjects": 1,
    });
  });

  test("counts Lambda's time as assumed: 50 ms for the first step, 15 for each further one, of 256 MB", () => {
    const { meter } = metered();
    meter.invoked(1);
    meter.invoked(10);
    expect(meter.bill()).toEqual([
      { unit: "invocation", of: "Lambda", count: 2 },
      { unit: "gbSecond", of: "Lambda", count: 0.25 * (0.05 + 0.185) },
    ]);
    expect(dollarsOfBill(meter.bill())).toBeCloseTo((2 * 0.2 + 0.25 * 0.235 * 13.3334) / 1_000_000, 12);
  });

  test("forgets the items that nobody asks about, and not the bill", async () => {
    const { meter } = metered();
    const ids = Array.from({ length: 10_001 }, () => workId());
    for (const id of ids)
      meter.delivered([{ body: encodeHint({ namespace: NAMESPACE, workId: id, version: 1, token: null, hops: 0 }), handle: id }]);
    const [first = "", second = ""] = ids.map((id) => itemPartition(NAMESPACE, id));
    expect(meter.take(first)).toBeNull();
    expect(meter.take(second)).toEqual({ ...NO_UNITS, requests: 2 });
    expect(meter.bill()[0]?.count).toBe(10_001);
  });
});
