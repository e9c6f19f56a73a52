import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UnknownEngineError } from "../../src/domain/errors.ts";
import { ERROR_CHARS } from "../../src/domain/limits.ts";
import { reviveError, storeError } from "../../src/domain/stored-error.ts";
import * as any from "./arbitraries.ts";
import { anError } from "./builders.ts";

describe("an error at rest", () => {
  test("keeps name, message, class, code, the first frames and its causes", () => {
    const error = Object.assign(new RangeError("too far", { cause: new Error("first", { cause: "root" }) }), { code: "EFAR" });
    const stored = storeError(error, "bug");
    expect(stored).toMatchObject({ name: "RangeError", message: "too far", class: "bug", code: "EFAR" });
    expect(stored.cause).toBe('Error: first; caused by "root"');
    expect(stored.stack).toMatch(/^\s+at .*stored-error\.test\.ts/);
    expect(stored.stack?.split("\n").length).toBeLessThanOrEqual(12);
  });
  test("has the code of an error of ours, and a number as text", () => {
    expect(storeError(new UnknownEngineError("x", []), "bug").code).toBe("unknown_engine");
    expect(storeError(Object.assign(new Error("no"), { code: 20 }), "unknown").code).toBe("20");
    expect(storeError(Object.assign(new Error("no"), { code: {} }), "unknown").code).toBeNull();
  });
  test.each<[unknown, string]>([
    [undefined, "expected an Error, got undefined"],
    [null, "expected an Error, got null"],
    ["a text", 'expected an Error, got "a text"'],
    [{ message: "x" }, "expected an Error, got an object"],
    [Symbol("s"), "expected an Error, got Symbol(s)"],
  ])("says what was thrown when it was no Error: %o", (thrown, message) => {
    expect(storeError(thrown, "unknown")).toEqual(anError({ message }));
  });
  test("has no stack where there is none", () => {
    for (const stack of [undefined, "", "Error: no frames"]) {
      expect(storeError(Object.assign(new Error("no"), { stack }), "unknown").stack).toBeNull();
    }
  });
  test("says how much of a huge text was left out", () => {
    const error = new Error("m".repeat(1_000_000), { cause: new Error("c".repeat(5_000)) });
    const stored = storeError(error, "unknown");
    expect(stored.message).toBe(`${"m".repeat(ERROR_CHARS)}… (${1_000_000 - ERROR_CHARS} more characters)`);
    expect(stored.cause).toMatch(/more characters\)$/);
    expect(JSON.stringify(stored).length).toBeLessThan(6 * ERROR_CHARS);
    expect(storeError(new Error("m".repeat(ERROR_CHARS)), "unknown").message).toHaveLength(ERROR_CHARS);
  });
  test("names five causes at most, in a circle or not", () => {
    const one = new Error("one");
    one.cause = new Error("other", { cause: one });
    expect(storeError(one, "unknown").cause?.split("; caused by ")).toHaveLength(5);
    expect(storeError(new Error("a", { cause: null }), "unknown").cause).toBeNull();
  });
  test("is made of anything, however it resists", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const throwing = Object.defineProperty(new Error("x"), "message", {
      get: () => {
        throw new Error("no message for you");
      },
    });
    const cannot = "expected an Error, got something that cannot be read";
    for (const thrown of [proxy, throwing]) expect(storeError(thrown, "bug")).toEqual(anError({ message: cannot, class: "bug" }));
    const odd = Object.assign(new Error("x"), { message: 5, name: undefined, stack: 7 });
    expect(storeError(odd, "bug")).toMatchObject({ message: "5", name: "undefined", stack: null });
  });
  test("never throws and never grows, whatever was thrown", () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }), (thrown) => {
        expect(storeError(thrown, "unknown").message.length).toBeLessThan(2 * ERROR_CHARS);
        expect(storeError(Object.assign(new Error("x"), { message: thrown, code: thrown, cause: thrown }), "bug").class).toBe(
          "bug",
        );
      }),
    );
  });
});

describe("an error that is revived", () => {
  test("has name, message, cause and the stack of the original, and is stored as the same again", () => {
    const original = new TypeError("no", { cause: new Error("root") });
    const stored = storeError(original, "bug");
    const revived = reviveError(stored);
    expect(revived).toBeInstanceOf(Error);
    expect(revived).toMatchObject({ name: "TypeError", message: "no" });
    expect(revived.cause).toMatchObject({ message: "Error: root" });
    expect(revived.stack?.startsWith("TypeError: no\n    at ")).toBe(true);
    const { cause: _, ...again } = storeError(revived, "bug");
    expect(stored).toMatchObject(again);
    expect(reviveError(anError()).cause).toBeUndefined();
  });
  test("keeps name and message of anything that was stored", () => {
    fc.assert(
      fc.property(any.storedError, (stored) => {
        const { name, message } = reviveError(stored);
        expect({ name, message }).toEqual({ name: stored.name, message: stored.message });
      }),
    );
  });
});
