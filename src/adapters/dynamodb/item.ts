/**
 * A record as an item. Fields of the body are attributes of their own, so that a person can read them in the console;
 * what no native attribute can hold goes, as JSON text, into one. Names of ours are not a body's: a field that would
 * collide has a `_` before its name (LEASE's `expires` is `_expires`; `expires` is the TTL).
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { messageOf, RecordUndecodableError } from "../../domain/errors.ts";
import type { Json } from "../../domain/json.ts";
import { SECOND_MS } from "../../domain/limits.ts";
import type { Body, RecordDraft, RecordKey, Revision, StoredRecord } from "../../ports/record-store.ts";
import { nameOf } from "../../wire/record.ts";
import { type Attributes, isNameable, toAttribute, toJson } from "./attributes.ts";
import { dueOf, fromDue, fromListed, listedOf } from "./indexes.ts";
import { ATTRIBUTES, TABLE } from "./table.ts";

const ESCAPE = "_";
const OURS: ReadonlySet<string> = new Set([
  ...[TABLE.partition, TABLE.sort, TABLE.expires, TABLE.due.shard, TABLE.due.at, TABLE.list.group, TABLE.list.at],
  ...Object.values(ATTRIBUTES),
]);

export function keyOf({ partition, sort }: RecordKey): Attributes {
  return { [TABLE.partition]: { S: partition }, [TABLE.sort]: { S: sort } };
}

/** Bytes are copied: the draft is the caller's again once this returns. */
export function encodeRecord(record: RecordDraft, revision: Revision): Attributes {
  const { writeId, body, data, expiresAtMs } = record;
  const item: Attributes = {
    ...keyOf(record),
    [ATTRIBUTES.revision]: { N: String(revision) },
    [ATTRIBUTES.writeId]: { S: writeId },
    ...fromDue(record),
    ...fromListed(record),
  };
  if (expiresAtMs !== undefined) item[TABLE.expires] = { N: String(Math.ceil(expiresAtMs / SECOND_MS)) };
  if (data !== null) item[ATTRIBUTES.data] = { B: Uint8Array.from(data) };
  const rest = new Map<string, Json>();
  for (const [field, value] of Object.entries(body)) {
    const name = escaped(field);
    const attribute = isNameable(name) ? toAttribute(value) : null;
    if (attribute === null) rest.set(field, value);
    else item[name] = attribute;
  }
  if (rest.size > 0) item[ATTRIBUTES.json] = { S: JSON.stringify(Object.fromEntries(rest)) };
  return item;
}

function escaped(field: string): string {
  return OURS.has(field) || field.startsWith(ESCAPE) || field === "" ? ESCAPE + field : field;
}
function unescaped(name: string): string {
  return name.startsWith(ESCAPE) ? name.slice(ESCAPE.length) : name;
}

/** @throws RecordUndecodableError for what is no record of ours */
export function decodeRecord(item: Readonly<Attributes>): StoredRecord {
  const key = { partition: textOf(item, TABLE.partition), sort: textOf(item, TABLE.sort) };
  const expires = item[TABLE.expires] === undefined ? undefined : numberOf(item, TABLE.expires, key);
  return {
    ...key,
    revision: numberOf(item, ATTRIBUTES.revision, key),
    writeId: textOf(item, ATTRIBUTES.writeId, key),
    body: bodyOf(item, key),
    data: item[ATTRIBUTES.data]?.B ?? null,
    due: dueOf(item),
    listed: listedOf(item),
    ...(expires === undefined ? {} : { expiresAtMs: expires * SECOND_MS }),
  };
}

function bodyOf(item: Readonly<Attributes>, key: RecordKey): Body {
  const fields: [string, Json][] = [];
  for (const name in item) {
    const attribute = item[name];
    if (attribute === undefined || OURS.has(name)) continue;
    const value = toJson(attribute);
    if (value === undefined) throw strange(key, name, "a string, number, boolean, null, list or map", attribute);
    fields.push([unescaped(name), value]);
  }
  const native: Body = Object.fromEntries(fields);
  return item[ATTRIBUTES.json] === undefined ? native : { ...native, ...restOf(textOf(item, ATTRIBUTES.json, key), key) };
}
function restOf(text: string, key: RecordKey): Body {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RecordUndecodableError(nameOf(key), `attribute ${ATTRIBUTES.json}: ${messageOf(error)}`);
  }
}

function textOf(item: Readonly<Attributes>, name: string, key: RecordKey | null = null): string {
  const text = item[name]?.S;
  if (text === undefined) throw strange(key, name, "a string", item[name]);
  return text;
}
function numberOf(item: Readonly<Attributes>, name: string, key: RecordKey): number {
  const text = item[name]?.N;
  if (text === undefined) throw strange(key, name, "a number", item[name]);
  return Number(text);
}
function strange(key: RecordKey | null, name: string, expected: string, got: AttributeValue | undefined): Error {
  const what = key === null ? "an item without a key" : nameOf(key);
  const found = got === undefined ? "none" : `one of type ${Object.keys(got).join()}`;
  return new RecordUndecodableError(what, `expected attribute ${name} to be ${expected}, got ${found}`);
}
