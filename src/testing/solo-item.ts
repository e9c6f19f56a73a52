/** The item that a step by itself belongs to. */
import { type Head, initialHead } from "../domain/head.ts";
import { itemPartition, parseNamespace, parseWorkId } from "../domain/ids.ts";
import type { Item } from "../domain/item.ts";

export const WORK_ID = "00000000000000000000";

const item: Item = {
  namespace: parseNamespace("test"),
  workId: parseWorkId(WORK_ID),
  engine: "engine",
  payload: { kind: "inline", json: "null" },
  payloadDigest: "",
  lane: "normal",
  tenant: "",
  labels: {},
  createdAtMs: 0,
  startAtMs: 0,
  deadlineMs: null,
  key: null,
  parent: null,
};
export const PARTITION = itemPartition(item.namespace, item.workId);
export const HEAD: Head = initialHead(item);
