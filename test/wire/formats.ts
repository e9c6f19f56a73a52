/** Every stored format in one list, so that each test asks the same of all of them. */
import fc from "fast-check";
import { itemPartition } from "../../src/domain/ids.ts";
import type { InboxEntry, Seen, SignalEntry } from "../../src/domain/inbox.ts";
import type { KeyEntry } from "../../src/domain/item.ts";
import type { Segment } from "../../src/domain/strand.ts";
import type { StoredRecord } from "../../src/ports/record-store.ts";
import { createCodec } from "../../src/wire/codec.ts";
import { DUE_VERSION, decodeDue, encodeDue } from "../../src/wire/due.ts";
import { decodeHead, encodeHead, HEAD_VERSION } from "../../src/wire/head.ts";
import {
  decodeInboxEntry,
  decodeSeen,
  decodeSignal,
  encodeInboxEntry,
  encodeSeen,
  encodeSignal,
  INBOX_VERSION,
  SEEN_VERSION,
} from "../../src/wire/inbox.ts";
import { decodeItem, encodeItem, ITEM_VERSION } from "../../src/wire/item.ts";
import { decodeKey, encodeKey, KEY_VERSION } from "../../src/wire/key.ts";
import { decodeLease, encodeLease, LEASE_VERSION } from "../../src/wire/lease.ts";
import { decodeMemo, encodeMemo, MEMO_VERSION } from "../../src/wire/memo.ts";
import type { RecordContent } from "../../src/wire/record.ts";
import { decodeSegment, encodeSegment, SEGMENT_VERSION } from "../../src/wire/segment.ts";
import { decodeTurn, encodeTurn, TURN_VERSION } from "../../src/wire/turn.ts";
import * as any from "../domain/arbitraries.ts";
import { anItem } from "../domain/builders.ts";

export const codec = createCodec({ deflateFromBytes: 256 });

const item = anItem();
export const partition = itemPartition(item.namespace, item.workId);

/** As a store gives it back: JSON, and bytes of its own. */
export function atRest(content: RecordContent, sort: string): StoredRecord {
  const body: RecordContent["body"] = JSON.parse(JSON.stringify(content.body));
  const data = content.data === null ? null : new Uint8Array(content.data);
  return { partition, sort, body, data, writeId: "1.a", due: null, listed: null, revision: 1 };
}

export interface Format {
  readonly name: string;
  readonly version: number;
  /** Some value, encoded. */
  readonly content: fc.Arbitrary<Promise<RecordContent> | RecordContent>;
  readonly decode: (record: StoredRecord) => unknown;
  /** A value, and what becomes of it at rest and back. */
  readonly pair: fc.Arbitrary<() => Promise<{ before: unknown; after: unknown }>>;
}

function format<T>(
  name: string,
  version: number,
  values: fc.Arbitrary<T>,
  encode: (value: T) => Promise<RecordContent> | RecordContent,
  decode: (record: StoredRecord, value: T | null) => Promise<T> | T,
): Format {
  return {
    name,
    version,
    content: values.map(encode),
    decode: (record) => decode(record, null),
    pair: values.map((before) => async () => ({ before, after: await decode(atRest(await encode(before), name), before) })),
  };
}

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const inboxEntry: fc.Arbitrary<InboxEntry> = fc.record({
  sort: fc.constant("INBOX"),
  id: text,
  sentAtMs: any.instant,
  command: any.command,
});
const signal: fc.Arbitrary<SignalEntry> = fc.record({
  sort: fc.constant("SIGNAL"),
  id: text,
  sentAtMs: any.instant,
  name: text,
  payload: any.stored,
});
const seen: fc.Arbitrary<Seen> = fc.record({ sentAtMs: any.instant, consumed: fc.boolean(), digest: fc.option(text) });
const keyEntry: fc.Arbitrary<KeyEntry> = fc.record({
  workId: any.workId,
  payloadDigest: text,
  rememberedUntilAtMs: fc.option(any.instant),
});
const address = fc.record({ n: any.count, nonce: text });
const segment: fc.Arbitrary<Segment> = fc.record({
  address,
  before: fc.option(address),
  lines: fc.integer({ min: 1, max: 1_000 }),
  text: fc.string({ unit: "grapheme", maxLength: 2_000 }),
});
const memo = fc.record({ key: fc.string(), result: any.stored });

export const FORMATS: readonly Format[] = [
  format(
    "HEAD",
    HEAD_VERSION,
    any.head,
    (head) => encodeHead(head, codec),
    (record) => decodeHead(record, codec),
  ),
  format(
    "ITEM",
    ITEM_VERSION,
    any.item,
    (one) => encodeItem(one, codec),
    (record, one) => decodeItem(record, one ?? item, codec),
  ),
  format("LEASE", LEASE_VERSION, any.lease, encodeLease, decodeLease),
  format("DUE", DUE_VERSION, any.due, encodeDue, decodeDue),
  format("INBOX", INBOX_VERSION, inboxEntry, encodeInboxEntry, decodeInboxEntry),
  format("SIGNAL", INBOX_VERSION, signal, encodeSignal, decodeSignal),
  format("SEEN", SEEN_VERSION, seen, encodeSeen, decodeSeen),
  format("KEY", KEY_VERSION, keyEntry, encodeKey, decodeKey),
  format(
    "SEGMENT",
    SEGMENT_VERSION,
    segment,
    (one) => encodeSegment(one, codec, one.lines % 2 === 0),
    (record, one) => decodeSegment(record, one?.address ?? { n: 1, nonce: "x" }, codec),
  ),
  // What a memo gives back is its result; its key is for people.
  format(
    "ONCE",
    MEMO_VERSION,
    memo,
    ({ key, result }) => encodeMemo(key, result),
    (record, one) => ({ key: one?.key ?? "", result: decodeMemo(record) }),
  ),
  format("TURN", TURN_VERSION, any.instant, encodeTurn, decodeTurn),
];
