import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecordTooNewError, RecordUndecodableError } from "../../src/domain/errors.ts";
import { EMPTY_STRAND } from "../../src/domain/strand.ts";
import { decodeDue, encodeDue } from "../../src/wire/due.ts";
import { decodeHead, encodeHead } from "../../src/wire/head.ts";
import { decodeItem, encodeItem } from "../../src/wire/item.ts";
import { decodeKey } from "../../src/wire/key.ts";
import { sparse } from "../../src/wire/record.ts";
import * as any from "../domain/arbitraries.ts";
import { aDue, aHead, anItem, initial, inline } from "../domain/builders.ts";
import { atRest, codec, FORMATS, partition } from "./formats.ts";

/** What decoding throws: null for nothing. */
async function thrownBy(decode: () => unknown): Promise<unknown> {
  try {
    await decode();
    return null;
  } catch (error) {
    return error;
  }
}

describe.each(FORMATS)("$name", ({ name, version, content, decode, pair }) => {
  test("comes back as it was", async () => {
    await fc.assert(
      fc.asyncProperty(pair, async (there) => {
        const { before, after } = await there();
        expect(after).toEqual(before);
      }),
    );
  });

  test("of a newer version is refused by name, whatever else it says", async () => {
    const newer = fc.integer({ min: version + 1, max: version + 5 });
    await fc.assert(
      fc.asyncProperty(content, newer, fc.boolean(), async (encoded, v, isStrange) => {
        const { body, data } = await encoded;
        const record = atRest({ body: { ...(isStrange ? { status: "unheard of" } : body), v }, data }, name);
        const error = await thrownBy(() => decode(record));
        expect(error).toBeInstanceOf(RecordTooNewError);
        expect(String(error)).toContain(`record ${name} of ${partition} has format version ${v}, expected at most ${version}`);
      }),
      { numRuns: 20 },
    );
  });

  const expectNamed = (error: unknown) => {
    if (error === null) return;
    if (!(error instanceof RecordTooNewError) && !(error instanceof RecordUndecodableError)) throw error;
    expect(error.message).toContain(`record ${name} of ${partition}`);
  };
  const bytes = fc.option(fc.uint8Array());

  test("that is garbage is undecodable, or too new, and says which record it is", async () => {
    const body = fc.oneof(
      fc.dictionary(fc.string(), any.json),
      fc.dictionary(fc.string(), any.json).map((one) => ({ ...one, v: version })),
    );
    await fc.assert(
      fc.asyncProperty(body, bytes, async (found, data) => {
        const error = await thrownBy(() => decode(atRest({ body: found, data }, name)));
        expectNamed(error);
        if (typeof found["v"] !== "number") expect(error).toBeInstanceOf(RecordUndecodableError);
      }),
    );
  });

  test("with one field altered comes back, or is undecodable", async () => {
    await fc.assert(
      fc.asyncProperty(content, fc.nat(), any.json, bytes, fc.boolean(), async (encoded, which, value, data, isData) => {
        const whole = await encoded;
        const fields = Object.keys(whole.body).filter((one) => !(name === "KEY" && one === "work"));
        const field = fields[which % fields.length] ?? "v";
        const altered = isData ? { ...whole, data } : { ...whole, body: { ...whole.body, [field]: value } };
        expectNamed(await thrownBy(() => decode(atRest(altered, name))));
      }),
    );
  });
});

// Known: it throws InvalidArgumentError, which blames the caller.
test("KEY with a work id that is none is undecodable", async () => {
  const body = { v: 1, work: "none", payloadDigest: "d" };
  expect(await thrownBy(() => decodeKey(atRest({ body, data: null }, "KEY")))).toBeInstanceOf(RecordUndecodableError);
});

describe("a sparse body", () => {
  test("leaves out what a reader takes for absent", () => {
    const fields = { a: null, b: false, c: 0, d: "", e: [], f: {}, g: undefined, h: 1, i: [0], j: { k: null }, l: true, m: " " };
    expect(sparse(fields)).toEqual({ h: 1, i: [0], j: { k: null }, l: true, m: " " });
  });
  test("makes the first snapshot of an item a few fields", async () => {
    const { body, data } = await encodeHead({ ...initial(), token: aHead().token }, codec);
    expect(Object.keys(body).sort()).toEqual(["budget", "released", "status", "step", "token", "updated", "v"]);
    expect(data).toBeNull();
  });
  test("of HEAD is read with a default for everything else", async () => {
    const body = { v: 1, token: 7, status: { kind: "ready" }, step: "step" };
    expect(await decodeHead(atRest({ body, data: null }, "HEAD"), codec)).toEqual({
      ...aHead({ token: 7, released: false }),
      budget: { sinceVersion: 0, sinceMs: 0, meters: {} },
      updatedAtMs: 0,
      journal: EMPTY_STRAND,
    });
  });
  test("of DUE and ITEM too", async () => {
    const due = { ...aDue(), atMs: null };
    expect(encodeDue(due).body).toEqual({ v: 1, why: "ready" });
    expect(decodeDue(atRest(encodeDue(due), "DUE"))).toEqual(due);
    const item = anItem({ payload: inline({}) });
    const { body } = await encodeItem(item, codec);
    expect(Object.keys(body).sort()).toEqual(["created", "engine", "lane", "payload", "payloadDigest", "start", "v"]);
    expect(await decodeItem(atRest(await encodeItem(item, codec), "ITEM"), item, codec)).toEqual(item);
  });
  // Known: 0 is left out like null, so a deadline at once is read as none.
  test("keeps a deadline of 0 apart from none", async () => {
    const item = anItem({ deadlineMs: 0 });
    expect(await decodeItem(atRest(await encodeItem(item, codec), "ITEM"), item, codec)).toEqual(item);
  });
});
