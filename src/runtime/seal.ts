/** Before a commit: tails that would make the snapshot cross into another block are sealed in segments. */
import type { Head } from "../domain/head.ts";
import type { FencingToken } from "../domain/ids.ts";
import { type SegmentAddress, type StrandName, segmentKey } from "../domain/keys.ts";
import { EMPTY_STRAND, leastTail, tailSize, wantsSeal } from "../domain/strand.ts";
import { encodeHead } from "../wire/head.ts";
import type { Deps } from "./deps.ts";
import { readOne } from "./records.ts";
import { sealStrand } from "./strands.ts";

const STRANDS = { journal: "journal", log: "log", artifact: "sealedArtifacts" } as const satisfies Record<StrandName, keyof Head>;
const STRAND_NAMES = ["journal", "log", "artifact"] as const;

/** What a snapshot takes without its tails: its fields, and what its state comes to once it is packed. */
interface BareSize {
  readonly fieldBytes: number;
  readonly packedBytes: number;
  readonly stateChars: number;
}
/** The part of a session that sealing needs. */
export interface Sealing {
  readonly deps: Deps;
  readonly partition: string;
  readonly lease: { readonly token: FencingToken };
  /** The snapshot's size besides its tails, once it was measured. */
  bare: BareSize | null;
}
export interface SealedTails {
  readonly head: Head;
  /** Segments that were merged into others: to be removed once the commit has linked past them. */
  readonly merged: readonly string[];
}

export async function sealTails(session: Sealing, head: Head): Promise<SealedTails> {
  const { deps } = session;
  const allTails = tailSize(head.journal) + tailSize(head.log) + tailSize(head.sealedArtifacts);
  if (allTails < leastTail(deps.store.blockBytes)) return { head, merged: [] };
  const bytes = (await sizeBesides(session, head)) + allTails;
  const due = STRAND_NAMES.filter((name) => wantsSeal(head[STRANDS[name]], bytes, allTails, deps.store.blockBytes));
  return due.length === 0 ? { head, merged: [] } : sealAll(session, head, due);
}

/**
 * Measured once a session: its fields hardly change, and its states pack much alike. As JSON: what that takes for quotes
 * and colons is about what the store takes for keys, revision and write id.
 */
async function sizeBesides(session: Sealing, head: Head): Promise<number> {
  session.bare ??= await measure(session, head);
  const { fieldBytes, packedBytes, stateChars } = session.bare;
  const now = charsOf(head);
  return fieldBytes + (stateChars === 0 ? now : (packedBytes * now) / stateChars);
}
async function measure({ deps }: Sealing, head: Head): Promise<BareSize> {
  const bare = { ...head, journal: EMPTY_STRAND, log: EMPTY_STRAND, sealedArtifacts: EMPTY_STRAND };
  const { body, data } = await encodeHead(bare, deps.codec);
  return { fieldBytes: JSON.stringify(body).length, packedBytes: data?.byteLength ?? 0, stateChars: charsOf(head) };
}
function charsOf({ state }: Head): number {
  return state?.kind === "inline" ? state.json.length : 0;
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
