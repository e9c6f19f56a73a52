import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MERGE_BYTES, MERGE_COUNT, SEGMENT_BYTES } from "../../src/domain/limits.ts";
import {
  append,
  EMPTY_STRAND,
  linesOf,
  type Segment,
  type Strand,
  seal,
  tailSize,
  wantsMerge,
  wantsSeal,
} from "../../src/domain/strand.ts";

/** Segments at rest, by address; the strand says which of them count. */
class Shelf {
  readonly at = new Map<string, Segment>();
  strand: Strand = EMPTY_STRAND;
  seals = 0;

  linked(): Segment[] {
    const found: Segment[] = [];
    let address = this.strand.sealed === null ? null : keyOf(this.strand.sealed);
    while (address !== null) {
      const segment = this.at.get(address);
      if (segment === undefined) throw new Error(`segment ${address} is linked but not there`);
      found.unshift(segment);
      address = segment.before === null ? null : keyOf(segment.before);
    }
    return found;
  }
  lines(): string[] {
    return [...this.linked().map(({ text }) => text), this.strand.tail].flatMap(linesOf);
  }
  /** Merges the run when `merge` says so; the sealing counts only when it is committed. */
  seal(merge: boolean, committed = true): void {
    const run = merge ? this.linked().slice(-(this.strand.sealed?.run ?? 0)) : [];
    this.seals += 1;
    const { strand, segments } = seal(this.strand, run, `nonce${this.seals}`);
    for (const segment of segments) {
      expect(this.at.has(keyOf(segment.address))).toBe(false);
      this.at.set(keyOf(segment.address), segment);
    }
    if (!committed) return;
    this.strand = strand;
    for (const { address } of run) this.at.delete(keyOf(address));
  }
}
const keyOf = ({ n, nonce }: { n: number; nonce: string }) => `${n}/${nonce}`;

const line = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 3, arbitrary: fc.nat(4_000).map((size) => "x".repeat(size)) },
  { weight: 1, arbitrary: fc.integer({ min: 12_000, max: 40_000 }).map((size) => "y".repeat(size)) },
);
const act = fc.oneof(
  { weight: 4, arbitrary: fc.array(line, { maxLength: 6 }).map((lines) => ({ kind: "append" as const, lines })) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("seal" as const), merge: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: "orphan" as const }) },
);

describe("a strand", () => {
  test("reads back exactly its lines, in order, whatever is sealed, merged or orphaned", () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const shelf = new Shelf();
        const written: string[] = [];
        for (const one of acts) {
          if (one.kind === "append") {
            written.push(...one.lines);
            shelf.strand = append(shelf.strand, one.lines);
          } else if (one.kind === "seal") shelf.seal(one.merge && wantsMerge(shelf.strand));
          else shelf.seal(wantsMerge(shelf.strand), false);
        }
        expect(shelf.lines()).toEqual(written);
        expect(shelf.strand.lines).toBe(written.length);
        for (const segment of shelf.linked()) {
          expect(segment.lines).toBe(linesOf(segment.text).length);
          if (segment.lines > 1) expect(segment.text.length).toBeLessThanOrEqual(SEGMENT_BYTES);
        }
      }),
    );
  });

  test("takes a row per 8 KB and a few more, when its tails are sealed as a snapshot asks for", () => {
    const blockBytes = 1_024;
    fc.assert(
      fc.property(fc.array(fc.nat(3_000), { minLength: 100, maxLength: 300 }), (sizes) => {
        const shelf = new Shelf();
        let bytes = 0;
        for (const size of sizes) {
          bytes += size + 1;
          shelf.strand = append(shelf.strand, ["z".repeat(size)]);
          const tail = tailSize(shelf.strand);
          if (wantsSeal(shelf.strand, 700 + tail, tail, blockBytes)) shelf.seal(wantsMerge(shelf.strand));
        }
        expect(shelf.linked().length).toBeLessThanOrEqual(MERGE_COUNT + bytes / 8_192);
        expect(shelf.at.size).toBe(shelf.linked().length);
        expect(tailSize(shelf.strand)).toBeLessThan(blockBytes);
      }),
      { numRuns: 30 },
    );
  });

  test("of a few bytes a step takes 10 rows and one per 8 KB", () => {
    const shelf = new Shelf();
    let bytes = 0;
    for (let step = 0; step < 60_000; step++) {
      bytes += 6;
      shelf.strand = append(shelf.strand, ["\t1s\t4"]);
      const tail = tailSize(shelf.strand);
      if (wantsSeal(shelf.strand, 700 + tail, tail, 1_024)) shelf.seal(wantsMerge(shelf.strand));
    }
    expect(bytes / SEGMENT_BYTES).toBeGreaterThan(20);
    expect(shelf.linked().length).toBeLessThanOrEqual(10 + bytes / 8_192);
  });

  test("is empty at first, stays as it is when nothing is appended, and has empty lines as well", () => {
    expect(append(EMPTY_STRAND, [])).toBe(EMPTY_STRAND);
    expect(linesOf("")).toEqual([]);
    const strand = append(append(EMPTY_STRAND, ["", "a"]), [""]);
    expect(linesOf(strand.tail)).toEqual(["", "a", ""]);
    expect(strand.lines).toBe(3);
  });
  test("keeps lines of JSON whole, whatever ends a line", () => {
    const values = Array.from({ length: 256 }, (_, code) => `a${String.fromCharCode(code)}b`);
    const { tail, lines } = append(
      EMPTY_STRAND,
      values.map((value) => JSON.stringify(value)),
    );
    expect(linesOf(tail).map((one): unknown => JSON.parse(one))).toEqual(values);
    expect(lines).toBe(256);
  });
  test("that is empty is sealed into nothing", () => {
    expect(seal(EMPTY_STRAND, [], "n")).toEqual({ strand: EMPTY_STRAND, segments: [] });
  });
});

describe("a tail", () => {
  const tail = (size: number) => append(EMPTY_STRAND, ["x".repeat(size - 1)]);
  test("is sealed when it is worth a record and the snapshot would cross into another block", () => {
    expect(wantsSeal(tail(256), 1_025, 256, 1_024)).toBe(true);
    expect(wantsSeal(tail(64), 1_025, 64, 1_024)).toBe(true);
    expect(wantsSeal(tail(63), 1_025, 64, 1_024)).toBe(false);
    expect(wantsSeal(tail(256), 1_024, 256, 1_024)).toBe(false);
    expect(wantsSeal(tail(256), 2_048, 1_023, 1_024)).toBe(false);
  });
});

describe("a run of small segments", () => {
  const sealed = (run: number, runBytes: number): Strand => ({
    tail: "tail\n",
    lines: 9,
    sealed: { n: 9, nonce: "n", run, runBytes },
  });
  test("is merged once it is long or, with the tail, large enough", () => {
    expect(wantsMerge(EMPTY_STRAND)).toBe(false);
    expect(wantsMerge(sealed(0, 0))).toBe(false);
    expect(wantsMerge(sealed(1, MERGE_BYTES - 5))).toBe(true);
    expect(wantsMerge(sealed(1, MERGE_BYTES - 6))).toBe(false);
    expect(wantsMerge(sealed(MERGE_COUNT, 1))).toBe(true);
    expect(wantsMerge(sealed(MERGE_COUNT - 1, 1))).toBe(false);
  });
  test("grows with every small segment, ends at a large one, and starts again where a tail was cut", () => {
    const first = seal(append(EMPTY_STRAND, ["a"]), [], "n1").strand;
    expect(first.sealed).toEqual({ n: 1, nonce: "n1", run: 1, runBytes: 2 });
    const second = seal(append(first, ["bb"]), [], "n2").strand;
    expect(second.sealed).toEqual({ n: 2, nonce: "n2", run: 2, runBytes: 5 });
    const large = seal(append(second, ["x".repeat(MERGE_BYTES)]), [], "n3").strand;
    expect(large.sealed).toMatchObject({ n: 3, run: 0, runBytes: 0 });
    const cut = seal(append(second, ["x".repeat(SEGMENT_BYTES - 1), "rest"]), [], "n3");
    expect(cut.segments.map(({ lines }) => lines)).toEqual([1, 1]);
    expect(cut.strand.sealed).toMatchObject({ n: 4, run: 1, runBytes: 5 });
  });
  test("gives a line that is longer than a segment one of its own", () => {
    const { segments } = seal(append(EMPTY_STRAND, ["a", "x".repeat(2 * SEGMENT_BYTES), "b"]), [], "n");
    expect(segments.map(({ lines }) => lines)).toEqual([1, 1, 1]);
  });
});
