import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CHILD_RANGE,
  CHILDREN_KEY,
  COMMAND_RANGE,
  callbackKey,
  childKey,
  commandKey,
  DUE_KEY,
  EFFECT_RANGE,
  effectKey,
  GROUP_RANGE,
  groupLimitKey,
  HEAD_KEY,
  INBOX_RANGE,
  ITEM_KEY,
  idOfInboxKey,
  inboxKey,
  KEY_KEY,
  LEASE_KEY,
  LIVE_RANGE,
  leafKey,
  leafName,
  leafRange,
  memberListKey,
  OUTPUT_RANGE,
  onceKey,
  outputKey,
  seenKey,
  segmentKey,
  segmentRange,
} from "../../src/domain/keys.ts";
import { LANES } from "../../src/domain/lane.ts";
import { NOW } from "./builders.ts";

const within = (key: string, range: { from: string; to: string }) => range.from <= key && key < range.to;
const inbox = inboxKey(NOW, "id");
const told = commandKey(NOW, "id");
const singles = [DUE_KEY, HEAD_KEY, ITEM_KEY, LEASE_KEY, CHILDREN_KEY];
const effects = [effectKey(3, "d"), effectKey("item", "d")];
const groups = [leafKey("g", leafName(1, 2, 3)), memberListKey("g", "l"), groupLimitKey("g")];
const others = [
  seenKey("id"),
  onceKey(3, "d"),
  segmentKey("journal", { n: 1, nonce: "x" }),
  KEY_KEY,
  callbackKey(3, "d"),
  childKey("d"),
  outputKey(1, 2, 3, 4),
  ...effects,
  ...groups,
];

test("lanes are listed from high to low", () => expect(LANES).toEqual(["high", "normal", "low"]));

describe("sort keys", () => {
  test("put the live range together, and nothing else into it", () => {
    for (const key of [...singles, told, inbox]) expect(within(key, LIVE_RANGE)).toBe(true);
    for (const key of others) expect(within(key, LIVE_RANGE)).toBe(false);
  });
  test.each([
    ["commands", COMMAND_RANGE, [told]],
    ["signals", INBOX_RANGE, [inbox]],
    ["effects", EFFECT_RANGE, effects],
    ["children", CHILD_RANGE, [childKey("d")]],
    ["groups", GROUP_RANGE, groups],
    ["leaves of a group", leafRange("g"), [leafKey("g", "l")]],
    ["output", OUTPUT_RANGE, [outputKey(1, 2, 3, 4)]],
  ])("put %s into a range of their own", (_, range, keys) => {
    for (const key of keys) expect(within(key, range)).toBe(true);
    for (const key of [...singles, told, inbox, ...others, leafKey("h", "l")])
      if (!keys.includes(key)) expect(within(key, range) && !key.startsWith("group/")).toBe(false);
    expect(within(leafKey("h", "l"), leafRange("g"))).toBe(false);
  });
  test("put commands and then signals last, so that a full inbox can push neither HEAD nor a cancel out of one read", () => {
    const [command, signal] = [commandKey(999_999_999_999_999, "~"), inboxKey(0, "")];
    expect([signal, command, ...singles].sort().slice(-2)).toEqual([command, signal]);
  });
  test("end in the id of what was sent", () => {
    expect([idOfInboxKey(told), idOfInboxKey(inboxKey(0, "a.b:c"))]).toEqual(["id", "a.b:c"]);
  });
  test("order leaves by version, token and number, and output by version, attempt and number", () => {
    const leaves = [leafName(2, 11, 1), leafName(2, 9, 12), leafName(2, 9, 3), leafName(10, 1, 1)].map((leaf) =>
      leafKey("g", leaf),
    );
    expect(leaves.sort()).toEqual(
      [leafName(2, 9, 3), leafName(2, 9, 12), leafName(2, 11, 1), leafName(10, 1, 1)].map((leaf) => leafKey("g", leaf)),
    );
    const chunks = [
      outputKey(10, 1, 1, 1),
      outputKey(2, 10, 1, 1),
      outputKey(2, 9, 2, 1),
      outputKey(2, 9, 1, 10),
      outputKey(2, 9, 1, 9),
    ];
    expect([...chunks].sort()).toEqual(chunks.reverse());
  });
  test("keep effects and tokens of a version together", () => {
    expect(effectKey(9, "z") < effectKey(10, "a")).toBe(true);
    expect(callbackKey(9, "z") < callbackKey(10, "a")).toBe(true);
    expect(new Set([effectKey(0, "d"), effectKey("item", "d"), callbackKey(0, "d"), childKey("d")]).size).toBe(4);
  });
  test("order commands and signals by instant, then by id", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 999_999_999_000_000 }),
        fc.nat(1_000),
        fc.string(),
        fc.string(),
        (atMs, laterMs, one, other) => {
          for (const key of [commandKey, inboxKey]) {
            expect(key(atMs, one) < key(atMs + laterMs + 1, other)).toBe(true);
            if (one < other) expect(key(atMs, one) < key(atMs, other)).toBe(true);
          }
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
