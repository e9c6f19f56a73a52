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
  SortRange,
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
  const partitions = new Map<string, Map<string, StoredRecord>>();
  const find = ({ partition, sort }: RecordKey) => partitions.get(partition)?.get(sort) ?? null;
  const everything = () => [...partitions.values()].flatMap((records) => [...records.values()]);
  const store: RecordStore = {
    blockBytes: BLOCK_BYTES,
    measure: { bytesOf: contentBytes },
    collects: deps.collects === true,
    async read(partition, range, limit) {
      const inRange = [...(partitions.get(partition)?.values() ?? [])].filter((record) => isWithin(record.sort, range));
      return inRange.sort(bySort).slice(0, limit).map(copyOut);
    },
    async write(record, expected): Promise<Written> {
      const current = find(record);
      if ((current?.revision ?? "absent") !== expected) return { ok: false, current: current && copyOut(current) };
      const revision = current === null ? 1 : current.revision + 1;
      const records = partitions.get(record.partition) ?? new Map<string, StoredRecord>();
      partitions.set(record.partition, records.set(record.sort, copyIn(record, revision)));
      return { ok: true, revision };
    },
    async remove(key, expected): Promise<Removed> {
      const current = find(key);
      if (current?.revision !== expected) return { ok: false, current: current && copyOut(current) };
      const records = partitions.get(key.partition);
      records?.delete(key.sort);
      if (records?.size === 0) partitions.delete(key.partition);
      return { ok: true };
    },
    due: async (shard, untilMs, limit) => dueEntries(everything(), shard, untilMs).slice(0, limit),
    list: async (query) => listPage(everything(), query),
  };
  return intercepted("records", store, deps.intercept);
}

/** Keys are ASCII, so the order of code units is the order of bytes. */
function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
function bySort(a: StoredRecord, b: StoredRecord): number {
  return compare(a.sort, b.sort);
}
function isWithin(sort: string, range: SortRange | undefined): boolean {
  return range === undefined || (sort >= range.from && sort < range.to);
}

function copyIn(
  { partition, sort, body, data, writeId, due, listed, expiresAtMs }: RecordDraft,
  revision: Revision,
): StoredRecord {
  return Object.freeze({
    ...{ partition, sort, writeId, revision },
    body: frozenFields(body),
    data: data && Uint8Array.from(data),
    due: due && Object.freeze({ ...due }),
    listed: listed && Object.freeze({ ...listed }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  });
}
/** Nothing of it can be changed but bytes, which are given out as copies. */
function copyOut(record: StoredRecord): StoredRecord {
  return record.data === null ? record : { ...record, data: Uint8Array.from(record.data) };
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
