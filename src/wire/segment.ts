/** SEGMENT: a sealed piece of a strand, its text as the record's data. Never changed once written. */
import { z } from "zod";
import type { SegmentAddress } from "../domain/keys.ts";
import type { Segment } from "../domain/strand.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import type { Codec } from "./codec.ts";
import { count } from "./parts.ts";
import { decodeBody, nameOf, type RecordContent, sparse } from "./record.ts";

export const SEGMENT_VERSION = 1;

const schema = z.object({
  v: z.literal(SEGMENT_VERSION),
  lines: count,
  enc: z.enum(["utf8", "deflate"]),
  before: z.object({ n: count, nonce: z.string() }).nullable().default(null),
});

/** `plain` keeps the text as it is: journals are dense already, and their rows are sized by their bytes. */
export async function encodeSegment(segment: Segment, codec: Codec, plain: boolean): Promise<RecordContent> {
  const { encoding, data } = await codec.encode(segment.text, { plain });
  const before = segment.before === null ? null : { n: segment.before.n, nonce: segment.before.nonce };
  return { body: sparse({ v: SEGMENT_VERSION, lines: segment.lines, enc: encoding, before }), data };
}

/** @throws RecordTooNewError, RecordUndecodableError */
export async function decodeSegment(record: StoredRecord, address: SegmentAddress, codec: Codec): Promise<Segment> {
  const { lines, enc, before } = decodeBody(record, SEGMENT_VERSION, schema);
  return { address, before, lines, text: await codec.decode(enc, record.data ?? new Uint8Array(), nameOf(record)) };
}
