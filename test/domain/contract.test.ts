import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineContract, requireContract, type Schema, signalSchema } from "../../src/domain/contract.ts";
import { InvalidArgumentError } from "../../src/domain/errors.ts";
import { forged } from "./builders.ts";

const plain = { id: "order", payload: z.null(), result: z.null() };

describe("a caller without types", () => {
  test.each(["counter", null, undefined, {}, { id: "counter" }, { id: 1, payload: {} }])(
    "is told that %j is no contract",
    (given) => {
      expect(() => requireContract(given)).toThrow(/contract: expected what defineContract or defineEngine returns, got/);
    },
  );
  test("may pass a contract or an engine", () => {
    expect(() => requireContract({ id: "counter", payload: {} })).not.toThrow();
  });
});

describe("the signals of a contract", () => {
  const Order = defineContract({ ...plain, signals: { approve: z.object({ by: z.string() }), "stop.now": z.null() } });
  test("are none by default, and frozen", () => {
    expect(defineContract(plain).signals).toEqual({});
    expect(Object.isFrozen(Order.signals)).toBe(true);
    expect(Object.keys(Order.signals)).toEqual(["approve", "stop.now"]);
  });
  test("are found by name", () => expect(signalSchema(Order, "approve")).toBe(Order.signals.approve));
  test.each(["toString", "__proto__", "approv", ""])("are no others, and the error names them: %j", (name) => {
    expect(() => signalSchema(Order, name)).toThrow(`signal of engine order: expected one of: approve, stop.now, got "${name}"`);
  });
  test("are no others, when a name is no text either", () => {
    expect(() => signalSchema(Order, Object.create(null))).toThrow(
      "signal of engine order: expected one of: approve, stop.now, got an object",
    );
  });
  test("that are none are called none", () => {
    expect(() => signalSchema(defineContract(plain), "approve")).toThrow("expected one of: (none), got");
  });
  test.each(["a/b", "", ".a", "x".repeat(64)])("have usable names, not %j", (name) => {
    expect(() => defineContract({ ...plain, signals: { [name]: z.null() } })).toThrow(
      /^contract order: signals: expected names of/,
    );
  });
  test("have schemas", () => {
    const signals = { approve: forged<Schema<null>>({}) };
    expect(() => defineContract({ ...plain, signals })).toThrow(/^contract order: signals.approve: expected a Standard Schema/);
    expect(() => defineContract({ ...plain, signals })).toThrow(InvalidArgumentError);
  });
});
