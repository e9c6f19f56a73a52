import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NotJsonError } from "../../src/domain/errors.ts";
import { decodeJson, encodeJson } from "../../src/domain/json.ts";
import * as any from "./arbitraries.ts";

function refused(value: unknown, root?: string): string {
  try {
    encodeJson(value, root);
  } catch (error) {
    if (error instanceof NotJsonError) return `${error.path} ${error.message.split(", got ")[1]}`;
    throw error;
  }
  return "accepted";
}

describe("plain JSON", () => {
  test("comes back as it was, and fresh, names like __proto__ included", () => {
    fc.assert(
      fc.property(any.json, (value) => {
        const back = decodeJson(encodeJson(value));
        expect(isDeepStrictEqual(back, value)).toBe(true);
        if (typeof value === "object" && value !== null) expect(back).not.toBe(value);
      }),
    );
  });
  test("brings __proto__ back as a property of its own, never as a prototype", () => {
    const back = decodeJson(encodeJson(JSON.parse('{"__proto__":{"admin":true}}')));
    expect(Object.keys(Object(back))).toEqual(["__proto__"]);
    expect(Reflect.get(Object(back), "admin")).toBeUndefined();
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  });
  test("leaves out a property that is undefined, and takes an object without a prototype", () => {
    expect(encodeJson({ a: undefined, b: 1 })).toBe('{"b":1}');
    expect(encodeJson(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}');
  });
  test("may be shared by two properties, and be 400 levels deep", () => {
    const shared = { a: 1 };
    expect(encodeJson([shared, shared])).toBe('[{"a":1},{"a":1}]');
    let deep: unknown = 1;
    for (let i = 0; i < 400; i++) deep = [deep];
    expect(refused(deep)).toBe("accepted");
  });
});

describe("what is not plain JSON", () => {
  class Money {
    amount = 1;
  }
  class List extends Array<number> {}
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const withSymbol = { [Symbol("s")]: 1 };
  const subclass = new List();
  subclass.push(1);
  test.each<[string, unknown, string]>([
    ["a function", { f: function go() {} }, "$.f a function (go)"],
    ["an unnamed function", [() => 1], "$[0] a function"],
    ["NaN", { a: [1, Number.NaN] }, "$.a[1] NaN"],
    ["Infinity", Number.POSITIVE_INFINITY, "$ Infinity"],
    ["-Infinity", { "a b": Number.NEGATIVE_INFINITY }, '$["a b"] -Infinity'],
    ["a BigInt", { n: 5n }, "$.n 5n (a BigInt)"],
    ["a Map", { m: new Map() }, "$.m an instance of Map"],
    ["a Set", [new Set()], "$[0] an instance of Set"],
    ["a Date", { when: new Date(0) }, "$.when an instance of Date"],
    ["an instance of a class", { price: new Money() }, "$.price an instance of Money"],
    ["an instance of an unnamed class", new (class {})(), "$ an object"],
    ["an instance of a subclass of Array", { l: subclass }, "$.l an instance of a subclass of Array"],
    ["an array without a prototype", [Object.setPrototypeOf([1], null)], "$[0] an instance of a subclass of Array"],
    ["bytes", new Uint8Array(1), "$ an instance of Uint8Array"],
    ["a symbol", { s: Symbol("x") }, "$.s Symbol(x)"],
    ["a symbol as a key", { a: withSymbol }, "$.a an object with a symbol key"],
    ["undefined", undefined, "$ undefined"],
    ["undefined in an array", { a: [1, undefined] }, "$.a[1] undefined"],
    ["a hole", [1, new Array(1)], "$[1][0] undefined"],
    ["an object with toJSON", { a: { toJSON: () => 1 } }, "$.a an object with toJSON"],
    ["an array with toJSON", { a: Object.assign([1], { toJSON: () => 2 }) }, "$.a an object with toJSON"],
    ["a cycle", cycle, "$.self.self.self.self.self.self.self.self a cycle, or more than 500 levels"],
  ])("is refused by its path: %s", (_, value, problem) => expect(refused(value)).toBe(problem));
  test("is named from the root that was given", () => {
    expect(refused({ when: [new Date(0)] }, "state")).toBe("state.when[0] an instance of Date");
  });
  test("is never taken for something else: what is accepted comes back equal", () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSparseArray: true }),
        (value) => {
          if (refused(value) === "accepted") expect(decodeJson(encodeJson(value))).toEqual(withoutZeroSign(value));
        },
      ),
    );
  });
});

/** JSON has no -0. */
function withoutZeroSign(value: unknown): unknown {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(withoutZeroSign);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withoutZeroSign(one)]));
}
