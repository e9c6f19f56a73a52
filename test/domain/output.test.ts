import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidArgumentError, InvariantError } from "../../src/domain/errors.ts";
import { OUTPUT_RANGE, type OutputPhase, outputKey } from "../../src/domain/keys.ts";
import {
  arrive,
  encodeCursor,
  finish,
  isNext,
  OUTPUT_START,
  type OutputPlace,
  type OutputPosition,
  outputKeyOf,
  parseCursor,
  parseOutputKey,
} from "../../src/domain/output.ts";

const phase = fc.constantFrom<OutputPhase>("step", "recover");
const small = fc.nat(999_999_999);
const places: fc.Arbitrary<OutputPlace> = fc.record({ version: small, token: fc.nat(2 ** 31), phase, attempt: small, n: small });
const at = (over: Partial<OutputPosition> = {}): OutputPosition => ({
  version: 3,
  token: 7,
  phase: "step",
  attempt: 1,
  n: 2,
  holds: true,
  ...over,
});

describe("a chunk's key", () => {
  test("tells its place, and lies in the range of the stream", () => {
    fc.assert(
      fc.property(places, (place) => {
        const sort = outputKeyOf(place);
        expect(parseOutputKey(sort)).toEqual(place);
        expect(sort >= OUTPUT_RANGE.from && sort < OUTPUT_RANGE.to).toBe(true);
      }),
    );
  });
  test("orders by version, token, recover last, attempt and number", () => {
    const keys = [
      outputKey(1, 5, 1, 9),
      outputKey(1, 5, 2, 0),
      outputKey(1, 5, 10, 0),
      outputKey(1, 5, 1, 0, "recover"),
      outputKey(1, 5, 1, 1, "recover"),
      outputKey(1, 6, 1, 0),
      outputKey(2, 2, 1, 0),
    ];
    expect([...keys].sort()).toEqual(keys);
  });
  test("of another record is a bug", () => {
    expect(() => parseOutputKey("once/000000001/abc")).toThrow(InvariantError);
  });
});

describe("a cursor", () => {
  test("comes back as the position that it names", () => {
    fc.assert(
      fc.property(places, fc.boolean(), (place, holds) => {
        const text = encodeCursor({ ...place, holds });
        expect(parseCursor(text)).toEqual({ ...place, holds });
        expect(text).toMatch(/^[\w-]+$/);
      }),
    );
  });
  test("that no stream gave is refused", () => {
    for (const text of ["", "1", "2-1-1-1-1-h", "1-1-1-1-1-x", "1-1-1-x1-1-h", " 1-1-1-1-1-h", 7, undefined])
      expect(() => parseCursor(text)).toThrow(InvalidArgumentError);
  });
});

describe("a reader", () => {
  test("passes on the next chunk of the attempt that it is in", () => {
    const place = at({ n: 2 });
    expect(isNext(at(), place)).toBe(true);
    const after = at({ n: 3 });
    expect(arrive(at(), place, "text")).toEqual({ at: after, arrivals: [{ at: after, kind: "chunk", text: "text" }] });
  });
  test.each([{ token: 8 }, { attempt: 2 }, { phase: "recover" as const }])(
    "drops what it has of a step when another attempt of it comes (%o)",
    (other) => {
      const place = at({ n: 0, ...other });
      expect(isNext(at({ n: 0 }), place)).toBe(false);
      const met = arrive(at(), place, "text");
      expect(met.arrivals).toEqual([
        { at: { ...place, holds: false }, kind: "replaced", text: "" },
        { at: { ...place, n: 1 }, kind: "chunk", text: "text" },
      ]);
      expect(arrive(at(), place, "")).toEqual({
        at: { ...place, n: 1, holds: false },
        arrivals: [{ at: { ...place, holds: false }, kind: "replaced", text: "" }],
      });
    },
  );
  test("has nothing to drop before its first text, after a drop, or at another version", () => {
    const place = at({ token: 8, n: 0 });
    for (const before of [OUTPUT_START, at({ holds: false }), at({ version: 2 })])
      expect(arrive(before, place, "text").arrivals.map(({ kind }) => kind)).toEqual(["chunk"]);
    expect(arrive(at({ version: 2 }), place, "").at.holds).toBe(false);
  });
  test("keeps what it holds when an empty chunk follows", () => {
    expect(arrive(at(), at(), "")).toEqual({ at: at({ n: 3 }), arrivals: [] });
  });
  test("drops at the end what no commit stands for", () => {
    const dropped = at({ holds: false });
    const end = { at: dropped, kind: "end", text: "failed" };
    expect(finish(at(), 3, "failed")).toEqual([{ at: dropped, kind: "replaced", text: "" }, end]);
    expect(finish(at(), 4, "failed")).toEqual([end]);
    expect(finish(at({ holds: false }), 3, "failed")).toEqual([end]);
  });
});
