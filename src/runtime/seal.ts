/** Before a commit: tails that would make the snapshot cross into another block are sealed in segments. */
import type { Head } from "../domain/head.ts";
import type { FencingToken } from "../domain/ids.ts";
import { HEAD_KEY, type SegmentAddress, type StrandName, segmentKey } from "../domain/keys.ts";
import { leastTail, tailSize, wantsSeal } from "../domain/strand.ts";
import { encodeHead } from "../wire/head.ts";
import type { RecordContent } from "../wire/record.ts";
import type { Deps } from "./deps.ts";
import { readOne, writeIdOf } from "./records.ts";
import { sealStrand } from "./strands.ts";

const STRANDS = { journal: "journal", log: "log", artifact: "sealedArtifacts" } as const satisfies Record<StrandName, keyof Head>;
const STRAND_NAMES = ["journal", "log", "artifact"] as const;

/** The part of a session that sealing needs. */
export interface Sealing {
  readonly deps: Deps;
  readonly partition: string;
  readonly lease: { readonly token: FencingToken };
}
export interface SealedTails {
  readonly head: Head;
  readonly content: RecordContent;
  /** Segments that were merged into others: to be removed once the commit has linked past them. */
  readonly merged: readonly string[];
}

/**
 * What counts is what the store will be billed for, or have to write: the snapshot as it is encoded. Its list entry, which
 * only the last one has, does not: a segment more costs as much as one larger write.
 */
export async function sealTails(session: Sealing, head: Head): Promise<SealedTails> {
  const { deps, partition, lease } = session;
  const { blockBytes, measure } = deps.store;
  const content = await encodeHead(head, deps.codec);
  const allTails = tailSize(head.journal) + tailSize(head.log) + tailSize(head.sealedArtifacts);
  if (allTails < leastTail(blockBytes)) return { head, content, merged: [] };
  const writeId = writeIdOf(deps, lease.token);
  const bytes = measure.bytesOf({ partition, sort: HEAD_KEY, ...content, writeId, due: null, listed: null });
  const due = STRAND_NAMES.filter((name) => wantsSeal(head[STRANDS[name]], bytes, allTails, blockBytes));
  if (due.length === 0) return { head, content, merged: [] };
  const sealed = await sealAll(session, head, due);
  return { ...sealed, content: await encodeHead(sealed.head, deps.codec) };
}

async function sealAll(session: Sealing, head: Head, names: readonly StrandName[]): Promise<Omit<SealedTails, "content">> {
  const { deps, partition, lease } = session;
  let next = head;
  const merged: string[] = [];
  for (const name of names) {
    const sealed = await sealStrand(deps, partition, name, next[STRANDS[name]], lease.token);
    next = { ...next, [STRANDS[name]]: sealed.strand };
    merged.push(...sealed.merged.map((address: SegmentAddress) => segmentKey(name, address)));
  }
  return { head: next, merged };
}

/** Nobody links to them any more; one that stays behind goes with the item. */
export function removeSegments(session: { readonly deps: Deps; readonly partition: string }, sorts: readonly string[]): void {
  const { deps, partition } = session;
  for (const sort of sorts) {
    const removed = readOne(deps, partition, sort).then((record) =>
      record === null ? undefined : deps.store.remove(record, record.revision),
    );
    removed.catch((error: unknown) => deps.logger.warn("a merged segment stays behind", { partition, sort, error }));
  }
}
