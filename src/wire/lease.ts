/** LEASE: who works on the item, with which message, standing for which attempt. */
import { z } from "zod";
import { parseToken } from "../domain/ids.ts";
import type { Lease } from "../domain/lease.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { count, instant, storedWake } from "./parts.ts";
import { checkedOnce, decodeBody, type RecordContent, sparse } from "./record.ts";

export const LEASE_VERSION = 1;

const schema = z.object({
  v: z.literal(LEASE_VERSION),
  holder: z.string(),
  message: z.string(),
  token: count,
  expires: instant,
  version: count.default(0),
  attempt: count.nullable().default(null),
  wake: storedWake.nullable().default(null),
  alone: z.boolean().default(false),
});
const shape = checkedOnce(schema);

export function encodeLease(lease: Lease): RecordContent {
  const { holder, messageId, token, expiresAtMs, version, attempt, wake, alone } = lease;
  const at = { v: LEASE_VERSION, holder, message: messageId, token, expires: expiresAtMs };
  return { body: sparse({ ...at, version, attempt, wake, alone }), data: null };
}

/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeLease(record: StoredRecord): Lease {
  const { holder, message, token, expires, version, attempt, wake, alone } = decodeBody(record, LEASE_VERSION, shape);
  return { holder, messageId: message, token: parseToken(token), expiresAtMs: expires, version, attempt, wake, alone };
}
