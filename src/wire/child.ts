/** CHILD: which item a parent's key stands for; and CHILDREN, the mark of an item that has some. */
import { z } from "zod";
import type { Slot } from "../domain/group.ts";
import { isWorkId, type WorkId } from "../domain/ids.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { count } from "./parts.ts";
import { decodeBody, type RecordContent, sparse } from "./record.ts";

export const CHILD_VERSION = 1;

/** As its parent knows it. Written once, before the child is. */
export interface ChildEntry {
  readonly key: string;
  readonly engine: string;
  readonly payloadDigest: string;
  readonly workId: WorkId;
  readonly group: { readonly name: string; readonly slot: Slot; readonly limited: boolean } | null;
  readonly ifParentEnds: "cancel" | "leave";
}

const schema = z.object({
  v: z.literal(CHILD_VERSION),
  key: z.string(),
  engine: z.string(),
  payloadDigest: z.string(),
  work: z.string().refine(isWorkId),
  group: z
    .object({ name: z.string(), leaf: z.string(), index: count.default(0), limited: z.boolean().default(false) })
    .nullable()
    .default(null),
  leave: z.boolean().default(false),
});

export function encodeChild({ key, engine, payloadDigest, workId, group, ifParentEnds }: ChildEntry): RecordContent {
  const slot = group === null ? null : sparse({ name: group.name, ...group.slot, limited: group.limited });
  const leave = ifParentEnds === "leave";
  return { body: sparse({ v: CHILD_VERSION, key, engine, payloadDigest, work: workId, group: slot, leave }), data: null };
}
/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeChild(record: StoredRecord): ChildEntry {
  const { key, engine, payloadDigest, work, group, leave } = decodeBody(record, CHILD_VERSION, schema);
  return {
    key,
    engine,
    payloadDigest,
    workId: work as WorkId,
    group: group === null ? null : { name: group.name, slot: { leaf: group.leaf, index: group.index }, limited: group.limited },
    ifParentEnds: leave ? "leave" : "cancel",
  };
}

/** It says all by being there. */
export function encodeChildrenMark(): RecordContent {
  return { body: { v: CHILD_VERSION }, data: null };
}
