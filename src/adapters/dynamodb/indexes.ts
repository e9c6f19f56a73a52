/**
 * Index entries: of the due index by shard and instant, of the list index by group and the place among its entries.
 * A place is text that sorts as (instant, partition, sort key) do: the instant with 15 digits before its point, and a
 * space, which sorts before every byte of a key and before a point, between the three.
 */
import { InvalidArgumentError } from "../../domain/errors.ts";
import { shardOf } from "../../domain/ids.ts";
import type { RecordDraft, StoredRecord } from "../../ports/record-store.ts";
import type { ListPlace } from "../shared/list-cursor.ts";
import type { Attributes } from "./attributes.ts";
import { TABLE } from "./table.ts";

const DIGITS = 15;
const DECIMAL = /^\d{1,15}(\.\d+)?$/;
const BETWEEN = " ";
/** DynamoDB's bound for a sort key. */
const MAX_PLACE_BYTES = 1_024;

export function fromDue({ due }: RecordDraft): Attributes {
  if (due === null) return {};
  return { [TABLE.due.shard]: { N: String(due.shard) }, [TABLE.due.at]: { N: String(due.atMs) } };
}
export function dueOf(item: Readonly<Attributes>): StoredRecord["due"] {
  const shard = item[TABLE.due.shard]?.N;
  const at = item[TABLE.due.at]?.N;
  return shard === undefined || at === undefined ? null : { shard: Number(shard), atMs: Number(at) };
}

/** @throws InvalidArgumentError for an instant or a key that the index has no room for */
export function fromListed({ listed, partition, sort }: RecordDraft): Attributes {
  if (listed === null) return {};
  const place = placeText({ atMs: listed.atMs, partition, sort });
  return { [TABLE.list.group]: { S: shardText(listed.group, shardOf(partition)) }, [TABLE.list.at]: { S: place } };
}
export function listedOf(item: Readonly<Attributes>): StoredRecord["listed"] {
  const shard = item[TABLE.list.group]?.S;
  const place = item[TABLE.list.at]?.S;
  if (shard === undefined || place === undefined) return null;
  return { group: shard.slice(0, shard.lastIndexOf("#")), atMs: instantOf(place) };
}

export function shardText(group: string, shard: number): string {
  return `${group}#${shard}`;
}
export function placeText({ atMs, partition, sort }: ListPlace): string {
  const decimal = String(atMs);
  if (!DECIMAL.test(decimal)) throw new InvalidArgumentError("instant of a list entry", `0 to 1e${DIGITS} ms`, atMs);
  const [whole = "", fraction] = decimal.split(".");
  const instant = whole.padStart(DIGITS, "0") + (fraction === undefined ? "" : `.${fraction}`);
  const place = [instant, partition, sort].join(BETWEEN);
  const bytes = Buffer.byteLength(place, "utf8");
  if (bytes <= MAX_PLACE_BYTES) return place;
  throw new InvalidArgumentError(
    `list entry of record ${sort} of ${partition}`,
    `keys of at most ${MAX_PLACE_BYTES} bytes`,
    bytes,
  );
}
/** The entry that stands at a place. */
export function instantOf(place: string): number {
  return Number(place.slice(0, place.indexOf(BETWEEN)));
}
