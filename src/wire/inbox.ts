/** INBOX: one command from outside; SEEN: that its id was sent. */
import { z } from "zod";
import type { Command, InboxEntry, Seen } from "../domain/inbox.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { instant } from "./parts.ts";
import { decodeBody, type RecordContent, sparse } from "./record.ts";

export const INBOX_VERSION = 1;
export const SEEN_VERSION = 1;

const command: z.ZodType<Command> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("cancel"), reason: z.string() }),
  z.object({ kind: z.literal("pause"), reason: z.string() }),
  z.object({ kind: z.literal("resume") }),
  z.object({ kind: z.literal("redrive"), note: z.string() }),
]);
const inboxSchema = z.object({ v: z.literal(INBOX_VERSION), id: z.string(), sent: instant.default(0), command });
const seenSchema = z.object({ v: z.literal(SEEN_VERSION), sent: instant.default(0), consumed: z.boolean().default(false) });

export function encodeInboxEntry(entry: Omit<InboxEntry, "sort">): RecordContent {
  return { body: sparse({ v: INBOX_VERSION, id: entry.id, sent: entry.sentAtMs, command: entry.command }), data: null };
}
/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeInboxEntry(record: StoredRecord): InboxEntry {
  const { id, sent, command } = decodeBody(record, INBOX_VERSION, inboxSchema);
  return { sort: record.sort, id, sentAtMs: sent, command };
}

export function encodeSeen(seen: Seen): RecordContent {
  return { body: sparse({ v: SEEN_VERSION, sent: seen.sentAtMs, consumed: seen.consumed }), data: null };
}
/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeSeen(record: StoredRecord): Seen {
  const { sent, consumed } = decodeBody(record, SEEN_VERSION, seenSchema);
  return { sentAtMs: sent, consumed };
}
