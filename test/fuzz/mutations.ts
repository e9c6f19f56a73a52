/** Valid JSON with something wrong in it, wherever that is. */
import fc from "fast-check";
import type { Json } from "../../src/domain/json.ts";
import * as any from "../domain/arbitraries.ts";

/** What a program, a person or a disk may put in the place of a value. */
const strange: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, true, false, 0, -1, 1.5, 2 ** 53, 1e308, "", "0", "\u0000", "__proto__", [], {}, [[]]),
  any.json,
);

export type Mutation =
  | { readonly kind: "replace"; readonly at: number; readonly by: Json }
  | { readonly kind: "drop"; readonly at: number }
  | { readonly kind: "wrap"; readonly at: number }
  | { readonly kind: "add"; readonly at: number; readonly name: string; readonly value: Json };
const place = fc.nat(10_000);
export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant("replace" as const), at: place, by: strange }),
  fc.record({ kind: fc.constant("drop" as const), at: place }),
  fc.record({ kind: fc.constant("wrap" as const), at: place }),
  fc.record({
    kind: fc.constant("add" as const),
    at: place,
    name: fc.constantFrom("__proto__", "constructor", "toJSON", "kind", "v", "x"),
    value: strange,
  }),
);

/** A copy with the value changed that is the `at`th in a walk through it. */
export function mutate(value: Json, what: Mutation): Json {
  const total = count(value);
  let left = what.at % total;
  function walk(part: Json): Json | undefined {
    if (left-- === 0) return changed(part, what);
    if (Array.isArray(part)) return part.map(walk).filter((one) => one !== undefined);
    if (typeof part !== "object" || part === null) return part;
    const entries = Object.entries(part).flatMap(([name, one]) => {
      const after = one === undefined ? undefined : walk(one);
      return after === undefined ? [] : [[name, after] as const];
    });
    return Object.fromEntries(entries);
  }
  return walk(value) ?? null;
}
function count(value: Json | undefined): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((sum, one) => sum + count(one), 1);
}
function changed(part: Json, what: Mutation): Json | undefined {
  switch (what.kind) {
    case "replace":
      return what.by;
    case "drop":
      return undefined;
    case "wrap":
      return [part];
    case "add":
      return typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries([...Object.entries(part), [what.name, what.value]])
        : what.value;
  }
}

/** The bytes cut, longer, or with a bit turned. */
export const damage: fc.Arbitrary<(bytes: Uint8Array | null) => Uint8Array | null> = fc.oneof(
  fc.constant(() => null),
  fc.nat().map((at) => (bytes: Uint8Array | null) => bytes?.subarray(0, at % (bytes.length + 1)) ?? null),
  fc.tuple(fc.nat(), fc.nat(7)).map(([at, bit]) => (bytes: Uint8Array | null) => {
    const copy = Uint8Array.from(bytes ?? []);
    const place = at % Math.max(1, copy.length);
    if (copy.length > 0) copy[place] = (copy[place] ?? 0) ^ (1 << bit);
    return copy;
  }),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => () => bytes),
);
