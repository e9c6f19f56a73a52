/** What every stored format shares: a version in the body, and errors that name the record. */
import { z } from "zod";
import { messageOf, RecordTooNewError, RecordUndecodableError } from "../domain/errors.ts";
import type { Json } from "../domain/json.ts";
import type { Body, RecordKey, StoredRecord } from "../ports/record-store.ts";

/** What an encoder gives: the caller adds key, write id and index entries. */
export interface RecordContent {
  readonly body: Body;
  readonly data: Uint8Array | null;
}

export function nameOf(key: RecordKey): string {
  return `record ${key.sort} of ${key.partition}`;
}

/** What a body must be like to be read as a stored format: a schema, or one that is `checkedOnce`. */
export interface Shape<T> {
  safeParse(body: Body): z.ZodSafeParseResult<T>;
}

/**
 * For what is read all the time. A body that cannot change is checked once, and what was read of it cannot change either:
 * a store in memory gives out the same one every time. `whole` gives a body what its short form leaves out.
 */
export function checkedOnce<T>(schema: z.ZodType<T>, whole = (body: Body): Body => body): Shape<T> {
  const known = new WeakMap<Body, z.ZodSafeParseResult<T>>();
  return {
    safeParse(body) {
      const before = known.get(body);
      if (before !== undefined) return before;
      const read = schema.safeParse(whole(body));
      if (Object.isFrozen(body)) known.set(body, frozen(read));
      return read;
    },
  };
}
function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

/** A body checked against its shape. @throws RecordTooNewError, RecordUndecodableError */
export function decodeBody<T>(record: StoredRecord, version: number, shape: Shape<T>): T {
  const stored = record.body["v"];
  if (typeof stored === "number" && stored > version) throw new RecordTooNewError(nameOf(record), version, stored);
  const parsed = parse(record, shape);
  if (parsed.success) return parsed.data;
  throw new RecordUndecodableError(nameOf(record), z.prettifyError(parsed.error));
}
/** A schema that measures what has no length may stumble over what it finds there. */
function parse<T>(record: StoredRecord, shape: Shape<T>): z.ZodSafeParseResult<T> {
  try {
    return shape.safeParse(record.body);
  } catch (error) {
    throw new RecordUndecodableError(nameOf(record), messageOf(error));
  }
}

/** The fields that say something: null, false, 0, "" and empty lists and objects are what a reader takes for absent. */
export function sparse(fields: { readonly [name: string]: Json | undefined }): Body {
  const body: Record<string, Json> = {};
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined && !isEmpty(value)) body[name] = value;
  }
  return body;
}
function isEmpty(value: Json): boolean {
  if (value === null || value === false || value === 0 || value === "") return true;
  if (typeof value !== "object") return false;
  for (const _ in value) return false;
  return true;
}
