/** The children of an item, and its groups, for whoever looks from outside. Reads only. */
import { InvalidArgumentError } from "../domain/errors.ts";
import { type GroupCount, parseGroup } from "../domain/group.ts";
import type { WorkId } from "../domain/ids.ts";
import { CHILD_RANGE, GROUP_RANGE, groupLimitKey, groupsAfter, memberListKey } from "../domain/keys.ts";
import type { Page, StoredRecord } from "../ports/record-store.ts";
import { type ChildEntry, decodeChild } from "../wire/child.ts";
import { decodeGroupLimit, decodeLeaf, decodeMembers } from "../wire/leaf.ts";
import type { Deps } from "./deps.ts";
import { countGroup } from "./group.ts";
import { type ItemStatus, statusOf } from "./inspect.ts";
import { groupDigest, leavesOf } from "./leaves.ts";
import { readLive } from "./live.ts";
import { readOne } from "./records.ts";

export interface ChildrenOptions {
  /**
   * Only those of this group that the item waits for, or may, and that are remembered, in the order of starting. Default
   * all, in no particular order.
   */
  readonly group?: string;
  /** 1 to 1,000; default 50. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}
/** A child as its parent knows it. */
export interface ChildStatus {
  readonly key: string;
  readonly workId: WorkId;
  readonly engine: string;
  readonly group: string | null;
  /** Null when its start has not come to an end, and once it is forgotten. */
  readonly item: ItemStatus | null;
}
/** Of those that the item waits for, or may. */
export interface GroupStatus extends GroupCount {
  readonly name: string;
  /** Of the group at work at once; null for none. */
  readonly limit: number | null;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;
const LEAVES_PAGE = 16;

/** @throws InvalidArgumentError */
export async function listChildren(deps: Deps, partition: string, options: ChildrenOptions): Promise<Page<ChildStatus>> {
  const { limit = DEFAULT_LIMIT, after = null } = options;
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new InvalidArgumentError("limit", `1 to ${MAX_LIMIT}`, limit);
  return options.group === undefined
    ? allChildren(deps, partition, limit, after)
    : groupMembers(deps, partition, parseGroup(options.group), limit, after);
}

async function allChildren(deps: Deps, partition: string, limit: number, after: string | null): Promise<Page<ChildStatus>> {
  if (after !== null && !(after >= CHILD_RANGE.from && after < CHILD_RANGE.to)) throw badCursor(after);
  const from = after === null ? CHILD_RANGE.from : `${after}!`;
  const records = await deps.store.read(partition, { from, to: CHILD_RANGE.to }, limit + 1);
  const page = records.slice(0, limit);
  const entries = await Promise.all(page.map((record) => statusOfChild(deps, decodeChild(record))));
  return { entries, next: records.length > limit ? (page.at(-1)?.sort ?? null) : null };
}

const CURSOR = /^([\d.]+)\/(\d+)$/;

/** By the lists of its leaves; a cursor is a leaf and a slot. */
async function groupMembers(
  deps: Deps,
  partition: string,
  group: string,
  limit: number,
  after: string | null,
): Promise<Page<ChildStatus>> {
  const parts = after === null ? null : CURSOR.exec(after);
  if (after !== null && parts === null) throw badCursor(after);
  const [fromLeaf, fromIndex] = parts === null ? ["", -1] : [parts[1] ?? "", Number(parts[2])];
  const found: { readonly leaf: string; readonly index: number; readonly workId: WorkId }[] = [];
  for await (const { leaf } of leavesOf(deps, partition, group, fromLeaf, LEAVES_PAGE)) {
    const record = await readOne(deps, partition, memberListKey(groupDigest(group), leaf));
    const members = record === null ? [] : [...decodeMembers(record)];
    for (const [index, workId] of members) if (leaf !== fromLeaf || index > fromIndex) found.push({ leaf, index, workId });
    if (found.length > limit) break;
  }
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const entries = await Promise.all(page.map(({ workId }) => statusOfMember(deps, workId)));
  const next = found.length > limit && last !== undefined ? `${last.leaf}/${last.index}` : null;
  return { entries: entries.filter((entry) => entry !== null), next };
}

function badCursor(after: string): InvalidArgumentError {
  return new InvalidArgumentError("after", "the cursor that a page ended with", after);
}
async function statusOfChild(deps: Deps, { key, workId, engine, group }: ChildEntry): Promise<ChildStatus> {
  const live = await readLive(deps, workId);
  return { key, workId, engine, group: group?.name ?? null, item: live.item === null ? null : statusOf(deps, live) };
}
async function statusOfMember(deps: Deps, workId: WorkId): Promise<ChildStatus | null> {
  const live = await readLive(deps, workId);
  if (live.item === null || live.item.parent === null) return null;
  const { key, group } = live.item.parent;
  return { key, workId, engine: live.item.engine, group: group?.name ?? null, item: statusOf(deps, live) };
}

/** In no particular order. */
export async function listGroups(deps: Deps, partition: string): Promise<GroupStatus[]> {
  const groups: GroupStatus[] = [];
  for (let range = GROUP_RANGE; ; ) {
    const [first]: readonly StoredRecord[] = await deps.store.read(partition, range, 1);
    if (first === undefined) return groups;
    const name = leafNameOf(first);
    if (name !== null) groups.push(await statusOfGroup(deps, partition, name));
    range = groupsAfter(first.sort);
  }
}
/** Leaves sort before the other records of a group. Null for one whose limit is all there is of it yet. */
function leafNameOf(record: StoredRecord): string | null {
  return leafKeyPattern.test(record.sort) ? decodeLeaf(record).name : null;
}
const leafKeyPattern = /^group\/[^/]+\/leaf\//;

async function statusOfGroup(deps: Deps, partition: string, name: string): Promise<GroupStatus> {
  const count = await countGroup(deps, partition, name);
  const limit = await readOne(deps, partition, groupLimitKey(groupDigest(name)));
  return { name, ...count, limit: limit === null ? null : decodeGroupLimit(limit).limit };
}
