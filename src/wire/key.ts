/** KEY: which work item an idempotency key names, and until when. */
import { z } from "zod";
import { isWorkId, type WorkId } from "../domain/ids.ts";
import type { KeyEntry } from "../domain/item.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { instant } from "./parts.ts";
import { decodeBody, type RecordContent, sparse } from "./record.ts";

export const KEY_VERSION = 1;

const schema = z.object({
  v: z.literal(KEY_VERSION),
  work: z.string().refine(isWorkId),
  payloadDigest: z.string(),
  remembered: instant.nullable().default(null),
});

export function encodeKey(entry: KeyEntry): RecordContent {
  const { workId, payloadDigest, rememberedUntilAtMs } = entry;
  return { body: sparse({ v: KEY_VERSION, work: workId, payloadDigest, remembered: rememberedUntilAtMs }), data: null };
}

/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeKey(record: StoredRecord): KeyEntry {
  const { work, payloadDigest, remembered } = decodeBody(record, KEY_VERSION, schema);
  return { workId: work as WorkId, payloadDigest, rememberedUntilAtMs: remembered };
}
