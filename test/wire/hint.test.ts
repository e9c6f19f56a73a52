import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecordTooNewError, RecordUndecodableError } from "../../src/domain/errors.ts";
import { decodeHint, encodeHint, HINT_VERSION, type Hint } from "../../src/wire/hint.ts";
import * as any from "../domain/arbitraries.ts";

const hint: fc.Arbitrary<Hint> = fc.record({
  namespace: any.namespace,
  workId: any.workId,
  version: fc.option(fc.nat()),
  token: fc.option(fc.nat()),
  hops: fc.nat(1_000),
});

function checkThrown(body: string): void {
  try {
    decodeHint(body);
  } catch (error) {
    if (!(error instanceof RecordTooNewError) && !(error instanceof RecordUndecodableError)) throw error;
    expect(error.message).toMatch(/^hint /);
  }
}

describe("a hint", () => {
  test("comes back as it was", () => {
    fc.assert(
      fc.property(hint, (one) => {
        expect(decodeHint(encodeHint(one))).toEqual(one);
      }),
    );
  });
  test("is small", () => {
    const [one] = fc.sample(hint, { numRuns: 1, seed: 1 });
    expect(one === undefined ? 0 : encodeHint(one).length).toBeLessThan(160);
  });
  test("of a newer release is refused by its version, whatever else it says", () => {
    fc.assert(
      fc.property(hint, any.json, fc.integer({ min: HINT_VERSION + 1, max: HINT_VERSION + 5 }), (one, more, v) => {
        const newer = JSON.stringify({ ...JSON.parse(encodeHint(one)), more, v });
        expect(() => decodeHint(newer)).toThrow(RecordTooNewError);
        expect(() => decodeHint(newer)).toThrow(`hint has format version ${v}, expected at most ${HINT_VERSION}`);
      }),
    );
  });
  test.each(["", "{", "null", "[]", "5", '"x"', "{}", '{"v":1}', '{"v":"2"}', '{"v":null}', "\u0000", "[[[["])(
    "is undecodable when it is %o",
    (body) => {
      expect(() => decodeHint(body)).toThrow(RecordUndecodableError);
    },
  );
  test("with a field altered, added or left out throws nothing but what it should", () => {
    fc.assert(
      fc.property(hint, fc.constantFrom("v", "ns", "id", "at", "more", "__proto__"), fc.option(any.json), (one, field, value) => {
        const entries = Object.entries(JSON.parse(encodeHint(one))).filter(([name]) => name !== field);
        checkThrown(JSON.stringify(Object.fromEntries(value === null ? entries : [...entries, [field, value]])));
      }),
      { numRuns: 300 },
    );
  });
  test("made of any text or JSON throws nothing but what it should", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.json(),
          any.json.map((one) => JSON.stringify(one)),
        ),
        checkThrown,
      ),
      {
        numRuns: 500,
      },
    );
  });
});
