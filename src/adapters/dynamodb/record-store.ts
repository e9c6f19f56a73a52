/**
 * Records in one DynamoDB table. Every write is one PutItem under a condition; a missed one answers with the record
 * that won, which DynamoDB sends along. The SDK repeats a write whose answer was lost, and the repeat misses by its own
 * first try: that is a miss here too, and whoever asked compares the write id.
 */
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  type QueryCommandInput,
} from "@aws-sdk/client-dynamodb";
import { InvalidArgumentError, invariant } from "../../domain/errors.ts";
import type { DueEntry, RecordKey, RecordStore, Revision, SortRange, StoredRecord } from "../../ports/record-store.ts";
import { nameOf } from "../../wire/record.ts";
import type { Attributes } from "./attributes.ts";
import { answered } from "./errors.ts";
import { dueOf } from "./indexes.ts";
import { decodeRecord, encodeRecord, keyOf } from "./item.ts";
import { listPage } from "./list.ts";
import { query } from "./query.ts";
import { itemBytes, MAX_ITEM_BYTES } from "./size.ts";
import { ATTRIBUTES, TABLE } from "./table.ts";

/** A write is billed by the KB of the whole item. */
const BLOCK_BYTES = 1_024;
/** Of most, the size. */
const USUAL_REVISION = 9_999;

export interface DynamoRecordStoreDeps {
  /** See `dynamoClientOptions` for how patient it should be. */
  readonly client: DynamoDBClient;
  /** The table's name: asked before each operation, so whoever looks it up remembers it. */
  readonly table: () => Promise<string>;
}

/**
 * Errors: `StoreUnavailableError` names table and operation; `InvalidArgumentError` names a record above 400 KB, of
 * which nothing is written. It keeps instants of expiry to the second, rounded up.
 */
export function createDynamoRecordStore({ client, table }: DynamoRecordStoreDeps): RecordStore {
  return {
    blockBytes: BLOCK_BYTES,
    measure: { bytesOf: (record) => itemBytes(encodeRecord(record, USUAL_REVISION)) },
    collects: true,
    async read(partition, range, limit) {
      if (isEmpty(range) || (limit !== undefined && limit < 1)) return [];
      const items = await query(client, readInput(await table(), partition, range), limit);
      const records = items.map(decodeRecord);
      return range === undefined ? records : records.filter(({ sort }) => sort < range.to);
    },
    async write(record, expected) {
      const revision = expected === "absent" ? 1 : expected + 1;
      const item = encodeRecord(record, revision);
      const TableName = await table();
      const command = new PutItemCommand({ TableName, Item: item, ...condition(expected) });
      const missed = await missing("PutItem", TableName, () => client.send(command)).catch((error: unknown) => {
        throw tooLarge(item, record) ?? error;
      });
      return missed ?? { ok: true, revision };
    },
    async remove(key, expected) {
      const TableName = await table();
      const command = new DeleteItemCommand({ TableName, Key: keyOf(key), ...condition(expected) });
      const missed = await missing("DeleteItem", TableName, () => client.send(command));
      return missed ?? { ok: true };
    },
    async due(shard, untilMs, limit) {
      const items = limit < 1 ? [] : await query(client, dueInput(await table(), shard, untilMs), limit);
      return items.map(dueEntry);
    },
    list: async (listQuery) => listPage(client, await table(), listQuery),
  };
}

/** Asked once a write has failed: how DynamoDB refuses what is too large depends on how large it is. */
function tooLarge(item: Attributes, key: RecordKey): InvalidArgumentError | null {
  const bytes = itemBytes(item);
  if (bytes <= MAX_ITEM_BYTES) return null;
  return new InvalidArgumentError(nameOf(key), `at most ${MAX_ITEM_BYTES} bytes, DynamoDB's bound`, bytes);
}

function condition(expected: Revision | "absent") {
  const absent = expected === "absent";
  return {
    ConditionExpression: absent ? "attribute_not_exists(#key)" : "#revision = :revision",
    ExpressionAttributeNames: absent ? { "#key": TABLE.partition } : { "#revision": ATTRIBUTES.revision },
    ...(absent ? {} : { ExpressionAttributeValues: { ":revision": { N: String(expected) } } }),
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  } as const;
}

/** Null when the condition held. */
async function missing(
  operation: string,
  table: string,
  send: () => Promise<unknown>,
): Promise<{ readonly ok: false; readonly current: StoredRecord | null } | null> {
  const thrown = await answered(operation, table, async () => {
    try {
      await send();
      return null;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return error;
      throw error;
    }
  });
  if (thrown === null) return null;
  return { ok: false, current: thrown.Item === undefined ? null : decodeRecord(thrown.Item) };
}

function isEmpty(range: SortRange | undefined): boolean {
  return range !== undefined && range.from >= range.to;
}

/** BETWEEN takes `to` too: the caller leaves it out. No sort key is empty, so none may be asked for. */
function readInput(table: string, partition: string, range: SortRange | undefined): QueryCommandInput & { TableName: string } {
  const between = range?.from === "" ? "#sort < :to" : "#sort BETWEEN :from AND :to";
  const from = range === undefined || range.from === "" ? {} : { ":from": { S: range.from } };
  return {
    TableName: table,
    ConsistentRead: true,
    KeyConditionExpression: range === undefined ? "#partition = :partition" : `#partition = :partition AND ${between}`,
    ExpressionAttributeNames: { "#partition": TABLE.partition, ...(range === undefined ? {} : { "#sort": TABLE.sort }) },
    ExpressionAttributeValues: {
      ":partition": { S: partition },
      ...from,
      ...(range === undefined ? {} : { ":to": { S: range.to } }),
    },
  };
}

function dueInput(table: string, shard: number, untilMs: number): QueryCommandInput & { TableName: string } {
  return {
    TableName: table,
    IndexName: TABLE.due.index,
    KeyConditionExpression: "#shard = :shard AND #at <= :until",
    ExpressionAttributeNames: { "#shard": TABLE.due.shard, "#at": TABLE.due.at },
    ExpressionAttributeValues: { ":shard": { N: String(shard) }, ":until": { N: String(untilMs) } },
  };
}
function dueEntry(item: Attributes): DueEntry {
  const partition = item[TABLE.partition]?.S;
  const due = dueOf(item);
  invariant(partition !== undefined && due !== null, "an index entry has its keys");
  return { partition, atMs: due.atMs };
}
