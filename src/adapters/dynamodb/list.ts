/**
 * A page of the list index: its shards, each newest first, merged. Few entries of each are asked for at first. A shard
 * is asked again, for twice as many, while it may hold more of the page than it has shown.
 */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { invariant } from "../../domain/errors.ts";
import type { ListEntry, ListQuery, Page } from "../../ports/record-store.ts";
import { encodeCursor, parseListQuery } from "../shared/list-cursor.ts";
import type { Attributes } from "./attributes.ts";
import { instantOf, placeText, shardText } from "./indexes.ts";
import { querySlice } from "./query.ts";
import { TABLE } from "./table.ts";

const { list } = TABLE;
/** More than its share, as no two shards hold the same. */
const SPARE = 4;

/** An entry, with the text that it sorts by. */
interface Place extends ListEntry {
  readonly text: string;
  readonly sort: string;
}
interface Shard {
  readonly n: number;
  readonly places: readonly Place[];
  /** Where to go on; null when there is nothing further, undefined before it was asked. */
  readonly next: Attributes | null | undefined;
}
interface Question {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly group: string;
  /** Entries come after it; null from the newest on. */
  readonly after: string | null;
}

export async function listPage(client: DynamoDBClient, table: string, listQuery: ListQuery): Promise<Page<ListEntry>> {
  const { limit, after } = parseListQuery(listQuery);
  const question = { client, table, group: listQuery.group, after: after === null ? null : placeText(after) };
  // One more than the page takes tells whether there is another page.
  const places = await newest(question, limit + 1);
  const last = places.length > limit ? places[limit - 1] : undefined;
  return {
    entries: places.slice(0, limit).map(({ partition, atMs }) => ({ partition, atMs })),
    next: last === undefined ? null : encodeCursor(last),
  };
}

/** The first `count` places of all shards. */
async function newest(question: Question, count: number): Promise<readonly Place[]> {
  let shards: readonly Shard[] = Array.from({ length: list.shards }, (_, n) => ({ n, places: [], next: undefined }));
  let merged: readonly Place[] = [];
  for (let ask = Math.ceil(count / list.shards) + SPARE; ; ask *= 2) {
    const end = merged[count - 1]?.text ?? null;
    const behind = shards.filter((shard) => mayHold(shard, end));
    if (behind.length === 0) return merged.slice(0, count);
    const further = await Promise.all(behind.map((shard) => askShard(question, shard, Math.min(ask, count))));
    const known = new Map(further.map((shard) => [shard.n, shard]));
    shards = shards.map((shard) => known.get(shard.n) ?? shard);
    merged = shards.flatMap(({ places }) => places).sort(newestFirst);
  }
}

/** Whether a shard may hold more that comes before the place `end`, or at all when the page is not full yet. */
function mayHold({ places, next }: Shard, end: string | null): boolean {
  if (next === null) return false;
  const oldest = places.at(-1);
  return end === null || oldest === undefined || oldest.text > end;
}

async function askShard({ client, table, group, after }: Question, shard: Shard, limit: number): Promise<Shard> {
  const input = {
    TableName: table,
    IndexName: list.index,
    KeyConditionExpression: after === null ? "#group = :group" : "#group = :group AND #at < :after",
    ExpressionAttributeNames: { "#group": list.group, ...(after === null ? {} : { "#at": list.at }) },
    ExpressionAttributeValues: {
      ":group": { S: shardText(group, shard.n) },
      ...(after === null ? {} : { ":after": { S: after } }),
    },
    ScanIndexForward: false,
    Limit: limit,
  };
  const { items, next } = await querySlice(client, input, shard.next ?? null);
  return { n: shard.n, places: [...shard.places, ...items.map(placeOf)], next };
}

function placeOf(item: Attributes): Place {
  const text = item[list.at]?.S;
  const partition = item[TABLE.partition]?.S;
  const sort = item[TABLE.sort]?.S;
  invariant(text !== undefined && partition !== undefined && sort !== undefined, "an index entry has its keys");
  return { text, partition, sort, atMs: instantOf(text) };
}
function newestFirst(a: Place, b: Place): number {
  return a.text < b.text ? 1 : a.text > b.text ? -1 : 0;
}
