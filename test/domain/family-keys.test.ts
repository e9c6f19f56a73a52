import { expect, test } from "vitest";
import {
  CHILD_RANGE,
  CHILDREN_KEY,
  childKey,
  GROUP_RANGE,
  groupLimitKey,
  groupOfKey,
  groupsAfter,
  LIVE_RANGE,
  leafKey,
  leafName,
  leafOfKey,
  leafOrigin,
  leafRange,
  memberListKey,
  stepLeafRange,
} from "../../src/domain/keys.ts";

const within = (key: string, range: { from: string; to: string }): boolean => range.from <= key && key < range.to;
const own = (group: string): string[] => [
  leafKey(group, leafName(0, 1, 0)),
  leafKey(group, leafName(9, 99, 999)),
  groupLimitKey(group),
  memberListKey(group, leafName(0, 1, 0)),
];

test("leaves sort by version, then claim, then number, and say whose they are", () => {
  const names = [leafName(0, 1, 0), leafName(0, 1, 1), leafName(0, 12, 0), leafName(2, 3, 0), leafName(10, 2, 0)];
  expect(names.toReversed().sort()).toEqual(names);
  expect(names.map(leafOrigin)).toEqual([
    { version: 0, token: 1 },
    { version: 0, token: 1 },
    { version: 0, token: 12 },
    { version: 2, token: 3 },
    { version: 10, token: 2 },
  ]);
  expect(leafOfKey(leafKey("a", "1.2.3"))).toBe("1.2.3");
});
test("the records of a group stand together, its leaves first", () => {
  for (const key of [...own("aa"), ...own("ab")]) expect(within(key, GROUP_RANGE)).toBe(true);
  expect(own("aa").filter((key) => within(key, leafRange("aa")))).toHaveLength(2);
  expect(own("ab").some((key) => within(key, leafRange("aa")))).toBe(false);
  const [first] = [...own("ab"), ...own("aa")].sort();
  expect(first).toBe(leafKey("aa", leafName(0, 1, 0)));
});
test("after the records of one group come those of the next", () => {
  for (const key of own("aa")) {
    const after = groupsAfter(key);
    expect(own("aa").some((one) => within(one, after))).toBe(false);
    for (const one of own("ab")) expect(within(one, after)).toBe(true);
  }
});
test("children stand apart from what is read with an item", () => {
  expect(within(childKey("0f"), CHILD_RANGE)).toBe(true);
  expect(within(childKey("0f"), LIVE_RANGE)).toBe(false);
  expect(within(CHILDREN_KEY, LIVE_RANGE)).toBe(true);
});

test("the leaves of one step are those of all its attempts, and a record says which group it is of", () => {
  const range = stepLeafRange("a", 1);
  const inIt = [leafName(0, 9, 0), leafName(1, 1, 0), leafName(1, 12, 7), leafName(2, 1, 0), leafName(10, 1, 0)];
  expect(inIt.map((leaf) => within(leafKey("a", leaf), range))).toEqual([false, true, true, false, false]);
  expect(within(leafKey("b", leafName(1, 1, 0)), range)).toBe(false);
  expect(own("a").map(groupOfKey)).toEqual(["a", "a", "a", "a"]);
});
