/** A message that nobody could read, for a person to look at. */
import { z } from "zod";
import type { Namespace } from "../domain/ids.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { instant } from "./parts.ts";
import { decodeBody, type RecordContent } from "./record.ts";

const BURIED_VERSION = 1;

export interface Buried {
  /** Of the message. */
  readonly id: string;
  readonly body: string;
  readonly reason: string;
  readonly atMs: number;
}

const schema = z.object({
  v: z.literal(BURIED_VERSION),
  id: z.string(),
  reason: z.string(),
  at: instant,
  left: z.number().int().nonnegative(),
});
/** A record holds so much of it; how much more there was is said. */
const BODY_BYTES = 200_000;
const INSTANT_DIGITS = 15;

/** No work id has capitals. */
export function buriedPartition(namespace: Namespace): string {
  return `${namespace}/BURIED`;
}
export function buriedKey(atMs: number, id: string): string {
  return `${String(atMs).padStart(INSTANT_DIGITS, "0")}/${id}`;
}

export function encodeBuried({ id, body, reason, atMs }: Buried): RecordContent {
  const bytes = new TextEncoder().encode(body);
  const left = Math.max(0, bytes.length - BODY_BYTES);
  return { body: { v: BURIED_VERSION, id, reason, at: atMs, left }, data: bytes.subarray(0, BODY_BYTES) };
}

/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeBuried(record: StoredRecord): Buried {
  const { id, reason, at, left } = decodeBody(record, BURIED_VERSION, schema);
  const text = new TextDecoder().decode(record.data ?? new Uint8Array(0));
  return { id, reason, atMs: at, body: left === 0 ? text : `${text}… and ${left} bytes more` };
}
