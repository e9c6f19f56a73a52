import { describe, expect, test } from "vitest";
import { dollarsOf, PRICES } from "../../src/domain/prices.ts";
import { addUnits, isNothing, NO_UNITS } from "../../src/domain/units.ts";

const used = { writes: 3, reads: 1.5, requests: 0.1, puts: 2, gets: 1 };

describe("units", () => {
  test("add up, to the hundredth", () => {
    expect(addUnits(used, { ...NO_UNITS, requests: 0.2, writes: 1 })).toEqual({ ...used, writes: 4, requests: 0.3 });
    expect(addUnits(NO_UNITS, { ...NO_UNITS, requests: 1 / 3 }).requests).toBe(0.33);
  });
  test.each(["writes", "reads", "requests", "puts", "gets"])("are something with %s alone", (name) => {
    expect(isNothing({ ...NO_UNITS, [name]: 0.01 })).toBe(false);
  });
  test("are nothing without any", () => expect(isNothing(NO_UNITS)).toBe(true));
});

describe("prices", () => {
  test("are those of AWS's lists for a million or a thousand", () => {
    const million = (price: number) => Number((price * 1_000_000).toPrecision(9));
    const { write, read, request, put, get, invocation, gbSecond } = PRICES;
    expect([write, read, request, invocation].map(million)).toEqual([0.625, 0.125, 0.4, 0.2]);
    expect([put, get].map(million)).toEqual([5, 0.4]);
    expect(million(gbSecond)).toBe(13.3334);
  });
  test("of an item's units are their sum", () => {
    expect(dollarsOf(used)).toBeCloseTo((3 * 0.625 + 1.5 * 0.125 + 0.1 * 0.4 + 2 * 5 + 0.4) / 1_000_000, 12);
    expect(dollarsOf(NO_UNITS)).toBe(0);
  });
});
