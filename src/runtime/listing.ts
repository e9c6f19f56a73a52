/** Listing in its leaf whoever is waited for, and nobody whom an attempt listed that came to nothing. */
import { EMPTY_LEAF, isListed, markListed, unlisted } from "../domain/group.ts";
import type { WorkId } from "../domain/ids.ts";
import { GROUP_RANGE, groupOfKey, groupsAfter, leafKey, leafOfKey, memberListKey, stepLeafRange } from "../domain/keys.ts";
import type { Revision, StoredRecord } from "../ports/record-store.ts";
import { decodeLeaf, decodeMembers, encodeMembers, type Members } from "../wire/leaf.ts";
import type { Deps } from "./deps.ts";
import { groupDigest, type LeafPlace, putMarks } from "./leaves.ts";
import { put, readOne } from "./records.ts";

/** Whom the parent is to wait for in one leaf. */
export interface Listing {
  readonly place: LeafPlace;
  readonly members: Members;
  /** The revision with which the leaf was begun, empty; null where that is not known. */
  readonly opened: Revision | null;
  /** Nobody else in it: whoever was listed by an attempt that came to nothing no longer is. */
  readonly alone: boolean;
}

/**
 * Who they are first, then that they are waited for: whoever is waited for is known.
 *
 * Of two attempts that list, the one whose claim is gone does no harm: the later one writes every leaf of the step anew,
 * and whoever finds a leaf other than it was asks `check`, which throws, after it has read it and before it writes it.
 *
 * Resolves to the slots that were not listed before.
 */
export async function listMembers(
  deps: Deps,
  { place, members, opened, alone }: Listing,
  check: () => Promise<void>,
): Promise<number[]> {
  if (members.size > 0) await addMembers(deps, place, members);
  const list = (marks: string): string => [...members.keys()].reduce(markListed, alone ? unlisted(marks) : marks);
  let record: StoredRecord | null;
  if (opened === null || alone) record = await readOne(deps, place.partition, leafKey(groupDigest(place.group), place.leaf));
  else {
    const written = await putMarks(deps, place, list(EMPTY_LEAF), opened);
    if (written.ok) return [...members.keys()];
    record = written.current;
  }
  while (record !== null) {
    await check();
    const { marks } = decodeLeaf(record);
    const next = list(marks);
    const fresh = [...members.keys()].filter((index) => !isListed(marks, index));
    if (next === marks && !alone) return fresh;
    const written = await putMarks(deps, place, next, record.revision);
    if (written.ok) return fresh;
    record = written.current;
  }
  return [];
}
async function addMembers(deps: Deps, { partition, group, leaf }: LeafPlace, members: Members): Promise<void> {
  const sort = memberListKey(groupDigest(group), leaf);
  let written = await put(deps, { partition, sort, ...encodeMembers(members) }, "absent");
  while (!written.ok) {
    const known: Members = written.current === null ? new Map<number, WorkId>() : decodeMembers(written.current);
    if ([...members.keys()].every((index) => known.has(index))) return;
    const all = encodeMembers(new Map([...known, ...members]));
    written = await put(deps, { partition, sort, ...all }, written.current?.revision ?? "absent");
  }
}

const LEAVES_PAGE = 1_000;

/** Of all groups, the leaves that attempts of one step have begun. */
export async function leavesOfStep(deps: Pick<Deps, "store">, partition: string, version: number): Promise<LeafPlace[]> {
  const places: LeafPlace[] = [];
  for (let range = GROUP_RANGE; ; ) {
    const [first] = await deps.store.read(partition, range, 1);
    if (first === undefined) return places;
    const { from, to } = stepLeafRange(groupOfKey(first.sort), version);
    for (let next = from; ; ) {
      const page = await deps.store.read(partition, { from: next, to }, LEAVES_PAGE);
      for (const record of page) places.push({ partition, group: decodeLeaf(record).name, leaf: leafOfKey(record.sort) });
      const last: StoredRecord | undefined = page.at(-1);
      if (last === undefined || page.length < LEAVES_PAGE) break;
      next = `${last.sort}!`;
    }
    range = groupsAfter(first.sort);
  }
}
