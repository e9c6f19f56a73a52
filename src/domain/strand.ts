/**
 * An append-only text that grows with the work: journal, log, artifact list. Its newest lines are a tail in the
 * snapshot; older ones are sealed in segments, each linked to the one before. A segment is written before the commit
 * that links it, so a late worker's orphan is linked by nobody (G1). Storage is proportional to what was appended.
 */
import type { SegmentAddress } from "./keys.ts";
import { MERGE_BYTES, MERGE_COUNT, SEGMENT_BYTES } from "./limits.ts";

export interface Strand {
  /** Whole lines, each ended by `LINE_END`. */
  readonly tail: string;
  /** Lines in all, sealed ones too. */
  readonly lines: number;
  readonly sealed: Sealed | null;
}
/** The newest segment, and the run of small ones that ends with it. */
export interface Sealed extends SegmentAddress {
  readonly run: number;
  readonly runBytes: number;
}
export interface Segment {
  readonly address: SegmentAddress;
  readonly before: SegmentAddress | null;
  readonly lines: number;
  readonly text: string;
}

/**
 * Ends a line. JSON text does not need it anywhere (in a string it can be escaped), and a snapshot that holds a tail
 * as JSON takes it as it is, where a newline would be escaped at every step.
 */
const LINE_END = "\u007f";

export const EMPTY_STRAND: Strand = { tail: "", lines: 0, sealed: null };

/** Lines are JSON text, or have no `LINE_END` in them. */
export function append(strand: Strand, lines: readonly string[]): Strand {
  if (lines.length === 0) return strand;
  let { tail } = strand;
  for (const line of lines) tail += (line.includes(LINE_END) ? line.replaceAll(LINE_END, "\\u007f") : line) + LINE_END;
  return { ...strand, tail, lines: strand.lines + lines.length };
}
export function linesOf(text: string): string[] {
  return text === "" ? [] : text.slice(0, -1).split(LINE_END);
}
/** How many lines `linesOf` gives. */
export function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf(LINE_END); at !== -1; at = text.indexOf(LINE_END, at + 1)) lines += 1;
  return text === "" || text.endsWith(LINE_END) ? lines : lines + 1;
}
/** In characters: tails are close to ASCII, and the bound is an economy, not a promise. */
export function tailSize(strand: Strand): number {
  return strand.tail.length;
}

/** What is worth a record: some six steps of a journal where writes are billed by the KB. */
export function leastTail(blockBytes: number): number {
  return blockBytes / 16;
}
/** A tail is sealed when it is worth a record and would make the snapshot cross into another block. */
export function wantsSeal(strand: Strand, snapshotBytes: number, allTails: number, blockBytes: number): boolean {
  if (tailSize(strand) < leastTail(blockBytes)) return false;
  const blocks = (bytes: number): number => Math.ceil(bytes / blockBytes);
  return blocks(snapshotBytes) > blocks(snapshotBytes - allTails);
}
/** Small segments in a row become one, so that rows stay proportional to bytes. The caller reads the run first. */
export function wantsMerge(strand: Strand): boolean {
  if (strand.sealed === null || strand.sealed.run === 0) return false;
  return strand.sealed.run >= MERGE_COUNT || strand.sealed.runBytes + tailSize(strand) >= MERGE_BYTES;
}

/** Seals the tail behind the newest segment; `merge` (the run, oldest first) is rewritten into what is sealed. */
export function seal(strand: Strand, merge: readonly Segment[], nonce: string): { strand: Strand; segments: readonly Segment[] } {
  const oldest = merge[0];
  const text = merge.map((segment) => segment.text).join("") + strand.tail;
  let before = oldest === undefined ? strand.sealed : oldest.before;
  let n = (strand.sealed?.n ?? 0) + 1;
  const segments: Segment[] = [];
  for (const piece of pieces(text)) {
    const address = { n, nonce };
    segments.push({
      address,
      before: before === null ? null : { n: before.n, nonce: before.nonce },
      lines: linesOf(piece).length,
      text: piece,
    });
    before = address;
    n += 1;
  }
  return { strand: { tail: "", lines: strand.lines, sealed: sealedAfter(strand, merge, segments) }, segments };
}

function sealedAfter(strand: Strand, merge: readonly Segment[], segments: readonly Segment[]): Sealed | null {
  const last = segments.at(-1);
  if (last === undefined) return strand.sealed;
  const alone = merge.length > 0 || segments.length > 1;
  if (last.text.length >= MERGE_BYTES || merge.length > 0) return { ...last.address, run: 0, runBytes: 0 };
  const run = alone ? 0 : (strand.sealed?.run ?? 0);
  const runBytes = alone ? 0 : (strand.sealed?.runBytes ?? 0);
  return { ...last.address, run: run + 1, runBytes: runBytes + last.text.length };
}

/** Whole lines, in pieces of at most a segment (a single longer line is a piece of its own). */
function pieces(text: string): string[] {
  const found: string[] = [];
  let from = 0;
  while (from < text.length) {
    let to = text.length;
    if (to - from > SEGMENT_BYTES) {
      to = text.lastIndexOf(LINE_END, from + SEGMENT_BYTES - 1) + 1;
      if (to <= from) to = text.indexOf(LINE_END, from) + 1;
    }
    found.push(text.slice(from, to));
    from = to;
  }
  return found;
}
