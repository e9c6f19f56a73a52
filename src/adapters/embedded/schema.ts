/**
 * The schema as steps forward: `PRAGMA user_version` says how many were taken. A step that was released never changes.
 *
 * Columns with instants are REAL so that any number fits. Small columns stand before large ones: what the indexes
 * need is read without walking through a body's overflow pages.
 */
import type { DatabaseSync } from "node:sqlite";
import { StoreTooNewError } from "../../domain/errors.ts";
import { numberOf } from "./row.ts";

/** "Rook": tells our files from other SQLite databases. */
export const APPLICATION_ID = 0x526f6f6b;

const RECORDS = `
  CREATE TABLE records (
    seq INTEGER PRIMARY KEY,
    partition TEXT NOT NULL,
    sort TEXT NOT NULL,
    revision INTEGER NOT NULL,
    write_id TEXT NOT NULL,
    due_shard INTEGER,
    due_at REAL,
    list_group TEXT,
    list_at REAL,
    body TEXT NOT NULL,
    data BLOB,
    UNIQUE (partition, sort)
  ) STRICT;
  CREATE INDEX records_due ON records (due_shard, due_at, partition) WHERE due_shard IS NOT NULL;
  CREATE INDEX records_listed ON records (list_group, list_at, partition, sort) WHERE list_group IS NOT NULL;
`;

/** A message is ready (it has its turn in its lane) or hidden until an instant (delayed, or with its receiver). */
const MESSAGES = `
  CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    lane TEXT NOT NULL,
    tenant TEXT NOT NULL,
    ready INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    visible_at REAL NOT NULL,
    receive_count INTEGER NOT NULL,
    receiver TEXT,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX messages_of_lane ON messages (namespace, lane, turn) WHERE ready = 1;
  CREATE INDEX messages_of_tenant ON messages (namespace, lane, tenant, turn) WHERE ready = 1;
  CREATE INDEX messages_hidden ON messages (namespace, visible_at) WHERE ready = 0;
  CREATE INDEX messages_received ON messages (namespace, receiver) WHERE receiver IS NOT NULL;
  CREATE TABLE buried (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    body TEXT NOT NULL,
    reason TEXT NOT NULL,
    at REAL NOT NULL
  ) STRICT;
  CREATE INDEX buried_of_namespace ON buried (namespace);
`;

const STEPS: readonly string[] = [`${RECORDS}${MESSAGES}`];

/** Safe when several processes open at once: whoever comes second finds the steps taken. */
export function migrate(db: DatabaseSync, path: string): void {
  if (versionOf(db, path) === STEPS.length) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const step of STEPS.slice(versionOf(db, path))) db.exec(step);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${STEPS.length}; COMMIT`);
  } catch (thrown) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw thrown;
  }
}

function versionOf(db: DatabaseSync, path: string): number {
  const version = numberOf(db.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > STEPS.length) throw new StoreTooNewError(path, STEPS.length, version);
  return version;
}
