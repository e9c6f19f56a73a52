/** The leaves of a group: read in order, changed by revision, listed by the parent. */
import { EMPTY_LEAF, markListed } from "../domain/group.ts";
import type { WorkId } from "../domain/ids.ts";
import { leafKey, leafOfKey, leafRange, memberListKey } from "../domain/keys.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { sha256 } from "../wire/digest.ts";
import { decodeLeaf, decodeMembers, encodeLeaf, encodeMembers, type Members } from "../wire/leaf.ts";
import type { Deps } from "./deps.ts";
import { put, readOne } from "./records.ts";

const GROUP_DIGITS = 32;
/** How a group stands in keys. */
export function groupDigest(name: string): string {
  return sha256(name).slice(0, GROUP_DIGITS);
}

/** Where a leaf is: in the parent's partition. */
export interface LeafPlace {
  readonly partition: string;
  /** Its name. */
  readonly group: string;
  readonly leaf: string;
}

export async function openLeaf(deps: Deps, { partition, group, leaf }: LeafPlace, token: number): Promise<void> {
  const content = encodeLeaf({ name: group, marks: EMPTY_LEAF });
  await put(deps, { partition, sort: leafKey(groupDigest(group), leaf), ...content }, "absent", token);
}

/** What the leaf says after the change; null when there is none (any more). A change is made again until it stands. */
export async function changeLeaf(deps: Deps, place: LeafPlace, change: (marks: string) => string): Promise<string | null> {
  const { partition, group, leaf } = place;
  const sort = leafKey(groupDigest(group), leaf);
  let record = await readOne(deps, partition, sort);
  while (record !== null) {
    const { name, marks } = decodeLeaf(record);
    const next = change(marks);
    if (next === marks) return marks;
    const written = await put(deps, { partition, sort, ...encodeLeaf({ name, marks: next }) }, record.revision);
    if (written.ok) return next;
    record = written.current;
  }
  return null;
}

/** Who they are first, then that they are waited for: whoever is waited for is known. */
export async function listMembers(deps: Deps, place: LeafPlace, members: Members): Promise<void> {
  await addMembers(deps, place, members);
  await changeLeaf(deps, place, (marks) => [...members.keys()].reduce(markListed, marks));
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

/** Null where there is no such leaf. */
export async function readMarks(deps: Pick<Deps, "store">, { partition, group, leaf }: LeafPlace): Promise<string | null> {
  const record = await readOne(deps, partition, leafKey(groupDigest(group), leaf));
  return record === null ? null : decodeLeaf(record).marks;
}
export async function readMembers(deps: Pick<Deps, "store">, { partition, group, leaf }: LeafPlace): Promise<Members> {
  const record = await readOne(deps, partition, memberListKey(groupDigest(group), leaf));
  return record === null ? new Map<number, WorkId>() : decodeMembers(record);
}

export interface Leaf {
  readonly leaf: string;
  readonly marks: string;
}
const LEAVES_PAGE = 1_000;

/** In the order of their starting, from the leaf `from` on. */
export async function* leavesOf(
  deps: Pick<Deps, "store">,
  partition: string,
  group: string,
  from = "",
  pageSize = LEAVES_PAGE,
): AsyncGenerator<Leaf> {
  const digest = groupDigest(group);
  const { to } = leafRange(digest);
  for (let next = leafKey(digest, from); ; ) {
    const page = await deps.store.read(partition, { from: next, to }, pageSize);
    for (const record of page) yield { leaf: leafOfKey(record.sort), marks: decodeLeaf(record).marks };
    const last: StoredRecord | undefined = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    next = `${last.sort}!`;
  }
}
