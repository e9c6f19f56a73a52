/** Before a commit: tails that would make the snapshot cross into another block are sealed in segments. */
import type { Head } from "../domain/head.ts";
import type { FencingToken } from "../domain/ids.ts";
import { type SegmentAddress, type StrandName, segmentKey } from "../domain/keys.ts";
import { EMPTY_STRAND, tailSize, wantsSeal } from "../domain/strand.ts";
import { encodeHead } from "../wire/head.ts";
import type { Deps } from "./deps.ts";
import { readOne } from "./records.ts";
import { sealStrand } from "./strands.ts";

const STRANDS = { journal: "journal", log: "log", artifact: "sealedArtifacts" } as const satisfies Record<StrandName, keyof Head>;
const STRAND_NAMES = ["journal", "log", "artifact"] as const;

/** The part of a session that sealing needs. */
export interface Sealing {
  readonly deps: Deps;
  readonly partition: string;
  readonly lease: { readonly token: FencingToken };
  /** The snapshot's size besides its tails and its state, once it was measured. */
  bareBytes: number | null;
}
export interface SealedTails {
  readonly head: Head;
  /** Segments that were merged into others: to be removed once the commit has linked past them. */
  readonly merged: readonly string[];
}

export async function sealTails(session: Sealing, head: Head): Promise<SealedTails> {
  const { deps } = session;
  const allTails = tailSize(head.journal) + tailSize(head.log) + tailSize(head.sealedArtifacts);
  if (allTails < deps.store.blockBytes / 4) return { head, merged: [] };
  const bytes = (await sizeBesides(session, head)) + allTails;
  const due = STRAND_NAMES.filter((name) => wantsSeal(head[STRANDS[name]], bytes, allTails, deps.store.blockBytes));
  return due.length === 0 ? { head, merged: [] } : sealAll(session, head, due);
}

/** What the snapshot takes besides its tails and its state is measured once a session: it hardly changes. */
async function sizeBesides(session: Sealing, head: Head): Promise<number> {
  const bare = { ...head, journal: EMPTY_STRAND, log: EMPTY_STRAND, sealedArtifacts: EMPTY_STRAND, state: null };
  session.bareBytes ??= JSON.stringify((await encodeHead(bare, session.deps.codec)).body).length;
  return session.bareBytes + (head.state?.kind === "inline" ? head.state.json.length : 0);
}

async function sealAll(session: Sealing, head: Head, names: readonly StrandName[]): Promise<SealedTails> {
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
