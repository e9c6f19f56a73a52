/** Records in a map, for tests and simulation. Stored state is frozen, and bytes are copied in and out. */
import type { Json } from "../../domain/json.ts";
import type {
  Body,
  ListEntry,
  ListQuery,
  Page,
  RecordDraft,
  RecordStore,
  Removed,
  Revision,
  StoredRecord,
  Written,
} from "../../ports/record-store.ts";
import { contentBytes } from "../shared/content-bytes.ts";
import { encodeCursor, type ListPlace, parseListQuery } from "../shared/list-cursor.ts";
import { type Intercept, intercepted } from "./intercept.ts";
import { compare, createMemoryRecords, type MemoryRecords } from "./records.ts";

const BLOCK_BYTES = 4_096;

export interface MemoryRecordStoreDeps {
  readonly intercept?: Intercept;
  /** As a store with a TTL says it does; what has expired stays here. Default false. */
  readonly collects?: boolean;
  /** What is in it. Default nothing. */
  readonly records?: MemoryRecords;
}

export function createMemoryRecordStore(deps: MemoryRecordStoreDeps = {}): RecordStore {
  const { records = createMemoryRecords() } = deps;
  const store: RecordStore = {
    blockBytes: BLOCK_BYTES,
    measure: { bytesOf: contentBytes },
    collects: deps.collects === true,
    read: async (partition, range, limit = Number.POSITIVE_INFINITY) => records.within(partition, range, limit).map(copyOut),
    async write(record, expected): Promise<Written> {
      const current = records.find(record);
      if ((current?.revision ?? "absent") !== expected) return { ok: false, current: current && copyOut(current) };
      const revision = current === null ? 1 : current.revision + 1;
      records.set(copyIn(record, revision));
      return { ok: true, revision };
    },
    async remove(key, expected): Promise<Removed> {
      const current = records.find(key);
      if (current?.revision !== expected) return { ok: false, current: current && copyOut(current) };
      records.remove(key);
      return { ok: true };
    },
    due: async (shard, untilMs, limit) => records.due(shard, untilMs).slice(0, limit),
    list: async (query) => listPage(records.everything(), query),
  };
  return intercepted("records", store, deps.intercept);
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
