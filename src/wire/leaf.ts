/** LEAF: who of up to 100 children of a group has ended; LIST: who they are; LIMIT: how many of the group are at work at once. */
import { z } from "zod";
import { LEAF_CHILDREN, type Slot } from "../domain/group.ts";
import { isWorkId, type WorkId } from "../domain/ids.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { count } from "./parts.ts";
import { decodeBody, type RecordContent, sparse } from "./record.ts";

export const LEAF_VERSION = 1;
export const MEMBERS_VERSION = 1;
export const GROUP_LIMIT_VERSION = 1;

export interface LeafEntry {
  /** Of the group. */
  readonly name: string;
  /** One character per slot (see domain/group). */
  readonly marks: string;
}
const leafSchema = z.object({
  v: z.literal(LEAF_VERSION),
  name: z.string(),
  marks: z.string().regex(new RegExp(`^[.osfSF]{${LEAF_CHILDREN}}$`)),
});
export function encodeLeaf({ name, marks }: LeafEntry): RecordContent {
  return { body: { v: LEAF_VERSION, name, marks }, data: null };
}
/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeLeaf(record: StoredRecord): LeafEntry {
  const { name, marks } = decodeBody(record, LEAF_VERSION, leafSchema);
  return { name, marks };
}

/** Who stands in which slot of a leaf. */
export type Members = ReadonlyMap<number, WorkId>;

const slotIndex = count.max(LEAF_CHILDREN - 1);
const membersSchema = z.object({
  v: z.literal(MEMBERS_VERSION),
  members: z.array(z.tuple([slotIndex, z.string().refine(isWorkId)])).default([]),
});
export function encodeMembers(members: Members): RecordContent {
  const inOrder = [...members].sort(([a], [b]) => a - b).map(([index, workId]) => [index, workId]);
  return { body: sparse({ v: MEMBERS_VERSION, members: inOrder }), data: null };
}
/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeMembers(record: StoredRecord): Members {
  const { members } = decodeBody(record, MEMBERS_VERSION, membersSchema);
  return new Map(members.map(([index, workId]) => [index, workId as WorkId]));
}

export interface GroupLimit {
  readonly limit: number;
  /** No leaf before this one has anybody who is still at work or to come, but for `placed`. "" for the first. */
  readonly fromLeaf: string;
  /** The last child that was hinted when its turn came; null for none. */
  readonly hinted: Slot | null;
  /** At work or to begin, and before all others in the queue, wherever their leaves are. Taken out by their ends. */
  readonly placed: readonly Slot[];
}
/** However large the limit is. */
export const PLACED_MOST = 100;
const slot = z.tuple([z.string(), slotIndex]);
const limitSchema = z.object({
  v: z.literal(GROUP_LIMIT_VERSION),
  limit: z.number().int().min(1),
  from: z.string().default(""),
  hinted: slot.nullable().default(null),
  placed: z.array(slot).default([]),
});
export function encodeGroupLimit({ limit, fromLeaf, hinted, placed }: GroupLimit): RecordContent {
  const last = hinted === null ? null : pairOf(hinted);
  return {
    body: sparse({ v: GROUP_LIMIT_VERSION, limit, from: fromLeaf, hinted: last, placed: placed.map(pairOf) }),
    data: null,
  };
}
/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeGroupLimit(record: StoredRecord): GroupLimit {
  const { limit, from, hinted, placed } = decodeBody(record, GROUP_LIMIT_VERSION, limitSchema);
  return { limit, fromLeaf: from, hinted: hinted === null ? null : slotOf(hinted), placed: placed.map(slotOf) };
}
function pairOf({ leaf, index }: Slot): [string, number] {
  return [leaf, index];
}
function slotOf([leaf, index]: [string, number]): Slot {
  return { leaf, index };
}
