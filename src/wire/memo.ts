/** ONCE: the stored result of a `ctx.once`. */
import { z } from "zod";
import type { Stored } from "../domain/item.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { encodeStored, stored } from "./parts.ts";
import { decodeBody, type RecordContent, sparse } from "./record.ts";

export const MEMO_VERSION = 1;

const schema = z.object({ v: z.literal(MEMO_VERSION), key: z.string().default(""), result: stored });

export function encodeMemo(key: string, result: Stored): RecordContent {
  return { body: sparse({ v: MEMO_VERSION, key, result: encodeStored(result) }), data: null };
}
/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeMemo(record: StoredRecord): Stored {
  return decodeBody(record, MEMO_VERSION, schema).result;
}
