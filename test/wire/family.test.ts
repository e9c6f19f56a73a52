import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EMPTY_LEAF, LEAF_CHILDREN } from "../../src/domain/group.ts";
import { generateWorkId, WORK_ID_BYTES } from "../../src/domain/ids.ts";
import type { StoredRecord } from "../../src/ports/record-store.ts";
import { CHILD_VERSION, type ChildEntry, decodeChild, encodeChild, encodeChildrenMark } from "../../src/wire/child.ts";
import {
  decodeGroupLimit,
  decodeLeaf,
  decodeMembers,
  encodeGroupLimit,
  encodeLeaf,
  encodeMembers,
  GROUP_LIMIT_VERSION,
  type GroupLimit,
  LEAF_VERSION,
  MEMBERS_VERSION,
} from "../../src/wire/leaf.ts";
import type { RecordContent } from "../../src/wire/record.ts";

const stored = (content: RecordContent, change: object = {}): StoredRecord => ({
  partition: "test/x",
  sort: "sort",
  ...content,
  body: { ...JSON.parse(JSON.stringify(content.body)), ...change },
  writeId: "1.w",
  due: null,
  listed: null,
  revision: 1,
});
const workId = fc.uint8Array({ minLength: WORK_ID_BYTES, maxLength: WORK_ID_BYTES }).map(generateWorkId);
const text = fc.string({ unit: "grapheme", minLength: 1 });
const slot = fc.record({ leaf: text, index: fc.nat(LEAF_CHILDREN - 1) });
const child: fc.Arbitrary<ChildEntry> = fc.record({
  key: text,
  engine: text,
  payloadDigest: text,
  workId,
  group: fc.option(fc.record({ name: text, slot, limited: fc.boolean() })),
  ifParentEnds: fc.constantFrom("cancel", "leave"),
});
const marks = fc
  .array(fc.constantFrom(..."..osfSF"), { minLength: LEAF_CHILDREN, maxLength: LEAF_CHILDREN })
  .map((all) => all.join(""));
const limit: fc.Arbitrary<GroupLimit> = fc.record({
  limit: fc.integer({ min: 1 }),
  fromLeaf: fc.string(),
  hinted: fc.option(slot),
  placed: fc.array(slot, { maxLength: 5 }),
});

describe("what is stored of children comes back the same:", () => {
  const same = <T>(arbitrary: fc.Arbitrary<T>, again: (one: T) => T): void =>
    fc.assert(
      fc.property(arbitrary, (one) => {
        expect(again(one)).toEqual(one);
      }),
    );
  test("a child", () => same(child, (entry) => decodeChild(stored(encodeChild(entry)))));
  test("a leaf", () => same(fc.record({ name: text, marks }), (leaf) => decodeLeaf(stored(encodeLeaf(leaf)))));
  test("the members of a leaf, in order", () => {
    const members = fc.uniqueArray(fc.tuple(fc.nat(LEAF_CHILDREN - 1), workId), { selector: ([index]) => index });
    const inOrder = members.map((all) => all.toSorted(([a], [b]) => a - b));
    same(inOrder, (all) =>
      [...decodeMembers(stored(encodeMembers(new Map(all.toReversed()))))].map(([index, id]) => [index, id]),
    );
  });
  test("a limit", () => same(limit, (one) => decodeGroupLimit(stored(encodeGroupLimit(one)))));
});

describe("what is no such record", () => {
  const leaf = encodeLeaf({ name: "g", marks: EMPTY_LEAF });
  const id = generateWorkId(new Uint8Array(WORK_ID_BYTES));
  const one = encodeChild({ key: "k", engine: "e", payloadDigest: "d", workId: id, group: null, ifParentEnds: "cancel" });
  test.each([
    ["a child without a work id", () => decodeChild(stored(one, { work: "x" }))],
    ["a leaf of another length", () => decodeLeaf(stored(leaf, { marks: "..." }))],
    ["a leaf with another mark", () => decodeLeaf(stored(leaf, { marks: `x${EMPTY_LEAF.slice(1)}` }))],
    ["a member beyond the leaf", () => decodeMembers(stored(encodeMembers(new Map()), { members: [[LEAF_CHILDREN, id]] }))],
    [
      "a limit of none",
      () => decodeGroupLimit(stored(encodeGroupLimit({ limit: 1, fromLeaf: "", hinted: null, placed: [] }), { limit: 0 })),
    ],
  ])("is refused: %s", (_name, decode) => expect(decode).toThrow(/^record sort of test\/x cannot be decoded/));
  test.each([
    ["child", () => decodeChild(stored(one, { v: CHILD_VERSION + 1 }))],
    ["leaf", () => decodeLeaf(stored(leaf, { v: LEAF_VERSION + 1 }))],
    ["list", () => decodeMembers(stored(encodeMembers(new Map()), { v: MEMBERS_VERSION + 1 }))],
    [
      "limit",
      () =>
        decodeGroupLimit(
          stored(encodeGroupLimit({ limit: 1, fromLeaf: "", hinted: null, placed: [] }), { v: GROUP_LIMIT_VERSION + 1 }),
        ),
    ],
  ])("and of a newer release is known as such: %s", (_name, decode) => expect(decode).toThrow(/a newer release wrote it/));
  test("the mark of a parent has a version too", () => expect(encodeChildrenMark().body).toEqual({ v: CHILD_VERSION }));
});
