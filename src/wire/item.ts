/** ITEM: the request; its payload is the record's data, or a blob. */
import { z } from "zod";
import { isWorkId, type Namespace, type WorkId } from "../domain/ids.ts";
import type { Item, Parent } from "../domain/item.ts";
import { LANES } from "../domain/lane.ts";
import type { Body, StoredRecord } from "../ports/record-store.ts";
import type { Codec } from "./codec.ts";
import { count, instant } from "./parts.ts";
import { checkedOnce, decodeBody, nameOf, type RecordContent, sparse } from "./record.ts";

export const ITEM_VERSION = 1;

const schema = z.object({
  v: z.literal(ITEM_VERSION),
  engine: z.string(),
  payload: z.union([z.enum(["utf8", "deflate"]), z.object({ blob: z.string(), bytes: count })]),
  payloadDigest: z.string(),
  lane: z.enum(LANES),
  tenant: z.string().default(""),
  labels: z.record(z.string(), z.string()).default({}),
  created: instant.default(0),
  start: instant.default(0),
  deadlineMs: count.nullable().default(null),
  key: z.string().nullable().default(null),
  parent: z
    .object({
      work: z.string().refine(isWorkId),
      key: z.string(),
      group: z
        .object({ name: z.string(), leaf: z.string(), index: count.default(0), limited: z.boolean().default(false) })
        .nullable()
        .default(null),
    })
    .nullable()
    .default(null),
});
const shape = checkedOnce(schema);

export async function encodeItem(item: Item, codec: Codec): Promise<RecordContent> {
  const packed = item.payload.kind === "inline" ? await codec.encode(item.payload.json) : null;
  const body = sparse({
    v: ITEM_VERSION,
    engine: item.engine,
    payload: item.payload.kind === "blob" ? { blob: item.payload.digest, bytes: item.payload.bytes } : (packed?.encoding ?? null),
    payloadDigest: item.payloadDigest,
    lane: item.lane,
    tenant: item.tenant,
    labels: item.labels,
    created: item.createdAtMs,
    start: item.startAtMs,
    key: item.key,
    parent: item.parent === null ? null : encodeParent(item.parent),
  });
  // 0 is a deadline at once, not none.
  const deadline = item.deadlineMs === null ? {} : { deadlineMs: item.deadlineMs };
  return { body: { ...body, ...deadline }, data: packed?.data ?? null };
}

function encodeParent({ workId, key, group }: Parent): Body {
  const slot = group === null ? null : sparse({ name: group.name, ...group.slot, limited: group.limited });
  return { work: workId, key, ...(slot === null ? {} : { group: slot }) };
}
function decodeParent({ work, key, group }: NonNullable<z.infer<typeof schema>["parent"]>): Parent {
  const workId = work as WorkId;
  if (group === null) return { workId, key, group: null };
  const { name, leaf, index, limited } = group;
  return { workId, key, group: { name, slot: { leaf, index }, limited } };
}

/** @throws RecordTooNewError, RecordUndecodableError */
export async function decodeItem(
  record: StoredRecord,
  at: { namespace: Namespace; workId: WorkId },
  codec: Codec,
): Promise<Item> {
  const body = decodeBody(record, ITEM_VERSION, shape);
  const { payload } = body;
  return {
    ...at,
    engine: body.engine,
    payload:
      typeof payload === "object"
        ? { kind: "blob", digest: payload.blob, bytes: payload.bytes }
        : { kind: "inline", json: await codec.decode(payload, record.data ?? new Uint8Array(), nameOf(record)) },
    payloadDigest: body.payloadDigest,
    lane: body.lane,
    tenant: body.tenant,
    labels: body.labels,
    createdAtMs: body.created,
    startAtMs: body.start,
    deadlineMs: body.deadlineMs,
    key: body.key,
    parent: body.parent === null ? null : decodeParent(body.parent),
  };
}
