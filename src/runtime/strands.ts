/** Strands at rest: sealing tails before a commit, and reading back no more than is asked for. */
import { invariant } from "../domain/errors.ts";
import { type SegmentAddress, type StrandName, segmentKey, segmentRange } from "../domain/keys.ts";
import { linesOf, type Segment, type Strand, seal, wantsMerge } from "../domain/strand.ts";
import { decodeSegment, encodeSegment } from "../wire/segment.ts";
import type { Deps } from "./deps.ts";
import { put } from "./records.ts";

/** How many segment numbers one read covers, walking back. */
const WINDOW = 16;

/** Writes the tail into segments; the commit that follows links them. `merged` may be removed after it. */
export async function sealStrand(
  deps: Deps,
  partition: string,
  name: StrandName,
  strand: Strand,
  token: number,
): Promise<{ strand: Strand; merged: readonly SegmentAddress[] }> {
  const run = wantsMerge(strand) ? await readRun(deps, partition, name, strand) : [];
  const sealed = seal(strand, run, deps.nonce());
  await Promise.all(sealed.segments.map((segment) => writeSegment(deps, partition, name, segment, token)));
  return { strand: sealed.strand, merged: run.map((segment) => segment.address) };
}

async function writeSegment(deps: Deps, partition: string, name: StrandName, segment: Segment, token: number): Promise<void> {
  const content = await encodeSegment(segment, deps.codec, name === "journal");
  const written = await put(deps, { partition, sort: segmentKey(name, segment.address), ...content }, "absent", token);
  invariant(written.ok, `segment ${segmentKey(name, segment.address)} of ${partition} has a name of its own`);
}

async function readRun(deps: Deps, partition: string, name: StrandName, strand: Strand): Promise<Segment[]> {
  const run: Segment[] = [];
  for await (const segment of walkBack(deps, partition, name, strand.sealed)) {
    run.unshift(segment);
    if (run.length >= (strand.sealed?.run ?? 0)) break;
  }
  return run;
}

/** The linked segments, newest first. */
async function* walkBack(
  deps: Deps,
  partition: string,
  name: StrandName,
  newest: SegmentAddress | null,
): AsyncGenerator<Segment> {
  let next = newest;
  while (next !== null) {
    const found = await deps.store.read(partition, segmentRange(name, next.n - WINDOW + 1, next.n));
    const bySort = new Map(found.map((record) => [record.sort, record]));
    const before: SegmentAddress = next;
    for (;;) {
      const record = bySort.get(segmentKey(name, next));
      if (record === undefined) break;
      const segment: Segment = await decodeSegment(record, next, deps.codec);
      yield segment;
      next = segment.before;
      if (next === null) return;
    }
    invariant(next !== before, `segment ${segmentKey(name, next)} of ${partition} is linked but not there`);
  }
}

/** The newest `last` lines, oldest first; all of them without `last`. */
export async function readLines(
  deps: Deps,
  partition: string,
  name: StrandName,
  strand: Strand,
  last = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const parts: string[][] = [linesOf(strand.tail)];
  let count = parts[0]?.length ?? 0;
  if (count < last) {
    for await (const segment of walkBack(deps, partition, name, strand.sealed)) {
      const lines = linesOf(segment.text);
      parts.push(lines);
      count += lines.length;
      if (count >= last) break;
    }
  }
  const lines = parts.reverse().flat();
  return count > last ? lines.slice(count - last) : lines;
}

/** Each sealed text and then the tail, oldest first: every one can be decoded by itself. */
export async function readTexts(deps: Deps, partition: string, name: StrandName, strand: Strand): Promise<string[]> {
  const texts: string[] = [strand.tail];
  for await (const segment of walkBack(deps, partition, name, strand.sealed)) texts.push(segment.text);
  return texts.reverse().filter((text) => text !== "");
}
