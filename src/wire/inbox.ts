/** INBOX: one command or signal from outside; SEEN: that its id was sent. */
import { z } from "zod";
import type { Command, InboxEntry, Seen, SignalEntry } from "../domain/inbox.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { count, encodeStored, instant, stored } from "./parts.ts";
import { decodeBody, type RecordContent, sparse } from "./record.ts";

export const INBOX_VERSION = 1;
export const SEEN_VERSION = 1;

const command: z.ZodType<Command> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("cancel"), reason: z.string() }),
  z.object({ kind: z.literal("pause"), reason: z.string() }),
  z.object({ kind: z.literal("resume") }),
  z.object({ kind: z.literal("redrive"), note: z.string() }),
  z.object({ kind: z.literal("children"), group: z.string(), version: count, succeeded: count, failed: count }),
]);
const sent = { v: z.literal(INBOX_VERSION), id: z.string(), sent: instant.default(0) };
const commandSchema = z.object({ ...sent, command });
const signalSchema = z.object({ ...sent, name: z.string(), payload: stored });
const seenSchema = z.object({
  v: z.literal(SEEN_VERSION),
  sent: instant.default(0),
  consumed: z.boolean().default(false),
  digest: z.string().nullable().default(null),
});

export function encodeInboxEntry(entry: Omit<InboxEntry, "sort">): RecordContent {
  return { body: sparse({ v: INBOX_VERSION, id: entry.id, sent: entry.sentAtMs, command: entry.command }), data: null };
}
/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeInboxEntry(record: StoredRecord): InboxEntry {
  const { id, sent: sentAtMs, command: what } = decodeBody(record, INBOX_VERSION, commandSchema);
  return { sort: record.sort, id, sentAtMs, command: what };
}

export function encodeSignal({ id, sentAtMs, name, payload }: Omit<SignalEntry, "sort">): RecordContent {
  return { body: sparse({ v: INBOX_VERSION, id, sent: sentAtMs, name, payload: encodeStored(payload) }), data: null };
}
/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeSignal(record: StoredRecord): SignalEntry {
  const { id, sent: sentAtMs, name, payload } = decodeBody(record, INBOX_VERSION, signalSchema);
  return { sort: record.sort, id, sentAtMs, name, payload };
}

export function encodeSeen({ sentAtMs, consumed, digest }: Seen): RecordContent {
  return { body: sparse({ v: SEEN_VERSION, sent: sentAtMs, consumed, digest }), data: null };
}
/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeSeen(record: StoredRecord): Seen {
  const { sent: sentAtMs, consumed, digest } = decodeBody(record, SEEN_VERSION, seenSchema);
  return { sentAtMs, consumed, digest };
}
