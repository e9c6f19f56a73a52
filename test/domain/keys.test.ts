import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DUE_KEY,
  HEAD_KEY,
  INBOX_RANGE,
  ITEM_KEY,
  inboxKey,
  KEY_KEY,
  LEASE_KEY,
  LIVE_RANGE,
  onceKey,
  seenKey,
  segmentKey,
  segmentRange,
} from "../../src/domain/keys.ts";
import { LANES } from "../../src/domain/lane.ts";
import { NOW } from "./builders.ts";

const within = (key: string, range: { from: string; to: string }) => range.from <= key && key < range.to;
const inbox = inboxKey(NOW, "id");
const others = [seenKey("id"), onceKey(3, "d"), segmentKey("journal", { n: 1, nonce: "x" }), KEY_KEY];

test("lanes are listed from high to low", () => expect(LANES).toEqual(["high", "normal", "low"]));

describe("sort keys", () => {
  test("put the live range together, and nothing else into it", () => {
    for (const key of [DUE_KEY, HEAD_KEY, ITEM_KEY, LEASE_KEY, inbox]) expect(within(key, LIVE_RANGE)).toBe(true);
    for (const key of others) expect(within(key, LIVE_RANGE)).toBe(false);
    expect(within(inbox, INBOX_RANGE)).toBe(true);
    for (const key of [DUE_KEY, HEAD_KEY, ITEM_KEY, LEASE_KEY, ...others]) expect(within(key, INBOX_RANGE)).toBe(false);
  });
  test("put the inbox last, so that a full one cannot push HEAD out of one read", () => {
    expect([inboxKey(0, ""), LEASE_KEY, ITEM_KEY, HEAD_KEY, DUE_KEY].sort()).toEqual([
      DUE_KEY,
      HEAD_KEY,
      ITEM_KEY,
      LEASE_KEY,
      inboxKey(0, ""),
    ]);
  });
  test("order the inbox by instant, then by id", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 999_999_999_000_000 }),
        fc.nat(1_000),
        fc.string(),
        fc.string(),
        (atMs, laterMs, one, other) => {
          expect(inboxKey(atMs, one) < inboxKey(atMs + laterMs + 1, other)).toBe(true);
          if (one < other) expect(inboxKey(atMs, one) < inboxKey(atMs, other)).toBe(true);
        },
      ),
    );
  });
  test("order memos by version", () => expect(onceKey(9, "z") < onceKey(10, "a")).toBe(true));
  test("find the segments of a strand from one number to another, orphans too, and no others", () => {
    const number = fc.nat(100_000);
    fc.assert(
      fc.property(number, number, number, fc.constantFrom("", "0", "~", "nonce"), (n, a, b, nonce) => {
        const [first, last] = [Math.min(a, b), Math.max(a, b)];
        const range = segmentRange("log", first, last);
        expect(within(segmentKey("log", { n, nonce }), range)).toBe(first <= n && n <= last);
        expect(within(segmentKey("journal", { n, nonce }), range)).toBe(false);
      }),
    );
    expect(segmentRange("log", -15, 1)).toEqual(segmentRange("log", 0, 1));
  });
});
