/** TURN: until when the sweep of a namespace is somebody's. */
import { z } from "zod";
import type { StoredRecord } from "../ports/record-store.ts";
import { instant } from "./parts.ts";
import { decodeBody, type RecordContent, sparse } from "./record.ts";

export const TURN_VERSION = 1;

const schema = z.object({ v: z.literal(TURN_VERSION), until: instant.default(0) });

export function encodeTurn(untilMs: number): RecordContent {
  return { body: sparse({ v: TURN_VERSION, until: untilMs }), data: null };
}
/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeTurn(record: StoredRecord): number {
  return decodeBody(record, TURN_VERSION, schema).until;
}
