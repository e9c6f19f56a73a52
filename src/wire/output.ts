/** OUTPUT: a piece of the text that an attempt streamed; without any, it supersedes what earlier attempts wrote. */
import { z } from "zod";
import type { StoredRecord } from "../ports/record-store.ts";
import type { Codec } from "./codec.ts";
import { decodeBody, nameOf, type RecordContent, sparse } from "./record.ts";

export const OUTPUT_VERSION = 1;

const schema = z.object({ v: z.literal(OUTPUT_VERSION), text: z.enum(["utf8", "deflate"]).nullable().default(null) });

export async function encodeOutput(text: string, codec: Codec): Promise<RecordContent> {
  if (text === "") return { body: sparse({ v: OUTPUT_VERSION }), data: null };
  const { encoding, data } = await codec.encode(text);
  return { body: sparse({ v: OUTPUT_VERSION, text: encoding }), data };
}

/** @throws RecordTooNewError, RecordUndecodableError */
export async function decodeOutput(record: StoredRecord, codec: Codec): Promise<string> {
  const { text } = decodeBody(record, OUTPUT_VERSION, schema);
  return text === null ? "" : codec.decode(text, record.data ?? new Uint8Array(), nameOf(record));
}
