/** Records in a map, for tests and simulation. Stored state is frozen, and bytes are copied in and out. */
import type { Json } from "../../domain/json.ts";
import type {
  Body,
  DueEntry,
  ListEntry,
  ListQuery,
  Page,
  RecordDraft,
  RecordKey,
  RecordStore,
  Removed,
  Revision,
  StoredRecord,
  Written,
} from "../../ports/record-store.ts";
import { contentBytes } from "../shared/content-bytes.ts";
import { encodeCursor, type ListPlace, parseListQuery } from "../shared/list-cursor.ts";
import { type Intercept, intercepted } from "./intercept.ts";

const BLOCK_BYTES = 4_096;

export interface MemoryRecordStoreDeps {
  readonly intercept?: Intercept;
  /** As a store with a TTL says it does; what has expired stays here. Default false. */
  readonly collects?: boolean;
}

export function createMemoryRecordStore(deps: MemoryRecordStoreDeps = {}): RecordStore {
  /** Each in key order. */
  const partitions = new Map<string, StoredRecord[]>();
  const everything = () => [...partitions.values()].flat();
  const store: RecordStore = {
    blockBytes: BLOCK_BYTES,
    measure: { bytesOf: contentBytes },
    collects: deps.collects === true,
    async read(partition, range, limit = Number.POSITIVE_INFINITY) {
      const records = partitions.get(partition) ?? NONE;
      const found: StoredRecord[] = [];
      for (let at = range === undefined ? 0 : placeOf(records, range.from); found.length < limit; at++) {
        const record = records[at];
        if (record === undefined || (range !== undefined && record.sort >= range.to)) break;
        found.push(copyOut(record));
      }
      return found;
    },
    async write(record, expected): Promise<Written> {
      const records = partitions.get(record.partition) ?? [];
      const at = placeOf(records, record.sort);
      const current = recordAt(records, at, record);
      if ((current?.revision ?? "absent") !== expected) return { ok: false, current: current && copyOut(current) };
      const revision = current === null ? 1 : current.revision + 1;
      const stored = copyIn(record, revision);
      if (records.length === 0) partitions.set(record.partition, records);
      if (current === null) records.splice(at, 0, stored);
      else records[at] = stored;
      return { ok: true, revision };
    },
    async remove(key, expected): Promise<Removed> {
      const records = partitions.get(key.partition) ?? NONE;
      const at = placeOf(records, key.sort);
      const current = recordAt(records, at, key);
      if (current?.revision !== expected) return { ok: false, current: current && copyOut(current) };
      if (records.length === 1) partitions.delete(key.partition);
      else records.splice(at, 1);
      return { ok: true };
    },
    due: async (shard, untilMs, limit) => dueEntries(everything(), shard, untilMs).slice(0, limit),
    list: async (query) => listPage(everything(), query),
  };
  return intercepted("records", store, deps.intercept);
}

const NONE: StoredRecord[] = [];

/** Keys are ASCII, so the order of code units is the order of bytes. */
function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
/** Where a sort key stands, or would. */
function placeOf(records: readonly StoredRecord[], sort: string): number {
  let [low, high] = [0, records.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle]?.sort ?? "") < sort) low = middle + 1;
    else high = middle;
  }
  return low;
}
function recordAt(records: readonly StoredRecord[], at: number, { sort }: RecordKey): StoredRecord | null {
  const record = records[at];
  return record?.sort === sort ? record : null;
}

function copyIn(
  { partition, sort, body, data, writeId, due, listed, expiresAtMs }: RecordDraft,
  revision: Revision,
): StoredRecord {
  return Object.freeze({
    ...{ partition, sort, writeId, revision },
    body: frozenFields(body),
    data: data && new Uint8Array(data),
    due: due && Object.freeze({ ...due }),
    listed: listed && Object.freeze({ ...listed }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  });
}
/** Nothing of it can be changed but bytes, which are given out as copies. */
function copyOut(record: StoredRecord): StoredRecord {
  return record.data === null ? record : { ...record, data: new Uint8Array(record.data) };
}
/** As JSON would bring them back: a field that is undefined is none. */
function frozenFields(fields: { readonly [name: string]: Json | undefined }): Body {
  const copied: Record<string, Json> = {};
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value === undefined) continue;
    if (name === "__proto__") Object.defineProperty(copied, name, { value: frozen(value), enumerable: true });
    else copied[name] = frozen(value);
  }
  return Object.freeze(copied);
}
function frozen(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  return isList(value) ? Object.freeze(value.map(frozen)) : frozenFields(value);
}
function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function dueEntries(records: readonly StoredRecord[], shard: number, untilMs: number): DueEntry[] {
  return records
    .flatMap(({ partition, due }) => (due?.shard === shard && due.atMs <= untilMs ? [{ partition, atMs: due.atMs }] : []))
    .sort((a, b) => a.atMs - b.atMs || compare(a.partition, b.partition));
}

function listPage(records: readonly StoredRecord[], query: ListQuery): Page<ListEntry> {
  const { limit, after } = parseListQuery(query);
  const places = records
    .flatMap(({ partition, sort, listed }) => (listed?.group === query.group ? [{ atMs: listed.atMs, partition, sort }] : []))
    .filter((place) => after === null || newestFirst(after, place) < 0)
    .sort(newestFirst);
  const last = places.length > limit ? places[limit - 1] : undefined;
  return {
    entries: places.slice(0, limit).map(({ partition, atMs }) => ({ partition, atMs })),
    next: last === undefined ? null : encodeCursor(last),
  };
}
function newestFirst(a: ListPlace, b: ListPlace): number {
  return b.atMs - a.atMs || compare(b.partition, a.partition) || compare(b.sort, a.sort);
}
