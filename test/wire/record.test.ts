/** What all stored formats share. */
import { expect, test } from "vitest";
import { RecordUndecodableError } from "../../src/domain/errors.ts";
import type { Body, StoredRecord } from "../../src/ports/record-store.ts";
import { decodeCallback } from "../../src/wire/callback.ts";
import { decodeDue } from "../../src/wire/due.ts";

const recordOf = (body: Body): StoredRecord => ({
  ...{ partition: "test/x", sort: "LIVE/DUE", revision: 1, writeId: "0.a" },
  ...{ body, data: null, due: null, listed: null },
});

test("what has no length where a text is measured is undecodable, and nothing else", () => {
  const secret = { length: [[{ toString: "" }]] };
  const decoding = () => decodeCallback(recordOf({ v: 1, signal: "paid", secret, expires: 1 }));
  expect(decoding).toThrow(RecordUndecodableError);
});

test("a body that cannot change is checked once; one that can, every time", () => {
  const body = { v: 1, why: "ready", at: 5, version: 1 };
  const record = recordOf(body);
  expect(decodeDue(record)).toMatchObject({ why: "ready", atMs: 5 });
  body.at = 6;
  expect(decodeDue(record)).toMatchObject({ atMs: 6 });
  const firm = recordOf(Object.freeze({ ...body }));
  expect(decodeDue(firm)).toEqual(decodeDue(firm));
  const wrong = recordOf(Object.freeze({ v: 1, why: "never" }));
  for (let i = 0; i < 2; i++) expect(() => decodeDue(wrong)).toThrow(RecordUndecodableError);
});
