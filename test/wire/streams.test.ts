/** OUTPUT and CALLBACK at rest, and how secrets are compared. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { RecordTooNewError, RecordUndecodableError } from "../../src/domain/errors.ts";
import type { StoredRecord } from "../../src/ports/record-store.ts";
import { CALLBACK_VERSION, decodeCallback, encodeCallback } from "../../src/wire/callback.ts";
import { createCodec } from "../../src/wire/codec.ts";
import { sameSecret } from "../../src/wire/digest.ts";
import { decodeOutput, encodeOutput, OUTPUT_VERSION } from "../../src/wire/output.ts";
import type { RecordContent } from "../../src/wire/record.ts";

const codec = createCodec({ deflateFromBytes: 1_024 });
const atRest = (content: RecordContent): StoredRecord => ({
  partition: "test/item",
  sort: "some/key",
  ...content,
  writeId: "1.a",
  due: null,
  listed: null,
  revision: 1,
});

test("streamed text comes back as it was, packed when it is long", async () => {
  const text = fc.string({ unit: "grapheme" });
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom(1, 500), async (piece, times) => {
      const whole = piece.repeat(times);
      const content = await encodeOutput(whole, codec);
      expect(JSON.parse(JSON.stringify(content.body))).toEqual(content.body);
      expect(await decodeOutput(atRest(content), codec)).toBe(whole);
    }),
  );
  const long = await encodeOutput("abc ".repeat(1_000), codec);
  expect(long.body).toEqual({ v: OUTPUT_VERSION, text: "deflate" });
  expect(long.data?.byteLength).toBeLessThan(200);
});
test("a chunk that only supersedes is a few bytes", async () => {
  expect(await encodeOutput("", codec)).toEqual({ body: { v: OUTPUT_VERSION }, data: null });
});

test("a callback comes back as it was", () => {
  const callbacks = fc.record({ signal: fc.string(), secret: fc.string({ minLength: 1 }), expiresAtMs: fc.nat() });
  fc.assert(
    fc.property(callbacks, (callback) => {
      // An empty text is left out at rest; no signal has such a name.
      fc.pre(callback.signal !== "");
      expect(decodeCallback(atRest(encodeCallback(callback)))).toEqual(callback);
    }),
  );
});

test.each([
  ["output", OUTPUT_VERSION, (record: StoredRecord) => decodeOutput(record, codec)],
  ["callback", CALLBACK_VERSION, async (record: StoredRecord) => decodeCallback(record)],
] as const)("a record of %s that is too new or garbage says which it is", async (_, version, decode) => {
  const record = (body: StoredRecord["body"]) => atRest({ body, data: new Uint8Array([1, 2, 3]) });
  await expect(decode(record({ v: version + 1 }))).rejects.toThrow(RecordTooNewError);
  for (const body of [{}, { v: "1" }, { v: version, text: "gzip", secret: "" }])
    await expect(decode(record(body))).rejects.toThrow(RecordUndecodableError);
  await expect(decode(record({ v: version + 1 }))).rejects.toThrow("record some/key of test/item");
});

test("secrets are the same when their texts are, of whatever length", () => {
  expect(sameSecret("abc", "abc")).toBe(true);
  for (const other of ["", "abd", "abcd", "ABC"]) expect(sameSecret("abc", other)).toBe(false);
});
