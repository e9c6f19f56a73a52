import { describe, expect, test } from "vitest";
import { requireContract } from "../../src/domain/contract.ts";

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
