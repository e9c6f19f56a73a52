import { expect, test } from "vitest";
import { UnknownCallbackError } from "../../src/domain/errors.ts";
import { callbackKey, callbackRange } from "../../src/domain/keys.ts";

test("the callbacks of a version lie in its range, and those of others do not", () => {
  const { from, to } = callbackRange(12);
  for (const digest of ["0", "f".repeat(64)]) {
    const inside = [1, 11, 12, 13, 120].filter((version) => {
      const sort = callbackKey(version, digest);
      return sort >= from && sort < to;
    });
    expect(inside).toEqual([12]);
  }
});
test("an unknown callback tells nothing", () => {
  expect(new UnknownCallbackError()).toMatchObject({
    code: "unknown_callback",
    retryable: false,
    message: "no callback is known by this token",
  });
});
