/** That something was sent is on record under its kind and id. */
import { expect, test } from "vitest";
import { commandKey, inboxKey, seenKey, seenKeyOf } from "../../src/domain/keys.ts";

test("a command and a signal of one id have a record each, and so do ids that look like a kind", () => {
  const keys = [seenKey("a"), seenKey("a", "command"), seenKey("command"), seenKey("command", "command")];
  expect(new Set(keys).size).toBe(4);
  expect([seenKeyOf(inboxKey(1, "a")), seenKeyOf(commandKey(2, "a"))]).toEqual(keys.slice(0, 2));
});
