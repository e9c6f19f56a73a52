import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  countedSlots,
  countLeaves,
  EMPTY_LEAF,
  hasSucceeded,
  isListed,
  isSatisfied,
  LEAF_CHILDREN,
  markEnded,
  markListed,
  mayMatter,
  openSlots,
  parseGroup,
  type Until,
  unlisted,
} from "../../src/domain/group.ts";

const leafOf = (marks: string): string => marks.padEnd(LEAF_CHILDREN, ".");
const anyLeaf = fc
  .array(fc.constantFrom(".", "o", "s", "f", "S", "F"), { minLength: LEAF_CHILDREN, maxLength: LEAF_CHILDREN })
  .map((marks) => marks.join(""));
const anySlot = fc.nat(LEAF_CHILDREN - 1);

test("a group's name is a well-formed text of 1 to 128 characters", () => {
  for (const name of ["g", "für Ü 日本", "x".repeat(128)]) expect(parseGroup(name)).toBe(name);
  for (const bad of ["", "x".repeat(129), "\ud800", 3, null])
    expect(() => parseGroup(bad)).toThrow(/^group: expected a well-formed/);
});

describe("a leaf", () => {
  test("has a mark for whoever was started, ended, or both, in either order", () => {
    expect(markListed(EMPTY_LEAF, 1)).toBe(leafOf(".o"));
    expect(markEnded(leafOf("o"), 0, true)).toBe(leafOf("S"));
    expect(markEnded(leafOf("o"), 0, false)).toBe(leafOf("F"));
    expect(markListed(markEnded(EMPTY_LEAF, 0, true), 0)).toBe(leafOf("S"));
    expect(markListed(markEnded(EMPTY_LEAF, 0, false), 0)).toBe(leafOf("F"));
    expect(markEnded(EMPTY_LEAF, 99, false)).toBe(`${".".repeat(99)}f`);
  });
  test("is the same after a repeat, and says how a child ended the last time", () => {
    fc.assert(
      fc.property(anyLeaf, anySlot, fc.boolean(), (leaf, slot, well) => {
        const ended = markEnded(leaf, slot, well);
        expect(markEnded(ended, slot, well)).toBe(ended);
        expect(markListed(markListed(ended, slot), slot)).toBe(markListed(ended, slot));
        expect(markEnded(markEnded(leaf, slot, !well), slot, well)).toBe(ended);
        expect(hasSucceeded(ended, slot)).toBe(well);
        expect(isListed(markListed(leaf, slot), slot)).toBe(true);
      }),
    );
  });
  test("counts a child once, however often it is marked", () => {
    const leaves = [leafOf("oSFsf."), leafOf("SS")];
    expect(countLeaves(leaves)).toEqual({ total: 5, succeeded: 3, failed: 1 });
    expect(countLeaves(leaves.map((leaf) => markEnded(leaf, 1, true)))).toEqual({ total: 5, succeeded: 3, failed: 1 });
    expect(countLeaves([])).toEqual({ total: 0, succeeded: 0, failed: 0 });
  });
  test("forgets whom it listed, and not how they ended", () => {
    expect(unlisted(leafOf("oSFsf."))).toBe(leafOf(".sfsf."));
    fc.assert(
      fc.property(anyLeaf, anySlot, fc.boolean(), (leaf, slot, well) => {
        expect(countLeaves([unlisted(leaf)]).total).toBe(0);
        const ended = markEnded(leaf, slot, well);
        expect(markListed(unlisted(ended), slot).charAt(slot)).toBe(markListed(ended, slot).charAt(slot));
        expect(unlisted(ended)).toBe(markEnded(unlisted(leaf), slot, well));
      }),
    );
  });
  test("knows whose end is counted, and who takes up a place", () => {
    const leaf = `oSFsf.${"F".repeat(94)}`;
    expect(countedSlots(leaf).slice(0, 3)).toEqual([1, 2, 6]);
    expect(openSlots(leaf, true)).toEqual([0]);
    expect(openSlots(leaf, false)).toEqual([0, 5]);
    expect([0, 1, 2, 3, 4, 5].map((slot) => isListed(leaf, slot))).toEqual([true, true, true, false, false, false]);
    expect([0, 1, 2, 3, 4, 5].map((slot) => hasSucceeded(leaf, slot))).toEqual([false, true, false, true, false, false]);
  });
  test("has a hundred slots", () => {
    for (const slot of [-1, LEAF_CHILDREN]) expect(() => markEnded(EMPTY_LEAF, slot, true)).toThrow(/a slot is 0 to 99, got/);
  });
});

const WAITS: readonly [until: Until, total: number, succeeded: number, failed: number, satisfied: boolean][] = [
  ["all", 0, 0, 0, true],
  ["all", 3, 2, 0, false],
  ["all", 3, 2, 1, true],
  ["any", 0, 0, 0, true],
  ["any", 3, 0, 0, false],
  ["any", 3, 0, 1, true],
  [{ succeeded: 2 }, 4, 1, 2, false],
  [{ succeeded: 2 }, 4, 2, 0, true],
  [{ succeeded: 9 }, 4, 2, 2, true],
  [{ succeeded: 0 }, 4, 0, 0, true],
  [{ failedAtMost: 1 }, 4, 2, 1, false],
  [{ failedAtMost: 1 }, 4, 0, 2, true],
  [{ failedAtMost: 0 }, 4, 3, 1, true],
  [{}, 4, 3, 0, false],
];
test.each(WAITS)("until %j of %i with %i and %i ended is %s", (until, total, succeeded, failed, satisfied) => {
  expect(isSatisfied(until, { total, succeeded, failed })).toBe(satisfied);
});

test("an end that satisfies a wait is never taken for one that cannot matter", () => {
  const anyUntil: fc.Arbitrary<Until> = fc.oneof(
    fc.constantFrom<Until>("all", "any"),
    fc.record({ succeeded: fc.nat(150), failedAtMost: fc.nat(150) }, { requiredKeys: [] }),
  );
  fc.assert(
    fc.property(
      anyUntil,
      fc.array(anyLeaf, { maxLength: 2 }),
      anyLeaf,
      anySlot,
      fc.boolean(),
      (until, others, own, slot, well) => {
        const before = `${markListed(own, slot).slice(0, slot)}o${own.slice(slot + 1)}`;
        const after = markEnded(before, slot, well);
        const was = isSatisfied(until, countLeaves([...others, before]));
        const is = isSatisfied(until, countLeaves([...others, after]));
        if (!was && is) expect(mayMatter(until, after, well)).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
  const open = leafOf("oS");
  expect([mayMatter("all", open, true), mayMatter("any", open, true), mayMatter("all", leafOf("S"), true)]).toEqual([
    false,
    true,
    true,
  ]);
  expect([mayMatter({ succeeded: 1 }, open, false), mayMatter({ failedAtMost: 1 }, open, true)]).toEqual([false, false]);
});
