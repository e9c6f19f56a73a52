/**
 * Records in SQLite. Every write is one conditional statement in a group (see group-commit); a missed condition reads
 * the record that won within the same transaction. A miss by this very write's own lost answer is a miss here too:
 * whoever asked compares the write id.
 */

import type { SQLInputValue } from "node:sqlite";
import { StoreUnavailableError } from "../../domain/errors.ts";
import type {
  Body,
  DueEntry,
  ListEntry,
  ListQuery,
  Page,
  RecordDraft,
  RecordKey,
  RecordStore,
  StoredRecord,
} from "../../ports/record-store.ts";
import { contentBytes } from "../shared/content-bytes.ts";
import { encodeCursor, type ListPlace, parseListQuery } from "../shared/list-cursor.ts";
import type { Database } from "./database.ts";
import { bytesOf, numberOf, orNull, type Row, textOf } from "./row.ts";

/** A page of the file: writes are not billed here, so tails are sealed when they would take another page. */
const BLOCK_BYTES = 2_048;
const NO_LIMIT = -1;

const COLUMNS = "partition, sort, revision, write_id, due_shard, due_at, list_group, list_at, body, data";

export function createEmbeddedRecordStore({ database }: { readonly database: Database }): RecordStore {
  const sql = prepareStatements(database);
  const unavailable = (cause: unknown) => new StoreUnavailableError(`records in ${database.path}`, cause);
  const read = <T>(operation: () => T): T => database.read(operation, unavailable);
  const write = <T>(operation: () => T): Promise<T> => database.group.submit(operation, unavailable, true);
  const miss = ({ partition, sort }: RecordKey) => {
    const row = sql.one.get(partition, sort);
    return { ok: false, current: row === undefined ? null : recordOf(row) } as const;
  };
  return {
    blockBytes: BLOCK_BYTES,
    measure: { bytesOf: contentBytes },
    collects: false,
    read: async (partition, range, limit = NO_LIMIT) =>
      read(() =>
        (range === undefined ? sql.all.all(partition, limit) : sql.range.all(partition, range.from, range.to, limit)).map(
          recordOf,
        ),
      ),
    write(record, expected) {
      const body = JSON.stringify(record.body);
      const values = valuesOf(record, body);
      if (expected === "absent") {
        return write(() => (sql.insert.run(...values).changes === 1 ? { ok: true, revision: 1 } : miss(record)));
      }
      const revision = expected + 1;
      if (record.due === null && record.listed === null) {
        const { partition, sort, writeId, data } = record;
        const inPlace = () => sql.updateUnindexed.run(writeId, body, data, revision, partition, sort, expected).changes === 1;
        return write(() =>
          inPlace() || sql.update.run(...values, revision, expected).changes === 1 ? { ok: true, revision } : miss(record),
        );
      }
      return write(() => (sql.update.run(...values, revision, expected).changes === 1 ? { ok: true, revision } : miss(record)));
    },
    remove: (key, expected) =>
      write(() => (sql.remove.run(key.partition, key.sort, expected).changes === 1 ? { ok: true } : miss(key))),
    due: async (shard, untilMs, limit) => read(() => sql.due.all(shard, untilMs, limit).map(entryOf)),
    list: async (query) => read(() => listPage(sql, query)),
  };
}

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(database: Database) {
  const select = `SELECT ${COLUMNS} FROM records WHERE partition = ?`;
  const listed = "SELECT partition, sort, list_at AS at FROM records WHERE list_group = ?";
  const newestFirst = "ORDER BY list_at DESC, partition DESC, sort DESC LIMIT ?";
  return {
    one: database.prepare(`${select} AND sort = ?`),
    all: database.prepare(`${select} ORDER BY sort LIMIT ?`),
    range: database.prepare(`${select} AND sort >= ? AND sort < ? ORDER BY sort LIMIT ?`),
    insert: database.prepare(
      `INSERT INTO records (partition, sort, write_id, due_shard, due_at, list_group, list_at, body, data, revision)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (partition, sort) DO NOTHING`,
    ),
    update: database.prepare(
      `UPDATE records SET write_id = ?3, due_shard = ?4, due_at = ?5, list_group = ?6, list_at = ?7, body = ?8, data = ?9,
       revision = ?10 WHERE partition = ?1 AND sort = ?2 AND revision = ?11`,
    ),
    /** For a record that stands in no index, before and after: SQLite then has no index to look after. */
    updateUnindexed: database.prepare(
      `UPDATE records SET write_id = ?, body = ?, data = ?, revision = ?
       WHERE partition = ? AND sort = ? AND revision = ? AND due_shard IS NULL AND list_group IS NULL`,
    ),
    remove: database.prepare("DELETE FROM records WHERE partition = ? AND sort = ? AND revision = ?"),
    due: database.prepare(
      "SELECT partition, due_at AS at FROM records WHERE due_shard = ? AND due_at <= ? ORDER BY due_at, partition LIMIT ?",
    ),
    listFirst: database.prepare(`${listed} ${newestFirst}`),
    listAfter: database.prepare(`${listed} AND (list_at, partition, sort) < (?, ?, ?) ${newestFirst}`),
  };
}

function valuesOf({ partition, sort, writeId, due, listed, data }: RecordDraft, body: string): SQLInputValue[] {
  return [
    ...[partition, sort, writeId, due?.shard ?? null, due?.atMs ?? null, listed?.group ?? null, listed?.atMs ?? null],
    ...[body, data],
  ];
}

function recordOf(row: Row): StoredRecord {
  const body: Body = JSON.parse(textOf(row["body"]));
  const dueShard = orNull(row["due_shard"], numberOf);
  const group = orNull(row["list_group"], textOf);
  return {
    partition: textOf(row["partition"]),
    sort: textOf(row["sort"]),
    revision: numberOf(row["revision"]),
    writeId: textOf(row["write_id"]),
    due: dueShard === null ? null : { shard: dueShard, atMs: numberOf(row["due_at"]) },
    listed: group === null ? null : { group, atMs: numberOf(row["list_at"]) },
    body,
    data: orNull(row["data"], bytesOf),
  };
}
function entryOf(row: Row): DueEntry & ListEntry {
  return { partition: textOf(row["partition"]), atMs: numberOf(row["at"]) };
}

function listPage(sql: Statements, query: ListQuery): Page<ListEntry> {
  const { limit, after } = parseListQuery(query);
  const rows =
    after === null
      ? sql.listFirst.all(query.group, limit + 1)
      : sql.listAfter.all(query.group, after.atMs, after.partition, after.sort, limit + 1);
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return { entries: rows.slice(0, limit).map(entryOf), next: last === undefined ? null : encodeCursor(placeOf(last)) };
}
function placeOf(row: Row): ListPlace {
  return { ...entryOf(row), sort: textOf(row["sort"]) };
}
