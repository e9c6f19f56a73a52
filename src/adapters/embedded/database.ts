/** The one file of an embedded store: opened, checked that it is ours and of a known schema, closed. */
import { mkdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { version } from "node:process";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { InvalidArgumentError, messageOf, RookeryError, StoreUnavailableError, WrongRuntimeError } from "../../domain/errors.ts";
import { type ChangeWatch, createChangeWatch } from "./change-watch.ts";
import { createGroup, type Group, type Unavailable } from "./group-commit.ts";
import { numberOf } from "./row.ts";
import { APPLICATION_ID, migrate } from "./schema.ts";
import { isBusy, isNotADatabase, isUnavailable } from "./sqlite-errors.ts";

/** How long one attempt at a lock may block the event loop; whoever attempts decides how often. */
const BUSY_SLICE_MS = 20;
const OPEN_ATTEMPTS = 500;
const READ_ATTEMPTS = 50;
const CACHE_KIB = 32_768;
/** The log file shrinks to this when a long one was checkpointed. */
const LOG_BYTES = 64 * 1_024 * 1_024;

export interface DatabaseOptions {
  readonly path: string;
  /** "off" loses committed writes when the machine goes down: for benchmarks. @default "full" */
  readonly synchronous?: "full" | "off";
  /** The file never grows beyond so many pages of 4,096 bytes. @default no bound */
  readonly maxPages?: number;
}

export interface Database {
  readonly path: string;
  /** All writes go through it. */
  readonly group: Group;
  prepare(sql: string): StatementSync;
  /** Reads outside any group, and so only what is on disk. */
  read<T>(operation: () => T, unavailable: Unavailable): T;
  /** For changes by any process, this one too. Ends with the database. */
  watch(onChange: () => void): ChangeWatch;
  /** False once the file that was opened is no longer the one at its path: deleted, moved away or replaced. */
  isInPlace(): boolean;
  /** Writes what waits and gives the file back. */
  close(): void;
}

/**
 * Creates the file and its folder when they are missing.
 * Errors: `StoreUnavailableError`, `StoreTooNewError`, `InvalidArgumentError` for a file that is not ours.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const db = openFile(options);
  const identity = identityOf(options.path);
  const group = createGroup(db);
  const watches: ChangeWatch[] = [];
  return {
    path: options.path,
    group,
    prepare: (sql) => db.prepare(sql),
    read(operation, unavailable) {
      try {
        return whileBusy(READ_ATTEMPTS, operation);
      } catch (thrown) {
        throw isUnavailable(thrown) ? unavailable(thrown) : thrown;
      }
    },
    watch(onChange) {
      const watch = createChangeWatch(options.path, onChange);
      watches.push(watch);
      return watch;
    },
    isInPlace: () => identityOf(options.path) === identity,
    close() {
      if (!db.isOpen) return;
      for (const watch of watches) watch.close();
      group.flush();
      db.close();
    },
  };
}

function identityOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}

/** Loaded late, so that an older Node is told what it lacks. */
function loadSqlite(): typeof import("node:sqlite") {
  try {
    return createRequire(import.meta.url)("node:sqlite");
  } catch {
    throw new WrongRuntimeError("rookery/embedded", "Node 24 or later, with node:sqlite", `Node ${version}`);
  }
}

function openFile({ path, synchronous = "full", maxPages }: DatabaseOptions): DatabaseSync {
  const { DatabaseSync: Sqlite } = loadSqlite();
  let db: DatabaseSync | null = null;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const opened = new Sqlite(path, { timeout: BUSY_SLICE_MS });
    db = opened;
    whileBusy(OPEN_ATTEMPTS, () => prepareFile(opened, path));
    db.exec(`PRAGMA synchronous = ${synchronous}; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA journal_size_limit = ${LOG_BYTES}`);
    if (maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${maxPages}`);
    return db;
  } catch (thrown) {
    if (db?.isOpen) db.close();
    throw openError(path, thrown);
  }
}

/** Looks before it touches: a file that is not ours stays as it is. May be repeated from the start. */
function prepareFile(db: DatabaseSync, path: string): void {
  checkOurs(db, path);
  db.exec("PRAGMA journal_mode = WAL");
  migrate(db, path);
}
/** Both of one moment: between them another process may make the file what it is to be. */
function checkOurs(db: DatabaseSync, path: string): void {
  db.exec("BEGIN");
  try {
    const id = numberOf(db.prepare("PRAGMA application_id").get()?.["application_id"]);
    const isEmpty = numberOf(db.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()?.["tables"]) === 0;
    if (id !== APPLICATION_ID && !(id === 0 && isEmpty)) throw foreignFile(path, `a SQLite database of application ${id}`);
  } finally {
    if (db.isTransaction) db.exec("COMMIT");
  }
}
function foreignFile(path: string, got: string): InvalidArgumentError {
  return new InvalidArgumentError(`database ${path}`, "a file made by Rookery, or none", got);
}

function openError(path: string, thrown: unknown): unknown {
  if (thrown instanceof RookeryError) return thrown;
  if (isNotADatabase(thrown)) return foreignFile(path, messageOf(thrown));
  const isSystemError = thrown instanceof Error && "syscall" in thrown;
  return isUnavailable(thrown) || isSystemError ? new StoreUnavailableError(`database ${path}`, thrown) : thrown;
}

function whileBusy<T>(attempts: number, operation: () => T): T {
  for (let attempt = 1; ; attempt++) {
    try {
      return operation();
    } catch (thrown) {
      if (!isBusy(thrown) || attempt >= attempts) throw thrown;
    }
  }
}
