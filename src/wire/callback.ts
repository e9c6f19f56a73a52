/** CALLBACK: a token that a step gave away, and the signal that it stands for. */
import { z } from "zod";
import type { StoredRecord } from "../ports/record-store.ts";
import { instant } from "./parts.ts";
import { decodeBody, type RecordContent, sparse } from "./record.ts";

export const CALLBACK_VERSION = 1;

export interface StoredCallback {
  /** The signal's name. */
  readonly signal: string;
  /** Whoever has it may send the signal, once. */
  readonly secret: string;
  readonly expiresAtMs: number;
}

const schema = z.object({
  v: z.literal(CALLBACK_VERSION),
  signal: z.string(),
  secret: z.string().min(1),
  expires: instant.default(0),
});

export function encodeCallback({ signal, secret, expiresAtMs }: StoredCallback): RecordContent {
  return { body: sparse({ v: CALLBACK_VERSION, signal, secret, expires: expiresAtMs }), data: null };
}

/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeCallback(record: StoredRecord): StoredCallback {
  const { signal, secret, expires } = decodeBody(record, CALLBACK_VERSION, schema);
  return { signal, secret, expiresAtMs: expires };
}
