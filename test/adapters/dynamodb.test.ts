/** How a record becomes an item of DynamoDB, and what the item takes. Nothing here talks to a table. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dynamoClientOptions } from "../../src/adapters/dynamodb/client-options.ts";
import { placeText } from "../../src/adapters/dynamodb/indexes.ts";
import { decodeRecord, encodeRecord } from "../../src/adapters/dynamodb/item.ts";
import { itemBytes } from "../../src/adapters/dynamodb/size.ts";
import type { Json } from "../../src/domain/json.ts";
import { HEARTBEAT_MS, LEASE_DURATION_MS } from "../../src/domain/limits.ts";
import { tailSize } from "../../src/domain/strand.ts";
import type { RecordDraft } from "../../src/ports/record-store.ts";
import { encodeHead } from "../../src/wire/head.ts";
import * as any from "../domain/arbitraries.ts";
import { NOW } from "../domain/builders.ts";
import { codec } from "../wire/formats.ts";
import { artifactsOf, journalOf, usualHead } from "../wire/usual-head.ts";

const BLOCK_BYTES = 1_024;
const PARTITION = "default/0123456789abcdefghjk";

function draft(fields: Partial<RecordDraft> = {}): RecordDraft {
  return {
    partition: PARTITION,
    sort: "LIVE/HEAD",
    body: {},
    data: null,
    writeId: "17.0123456789ab1f",
    due: null,
    listed: null,
    ...fields,
  };
}
function nested(depth: number): Json {
  let value: Json = "deep";
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

describe("an item", () => {
  test("has the fields of the body as attributes of their own, beside ours", () => {
    const body = {
      step: "check",
      version: 42,
      ratio: -0.5,
      released: true,
      error: null,
      status: { kind: "ready" },
      list: ["a", 1],
    };
    const item = encodeRecord(draft({ body, data: Uint8Array.of(1, 2) }), 61);
    expect(item).toEqual({
      pk: { S: PARTITION },
      sk: { S: "LIVE/HEAD" },
      rev: { N: "61" },
      write: { S: "17.0123456789ab1f" },
      data: { B: Uint8Array.of(1, 2) },
      step: { S: "check" },
      version: { N: "42" },
      ratio: { N: "-0.5" },
      released: { BOOL: true },
      error: { NULL: true },
      status: { M: { kind: { S: "ready" } } },
      list: { L: [{ S: "a" }, { N: "1" }] },
    });
  });
  test("stands in the indexes by its alarm and by what it is listed as", () => {
    const due = { shard: 7, atMs: NOW };
    const listed = { group: "default/open", atMs: NOW };
    const item = encodeRecord(draft({ due, listed }), 1);
    expect(item).toMatchObject({ dueShard: { N: "7" }, dueAt: { N: String(NOW) } });
    expect(item).toMatchObject({ listed: { S: "default/open#15" }, listedAt: { S: `00${NOW} ${PARTITION} LIVE/HEAD` } });
    expect(decodeRecord(item)).toMatchObject({ due, listed });
  });
  test("expires in whole seconds, never early", () => {
    const item = encodeRecord(draft({ expiresAtMs: 1_700_000_000_001 }), 1);
    expect(item["expires"]).toEqual({ N: "1700000001" });
    expect(decodeRecord(item).expiresAtMs).toBe(1_700_000_001_000);
    expect(encodeRecord(draft({ expiresAtMs: 1_700_000_000_000 }), 1)["expires"]).toEqual({ N: "1700000000" });
    expect(encodeRecord(draft(), 1)).not.toHaveProperty("expires");
  });
  test("has fields of the body that are named as ours under another name", () => {
    const body = { expires: 1, pk: "x", data: null, listed: [], _expires: 2, __proto: 3, "": 4 };
    const item = encodeRecord(draft({ body }), 1);
    expect(Object.keys(item).sort()).toEqual(
      ["pk", "sk", "rev", "write", "_expires", "_pk", "_data", "_listed", "__expires", "___proto", "_"].sort(),
    );
    expect(decodeRecord(item).body).toEqual(body);
  });
  test.each([
    ["a lone surrogate", "a\ud800"],
    ["a number too small", 5e-324],
    ["a number too large", 1e126],
    ["an empty name", { "": 1 }],
    ["a name with a lone surrogate", { "\udfff": 1 }],
    ["__proto__", JSON.parse('{"__proto__":1}')],
    ["more levels than DynamoDB has", nested(32)],
  ])("has as JSON text only what no attribute can hold: %s", (_what, strange) => {
    const body = { plain: 1, strange, within: [{ strange }] };
    const item = encodeRecord(draft({ body }), 1);
    expect(item).toMatchObject({ plain: { N: "1" }, json: { S: JSON.stringify({ strange, within: [{ strange }] }) } });
    expect(item).not.toHaveProperty("strange");
    expect(decodeRecord(item).body).toEqual(body);
  });
  test("gives back any body", () => {
    const name = fc.oneof(fc.string(), fc.constantFrom("pk", "json", "__proto__", "_", "expires", "constructor"));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, any.json)), (entries) => {
        const body = Object.fromEntries(entries);
        expect(JSON.parse(JSON.stringify(decodeRecord(encodeRecord(draft({ body }), 1)).body))).toEqual(
          JSON.parse(JSON.stringify(body)),
        );
      }),
    );
  });
  const strangers: [string, Record<string, AttributeValue | undefined>, string][] = [
    ["no key", { pk: undefined }, "attribute pk to be a string, got none"],
    [
      "no revision",
      { rev: undefined },
      `LIVE/HEAD of ${PARTITION} cannot be decoded: expected attribute rev to be a number, got none`,
    ],
    ["a revision as text", { rev: { S: "1" } }, "attribute rev to be a number, got one of type S"],
    [
      "a set",
      { labels: { SS: ["a"] } },
      "attribute labels to be a string, number, boolean, null, list or map, got one of type SS",
    ],
    ["bytes in a list", { labels: { L: [{ B: Uint8Array.of(1) }] } }, "attribute labels to be"],
    ["JSON text that is none", { json: { S: "{" } }, `LIVE/HEAD of ${PARTITION} cannot be decoded`],
  ];
  test.each(strangers)("that somebody else wrote is undecodable, and named: %s", (_what, over, message) => {
    const item: Record<string, AttributeValue> = {};
    for (const [name, value] of Object.entries({ ...encodeRecord(draft(), 1), ...over }))
      if (value !== undefined) item[name] = value;
    expect(() => decodeRecord(item)).toThrow(
      expect.objectContaining({ code: "record_undecodable", message: expect.stringContaining(message) }),
    );
  });
});

describe("a place in the list", () => {
  test("sorts by instant, then by partition and sort key", () => {
    const places = [
      { atMs: 0, partition: "b", sort: "b" },
      { atMs: 2, partition: "a", sort: "z" },
      { atMs: 2, partition: "a!", sort: "a" },
      { atMs: 2, partition: "a/b", sort: "a" },
      { atMs: 2, partition: "a/b", sort: "a!" },
      { atMs: 2, partition: "aa", sort: "" },
      { atMs: 2.05, partition: "a", sort: "a" },
      { atMs: 2.5, partition: "a", sort: "a" },
      { atMs: 10, partition: "a", sort: "a" },
      { atMs: NOW, partition: "a", sort: "a" },
      { atMs: 999_999_999_999_999, partition: "a", sort: "a" },
    ].map(placeText);
    expect(places.toSorted()).toEqual(places);
    expect(new Set(places).size).toBe(places.length);
  });
  test.each([-1, 1e15, 1e-7, Number.NaN, Number.POSITIVE_INFINITY])("refuses the instant %d", (atMs) => {
    expect(() => placeText({ atMs, partition: "p", sort: "s" })).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
  test("refuses keys that are too long for the index, by name", () => {
    expect(() => placeText({ atMs: 1, partition: "p".repeat(1_010), sort: "HEAD" })).toThrow(
      /record HEAD of p+: .* 1024 bytes, got 1031/,
    );
  });
});

describe("an item's bytes", () => {
  const sizes: [string, AttributeValue, number][] = [
    ["text", { S: "añ☃😀" }, 10],
    ["no text", { S: "" }, 0],
    ["bytes", { B: new Uint8Array(5) }, 5],
    ["null", { NULL: true }, 1],
    ["a boolean", { BOOL: false }, 1],
    ["0", { N: "0" }, 1],
    ["a digit", { N: "7" }, 2],
    ["three digits", { N: "123" }, 3],
    ["trailing zeros", { N: "1790000000000" }, 3],
    ["leading zeros", { N: "0.0012" }, 2],
    ["digits in two pairs", { N: "0.00012" }, 3],
    ["a sign", { N: "-12" }, 3],
    ["an exponent", { N: "1.5e+101" }, 2],
    ["a list", { L: [{ S: "a" }, { NULL: true }] }, 7],
    ["an empty list", { L: [] }, 3],
    ["a map", { M: { ab: { S: "c" } } }, 7],
  ];
  test.each(sizes)("are those of its names and values: %s", (_what, value, bytes) => {
    expect(itemBytes({ name: value })).toBe(4 + bytes);
  });
});

test("a client gives up before a lease that was renewed a heartbeat ago has ended", () => {
  const { maxAttempts, requestHandler } = dynamoClientOptions;
  // The SDK's pauses are at most 100, 200 and 400 ms.
  const pausesMs = 700;
  expect(maxAttempts).toBe(4);
  expect(maxAttempts * requestHandler.requestTimeout + pausesMs).toBeLessThan(LEASE_DURATION_MS - HEARTBEAT_MS);
});

describe("HEAD with 0.7 KB of state", () => {
  async function headBytes(over: Parameters<typeof usualHead>[0]): Promise<number> {
    const { body, data } = await encodeHead(usualHead(over), codec);
    return itemBytes(encodeRecord(draft({ body, data }), 98_765));
  }
  test("takes one write unit with the longest tail that is never sealed", async () => {
    const [longest, tooLong] = [journalOf(27), journalOf(28)];
    expect([tailSize(longest) < BLOCK_BYTES / 4, tailSize(tooLong) < BLOCK_BYTES / 4]).toEqual([true, false]);
    expect(await headBytes({ journal: longest })).toBeLessThanOrEqual(BLOCK_BYTES);
  });
  test("takes one with an artifact besides, and with four and the journal of the last steps", async () => {
    expect(await headBytes({ artifacts: artifactsOf(1), journal: journalOf(27) })).toBeLessThanOrEqual(BLOCK_BYTES);
    expect(await headBytes({ artifacts: artifactsOf(4), journal: journalOf(6) })).toBeLessThanOrEqual(BLOCK_BYTES);
  });
});
