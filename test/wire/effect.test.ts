import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EffectRecord, EffectState } from "../../src/domain/effect.ts";
import { InvariantError, RecordTooNewError, RecordUndecodableError } from "../../src/domain/errors.ts";
import { parseToken } from "../../src/domain/ids.ts";
import { decodeEffect, EFFECT_VERSION, encodeEffect } from "../../src/wire/effect.ts";
import * as any from "../domain/arbitraries.ts";
import { forged } from "../domain/builders.ts";
import { atRest, partition } from "./formats.ts";

const text = fc.string({ unit: "grapheme" });
const name = fc.string({ unit: "grapheme", minLength: 1 });
const state: fc.Arbitrary<EffectState> = fc.oneof(
  fc.record({ kind: fc.constant("reserved" as const), untilAtMs: any.instant, sinceMs: fc.option(any.instant) }),
  fc.record({ kind: fc.constant("in_doubt" as const), sinceMs: any.instant, why: text }),
  fc.record({ kind: fc.constant("open" as const), why: text, byOperator: fc.boolean() }),
  fc.record({ kind: fc.constant("confirmed" as const), result: any.stored, byOperator: fc.boolean() }),
  fc.record({ kind: fc.constant("failed" as const), reason: text }),
);
const effect: fc.Arbitrary<EffectRecord> = fc.record({
  key: name,
  scope: fc.constantFrom("step", "item"),
  step: name,
  version: any.count,
  inputDigest: name,
  token: fc.integer({ min: 1, max: 1e6 }).map(parseToken),
  attempt: any.count,
  holder: text,
  state,
});
const SORT = "effect/000000000/d";

function thrownBy(decode: () => unknown): unknown {
  try {
    decode();
    return null;
  } catch (error) {
    return error;
  }
}

describe("EFFECT", () => {
  test("comes back as it was", () => {
    fc.assert(
      fc.property(effect, (one) => {
        expect(decodeEffect(atRest(encodeEffect(one), SORT))).toEqual(one);
      }),
    );
  });
  test("of a newer version is refused by name, whatever else it says", () => {
    const newer = fc.integer({ min: EFFECT_VERSION + 1, max: EFFECT_VERSION + 5 });
    fc.assert(
      fc.property(effect, newer, fc.boolean(), (one, v, isStrange) => {
        const { body } = encodeEffect(one);
        const record = atRest({ body: { ...(isStrange ? { state: "unheard of" } : body), v }, data: null }, SORT);
        const error = thrownBy(() => decodeEffect(record));
        expect(error).toBeInstanceOf(RecordTooNewError);
        expect(String(error)).toContain(`record ${SORT} of ${partition} has format version ${v}, expected at most 1`);
      }),
    );
  });
  test("that is garbage is undecodable, or too new, and says which record it is", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), any.json), (body) => {
        const error = thrownBy(() => decodeEffect(atRest({ body, data: null }, SORT)));
        expect(error instanceof RecordUndecodableError || error instanceof RecordTooNewError).toBe(true);
        expect(String(error)).toContain(`record ${SORT} of ${partition}`);
      }),
    );
  });
  test("with one field altered comes back, or is undecodable", () => {
    fc.assert(
      fc.property(effect, fc.nat(), any.json, (one, which, value) => {
        const { body } = encodeEffect(one);
        const fields = Object.keys(body);
        const altered = { ...body, [fields[which % fields.length] ?? "v"]: value };
        const error = thrownBy(() => decodeEffect(atRest({ body: altered, data: null }, SORT)));
        if (error !== null && !(error instanceof RecordTooNewError)) expect(error).toBeInstanceOf(RecordUndecodableError);
      }),
    );
  });
  test("that was just reserved is small", () => {
    const [one] = fc.sample(effect, { numRuns: 1, seed: 1 });
    if (one === undefined) throw new Error("expected a sample");
    const reserved: EffectRecord = {
      ...one,
      key: "charge",
      scope: "step",
      step: "step",
      version: 0,
      attempt: 1,
      holder: "",
      state: { kind: "reserved", untilAtMs: 1, sinceMs: null },
    };
    expect(Object.keys(encodeEffect(reserved).body).sort()).toEqual(["attempt", "input", "key", "state", "step", "token", "v"]);
  });
  test("in a state that is none is never written", () => {
    const [one] = fc.sample(effect, { numRuns: 1, seed: 1 });
    expect(() => encodeEffect({ ...forged<EffectRecord>(one), state: forged() })).toThrow(InvariantError);
  });
});
