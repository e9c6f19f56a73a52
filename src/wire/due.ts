/** DUE: the alarm. Its instant stands in the due index too; without one it is in no index. */
import { z } from "zod";
import type { Due } from "../domain/alarm.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { count, instant } from "./parts.ts";
import { checkedOnce, decodeBody, type RecordContent, sparse } from "./record.ts";

export const DUE_VERSION = 1;

const schema = z.object({
  v: z.literal(DUE_VERSION),
  why: z.enum(["enqueue", "inbox", "ready", "sleep", "waiting", "paused", "end", "retention", "collect"]),
  at: instant.nullable().default(null),
  version: count.default(0),
  rings: count.default(0),
});
const shape = checkedOnce(schema);

export function encodeDue(due: Due): RecordContent {
  const at = due.atMs === null ? {} : { at: due.atMs };
  return { body: { ...sparse({ v: DUE_VERSION, why: due.why, version: due.version, rings: due.rings }), ...at }, data: null };
}

/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeDue(record: StoredRecord): Due {
  const { why, at, version, rings } = decodeBody(record, DUE_VERSION, shape);
  return { why, atMs: at, version, rings };
}
