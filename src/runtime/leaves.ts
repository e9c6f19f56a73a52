/** The leaves of a group: read in order, changed by revision, listed by the parent. */
import { EMPTY_LEAF } from "../domain/group.ts";
import type { WorkId } from "../domain/ids.ts";
import { leafKey, leafOfKey, leafRange, memberListKey } from "../domain/keys.ts";
import type { Revision, StoredRecord, Written } from "../ports/record-store.ts";
import { sha256 } from "../wire/digest.ts";
import { decodeLeaf, decodeMembers, encodeLeaf, type Members } from "../wire/leaf.ts";
import type { Deps } from "./deps.ts";
import { expiryOf, put, readOne } from "./records.ts";

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

/** Null when it was there. */
export async function openLeaf(deps: Deps, { partition, group, leaf }: LeafPlace, token: number): Promise<Revision | null> {
  const content = encodeLeaf({ name: group, marks: EMPTY_LEAF });
  const written = await put(deps, { partition, sort: leafKey(groupDigest(group), leaf), ...content }, "absent", token);
  return written.ok ? written.revision : null;
}

/** What the leaf says after the change; null when there is none (any more). A change is made again until it stands. */
export async function changeLeaf(deps: Deps, place: LeafPlace, change: (marks: string) => string): Promise<string | null> {
  let record = await readOne(deps, place.partition, leafKey(groupDigest(place.group), place.leaf));
  while (record !== null) {
    const { marks } = decodeLeaf(record);
    const next = change(marks);
    if (next === marks) return marks;
    const written = await putMarks(deps, place, next, record.revision, expiryOf(record));
    if (written.ok) return next;
    record = written.current;
  }
  return null;
}
export function putMarks(
  deps: Deps,
  { partition, group, leaf }: LeafPlace,
  marks: string,
  revision: Revision,
  expires: { readonly expiresAtMs?: number } = {},
): Promise<Written> {
  const content = encodeLeaf({ name: group, marks });
  return put(deps, { partition, sort: leafKey(groupDigest(group), leaf), ...content, ...expires }, revision);
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
