/** The live range of a work item: everything that `decide` needs, in one read. */
import type { Due } from "../domain/alarm.ts";
import type { Live } from "../domain/decide.ts";
import { type Head, initialHead } from "../domain/head.ts";
import { itemPartition, type WorkId } from "../domain/ids.ts";
import type { Item } from "../domain/item.ts";
import {
  BLOBS_KEY,
  CHILDREN_KEY,
  COMMAND_RANGE,
  DUE_KEY,
  HEAD_KEY,
  INBOX_RANGE,
  ITEM_KEY,
  LEASE_KEY,
  LIVE_RANGE,
  WHOLE_RANGE,
} from "../domain/keys.ts";
import { INBOX_READ } from "../domain/limits.ts";
import type { Revision, StoredRecord } from "../ports/record-store.ts";
import { decodeDue } from "../wire/due.ts";
import { decodeHead } from "../wire/head.ts";
import { decodeInboxEntry, decodeSignal } from "../wire/inbox.ts";
import { decodeItem } from "../wire/item.ts";
import { decodeLease } from "../wire/lease.ts";
import type { Deps } from "./deps.ts";
import { signalsAfter } from "./inbox.ts";
import { readOne } from "./records.ts";

export type Expected = Revision | "absent";
export interface LiveRecords extends Live {
  readonly partition: string;
  /** It has started children. */
  readonly hasChildren: boolean;
  /** It has blobs, or may have; only on stores that collect. */
  readonly hasBlobs: boolean;
  /** As they were read. */
  readonly records: readonly StoredRecord[];
  readonly revisions: { readonly head: Expected; readonly lease: Expected; readonly due: Expected };
}
/** Without ITEM there is no work item: an enqueue that has not finished, or a collected one. */
export interface NoItem {
  readonly item: null;
  readonly due: Due | null;
}

const SINGLES = 6;
const PAGE = SINGLES + INBOX_READ;

export interface LiveOptions {
  /** The engine's deadline where it is known; it only counts until the first commit stores it. Default the item's own. */
  readonly deadlineFor?: (item: Item) => number | null;
  /** False: whoever asks does not care what came in, and it is not read. Default true. */
  readonly mail?: boolean;
  /** True: not only the live range is read but all there is, a page of it. Default false. */
  readonly whole?: boolean;
}

export async function readLive(deps: Deps, workId: WorkId, options: LiveOptions = {}): Promise<LiveRecords | NoItem> {
  const { deadlineFor = (item: Item) => item.deadlineMs, mail = true, whole = false } = options;
  const partition = itemPartition(deps.namespace, workId);
  const records = await deps.store.read(partition, whole ? WHOLE_RANGE : LIVE_RANGE, mail ? PAGE : SINGLES);
  const by = (sort: string): StoredRecord | undefined => records.find((record) => record.sort === sort);
  const [dueRecord, headRecord, itemRecord, leaseRecord] = [by(DUE_KEY), by(HEAD_KEY), by(ITEM_KEY), by(LEASE_KEY)];
  const due = dueRecord === undefined ? null : decodeDue(dueRecord);
  // The store may have begun to take it away, HEAD first perhaps: without ITEM it would not seem new again.
  if (itemRecord === undefined || isExpired(itemRecord, deps.clock.nowMs())) return { item: null, due };
  const item = await decodeItem(itemRecord, { namespace: deps.namespace, workId }, deps.codec);
  const head = headRecord === undefined ? initialHead(item, deadlineFor(item)) : await decodeHead(headRecord, deps.codec);
  return {
    partition,
    item,
    head,
    due,
    lease: leaseRecord === undefined ? null : decodeLease(leaseRecord),
    hasChildren: by(CHILDREN_KEY) !== undefined,
    hasBlobs: by(BLOBS_KEY) !== undefined,
    records,
    inbox: unread(head, records, COMMAND_RANGE).map(decodeInboxEntry),
    signals: await wantedSignals(deps, partition, head, records),
    revisions: {
      head: headRecord?.revision ?? "absent",
      lease: leaseRecord?.revision ?? "absent",
      due: dueRecord?.revision ?? "absent",
    },
  };
}

/** By its own instant, whether it is still there or not (G7). */
export function isExpired({ expiresAtMs }: StoredRecord, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs;
}

function unread(head: Head, records: readonly StoredRecord[], range: { readonly from: string }): StoredRecord[] {
  return records.filter(({ sort }) => sort.startsWith(range.from) && !head.consumed.includes(sort));
}

/** One read has the oldest few. What an item waits for may stand behind others that it does not want yet. */
async function wantedSignals(
  deps: Deps,
  partition: string,
  head: Head,
  records: readonly StoredRecord[],
): Promise<Live["signals"]> {
  const first = unread(head, records, INBOX_RANGE).map(decodeSignal);
  const { status } = head;
  const last = records.at(-1);
  if (status.kind !== "waiting" || last === undefined || records.length < PAGE) return first;
  const wanted = new Set(status.signals);
  if (first.some(({ name }) => wanted.has(name))) return first;
  for await (const signal of signalsAfter(deps, partition, head.consumed, last.sort)) {
    if (wanted.has(signal.name)) return [...first, signal];
  }
  return first;
}

/** DUE in a read of its own: whoever may move it later reads it strictly before HEAD and inbox. */
export async function readDue(deps: Deps, partition: string): Promise<{ due: Due | null; revision: Expected }> {
  const record = await readOne(deps, partition, DUE_KEY);
  return record === null ? { due: null, revision: "absent" } : { due: decodeDue(record), revision: record.revision };
}
