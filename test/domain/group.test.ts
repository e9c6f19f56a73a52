import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidArgumentError, InvariantError } from "../../src/domain/errors.ts";
import {
  countLeaves,
  EMPTY_LEAF,
  type GroupCount,
  hasEnded,
  isSatisfied,
  LEAF_CHILDREN,
  markEnded,
  markListed,
  mayMatter,
  parseGroup,
  type Until,
} from "../../src/domain/group.ts";

const counted = (total: number, succeeded: number, failed: number): GroupCount => ({ total, succeeded, failed });

describe("the name of a group", () => {
  test.each(["g", "a b/c", "x".repeat(128)])("may be %j", (name) => expect(parseGroup(name)).toBe(name));
  test.each(["", "x".repeat(129), "\ud800", 5, null])("is not %j", (name) => {
    expect(() => parseGroup(name)).toThrow(InvalidArgumentError);
  });
});

describe("a leaf", () => {
  test("has a place for each of its children, and nobody in them at first", () => {
    expect(EMPTY_LEAF).toHaveLength(LEAF_CHILDREN);
    expect(countLeaves([EMPTY_LEAF])).toEqual(counted(0, 0, 0));
    expect(hasEnded(EMPTY_LEAF, 0)).toBe(false);
  });
  test("is told of the start and the end of a child in either order, as often as it may be", () => {
    const ended = markEnded(markListed(EMPTY_LEAF, 7), 7, true);
    expect(markListed(markEnded(EMPTY_LEAF, 7, true), 7)).toBe(ended);
    expect(markListed(markEnded(ended, 7, true), 7)).toBe(ended);
    expect(countLeaves([ended])).toEqual(counted(1, 1, 0));
  });
  test("counts those that are waited for, and no others", () => {
    const leaf = markEnded(markEnded(markListed(markListed(EMPTY_LEAF, 0), 1), 1, false), 2, true);
    expect(countLeaves([leaf, leaf])).toEqual(counted(4, 0, 2));
    expect([0, 1, 2, 3].map((index) => hasEnded(leaf, index))).toEqual([false, true, true, false]);
  });
  test.each([-1, LEAF_CHILDREN])("has no place %d", (index) => {
    expect(() => markListed(EMPTY_LEAF, index)).toThrow(InvariantError);
  });
  test("comes to the same whatever the order of what it is told", () => {
    const told = fc.record({ index: fc.nat(9), what: fc.constantFrom("start", "end") });
    const tell = (leaf: string, one: { index: number; what: string }) =>
      one.what === "start" ? markListed(leaf, one.index) : markEnded(leaf, one.index, one.index % 2 === 0);
    const pair = fc.array(told).chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    fc.assert(
      fc.property(pair, ([one, other]) => {
        expect(one.reduce(tell, EMPTY_LEAF)).toBe([...other, ...one].reduce(tell, EMPTY_LEAF));
      }),
    );
  });
});

describe("a wait for a group", () => {
  test.each<[Until, GroupCount, boolean]>([
    ["all", counted(0, 0, 0), true],
    ["all", counted(3, 2, 0), false],
    ["all", counted(3, 2, 1), true],
    ["any", counted(3, 0, 0), false],
    ["any", counted(3, 1, 0), true],
    ["any", counted(3, 0, 1), true],
    [{ succeeded: 2 }, counted(9, 1, 5), false],
    [{ succeeded: 2 }, counted(9, 2, 0), true],
    [{ succeeded: 2 }, counted(3, 1, 2), true],
    [{ failedAtMost: 1 }, counted(9, 5, 1), false],
    [{ failedAtMost: 1 }, counted(9, 0, 2), true],
    [{ failedAtMost: 1 }, counted(9, 8, 1), true],
    [{ succeeded: 5, failedAtMost: 0 }, counted(9, 4, 1), true],
    [{}, counted(9, 4, 4), false],
  ])("until %o is over with %o: %s", (until, count, over) => expect(isSatisfied(until, count)).toBe(over));

  test("is never ended by the end of a child that is said not to matter, while others of its leaf go on", () => {
    const untils = fc.oneof(
      fc.constantFrom<Until>("all", "any"),
      fc.record({ succeeded: fc.nat(4), failedAtMost: fc.nat(4) }, { requiredKeys: [] }).map((counts): Until => counts),
    );
    fc.assert(
      fc.property(
        untils,
        fc.array(fc.constantFrom("o", "S", "F"), { maxLength: 6 }),
        fc.boolean(),
        (until, others, succeeded) => {
          const leaf = (mark: string) => [mark, ...others].join("").padEnd(LEAF_CHILDREN, ".");
          if (isSatisfied(until, countLeaves([leaf("o")]))) return;
          const after = leaf(succeeded ? "S" : "F");
          if (isSatisfied(until, countLeaves([after]))) expect(mayMatter(until, after, succeeded)).toBe(true);
        },
      ),
    );
  });
  test("is looked at when the last of a leaf has ended, and before that only for what it asks for", () => {
    const [busy, done] = ["oS".padEnd(LEAF_CHILDREN, "."), "FS".padEnd(LEAF_CHILDREN, ".")];
    expect(mayMatter("all", done, true)).toBe(true);
    const early = (until: Until) => [mayMatter(until, busy, true), mayMatter(until, busy, false)];
    expect(early("all")).toEqual([false, false]);
    expect(early("any")).toEqual([true, true]);
    expect(early({ succeeded: 2 })).toEqual([true, false]);
    expect(early({ failedAtMost: 0 })).toEqual([false, true]);
  });
});
