/** What every stored format shares: a version in the body, and errors that name the record. */
import { z } from "zod";
import { RecordTooNewError, RecordUndecodableError } from "../domain/errors.ts";
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

/** What a body must be like to be read as a stored format: a schema, or one that is in `frequent` use. */
export interface Shape<T> {
  safeParse(body: Body): z.ZodSafeParseResult<T>;
}

/** Compiling takes milliseconds, which a process that asks less often does not earn back. */
const COMPILED_FROM = 1_000;

/**
 * Of what is read all the time: once it has been asked often, the schema is compiled, which answers the same. A body that
 * cannot change, as a store in memory gives it out again and again, is checked once. `whole` gives a body what its short
 * form leaves out.
 */
export function frequent<T>(schema: z.ZodType<T>, whole = (body: Body): Body => body): Shape<T> {
  const known = new WeakMap<Body, z.ZodSafeParseResult<T>>();
  let asked = 0;
  let current = schema;
  return {
    safeParse(body) {
      const before = known.get(body);
      if (before !== undefined) return before;
      asked += 1;
      if (asked === COMPILED_FROM) current = z.compile(schema);
      const read = current.safeParse(whole(body));
      if (Object.isFrozen(body)) known.set(body, read);
      return read;
    },
  };
}

/** A body checked against its shape. @throws RecordTooNewError, RecordUndecodableError */
export function decodeBody<T>(record: StoredRecord, version: number, shape: Shape<T>): T {
  const stored = record.body["v"];
  if (typeof stored === "number" && stored > version) throw new RecordTooNewError(nameOf(record), version, stored);
  const parsed = shape.safeParse(record.body);
  if (parsed.success) return parsed.data;
  throw new RecordUndecodableError(nameOf(record), z.prettifyError(parsed.error));
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
