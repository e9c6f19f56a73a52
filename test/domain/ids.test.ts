import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidArgumentError, InvariantError } from "../../src/domain/errors.ts";
import {
  FIRST_TOKEN,
  generateWorkId,
  isWorkId,
  itemPartition,
  keyPartition,
  parseEngineId,
  parseItemPartition,
  parseNamespace,
  parseToken,
  parseWorkId,
  shardOf,
  tokenAfter,
} from "../../src/domain/ids.ts";
import { SHARDS } from "../../src/domain/limits.ts";
import * as any from "./arbitraries.ts";
import { WORK_ID } from "./builders.ts";

const bytes = fc.uint8Array({ minLength: 20, maxLength: 20 });

describe("a work id", () => {
  test("is 20 letters and digits, and parses as itself", () => {
    fc.assert(
      fc.property(bytes, (random) => {
        expect(parseWorkId(generateWorkId(random))).toMatch(/^[0-9a-hjkmnp-tv-z]{20}$/);
      }),
    );
  });
  test("uses all of its random bits", () => {
    const ids = Array.from({ length: 32 }, (_, i) => generateWorkId(new Uint8Array(20).fill(i)));
    expect(new Set(ids).size).toBe(32);
  });
  test("takes 20 random bytes, no fewer", () => expect(() => generateWorkId(new Uint8Array(19))).toThrow(InvariantError));
  test.each([
    "",
    "abc",
    `${WORK_ID}0`,
    WORK_ID.toUpperCase(),
    `${WORK_ID.slice(0, 19)}/`,
    `${WORK_ID.slice(0, 19)}l`,
    "é".repeat(20),
  ])("is not %o", (text) => {
    expect(isWorkId(text)).toBe(false);
    expect(() => parseWorkId(text)).toThrow(InvalidArgumentError);
  });
});

describe("a namespace", () => {
  test.each(["a", "0", "team-a_1", "a".repeat(63)])("is %s", (text) => expect(parseNamespace(text)).toBe(text));
  test.each(["", "A", "-a", "_a", "a/b", "a b", "a\n", "ü", "a".repeat(64)])("is not %o", (text) => {
    expect(() => parseNamespace(text)).toThrow(InvalidArgumentError);
  });
});

describe("an engine id", () => {
  test.each(["a", "Count", "my.engine-2_b"])("is %s", (text) => expect(parseEngineId(text)).toBe(text));
  test.each<unknown>(["", ".a", "a/b", "a b", "a".repeat(64), undefined, 5, null])("is not %o", (value) => {
    expect(() => parseEngineId(value)).toThrow(InvalidArgumentError);
  });
});

describe("a fencing token", () => {
  test("comes after all that are known", () => {
    expect(tokenAfter()).toBe(FIRST_TOKEN);
    expect(tokenAfter(3, 7, 5)).toBe(8);
  });
  test("is a whole number from 0", () => {
    expect(parseToken(0)).toBe(0);
    for (const value of [-1, 0.5, Number.NaN, 2 ** 53]) expect(() => parseToken(value)).toThrow(InvariantError);
  });
});

describe("a partition", () => {
  test("of an item names its namespace and work id", () => {
    fc.assert(
      fc.property(any.namespace, any.workId, (namespace, workId) => {
        expect(parseItemPartition(itemPartition(namespace, workId))).toEqual({ namespace, workId });
      }),
    );
  });
  test("of a key, or of anything else, is none of an item", () => {
    const partition = keyPartition(parseNamespace("ns"), "count", "digest");
    expect(partition).toBe("ns/KEY/count/digest");
    for (const text of [partition, "", "ns", "ns/", `NS/${WORK_ID}`, `ns/${WORK_ID}/x`, "ns/KEY"])
      expect(parseItemPartition(text)).toBeNull();
  });
  test("has one of 32 shards, the same every time, and they fill evenly", () => {
    const ids = fc.sample(any.workId, { numRuns: 3_200, seed: 1 });
    const shards = ids.map((workId) => shardOf(itemPartition(parseNamespace("ns"), workId)));
    const counts = Array.from({ length: SHARDS }, (_, shard) => shards.filter((one) => one === shard).length);
    expect(counts.reduce((sum, one) => sum + one)).toBe(3_200);
    expect(Math.min(...counts)).toBeGreaterThan(50);
    expect(shardOf(`ns/${WORK_ID}`)).toBe(shardOf(`ns/${WORK_ID}`));
    expect([shardOf(""), shardOf("a")]).toEqual([0x811c9dc5 % SHARDS, 0xe40c292c % SHARDS]);
  });
});
