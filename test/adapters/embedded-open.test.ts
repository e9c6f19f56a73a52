import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createEmbeddedRecordStore } from "../../src/adapters/embedded/record-store.ts";
import { migrate } from "../../src/adapters/embedded/schema.ts";
import { InvalidArgumentError, StoreTooNewError, StoreUnavailableError } from "../../src/domain/errors.ts";
import { createHome, type Home } from "../contract/embedded.ts";

const draft = { partition: "p", sort: "s", body: { kept: true }, data: null, writeId: "w", due: null, listed: null };

let home: Home;
beforeEach(() => {
  home = createHome();
});
afterEach(() => home.close());

function withSqlite(act: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(home.file);
  act(db);
  db.close();
}

describe("opening a home", () => {
  test("creates the file and its folder", async () => {
    const path = join(home.path, "deep", "down", "rookery.sqlite");
    await createEmbeddedRecordStore({ database: home.open({ path }) }).write(draft, "absent");
    expect(existsSync(path)).toBe(true);
  });
  test("again finds what was written", async () => {
    const first = home.open();
    await createEmbeddedRecordStore({ database: first }).write(draft, "absent");
    first.close();
    first.close();
    expect(await createEmbeddedRecordStore({ database: home.open() }).read("p")).toEqual([{ ...draft, revision: 1 }]);
  });
  test("writes to disk at every commit, in a log", () => {
    const database = home.open();
    expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(database.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
  });
  test("writes what still waits when it is closed", async () => {
    const database = home.open();
    const writing = createEmbeddedRecordStore({ database }).write(draft, "absent");
    database.close();
    expect(await writing).toEqual({ ok: true, revision: 1 });
    expect(await createEmbeddedRecordStore({ database: home.open() }).read("p")).toHaveLength(1);
  });
  test("that a newer release wrote is refused, with both versions", () => {
    home.open().close();
    withSqlite((db) => db.exec("PRAGMA user_version = 99"));
    expect(() => home.open()).toThrow(StoreTooNewError);
    expect(() => home.open()).toThrow(`database ${home.file} has schema version 99, expected at most 1`);
  });
});

test("who finds a new file at the same moment as another takes no step of the schema twice", () => {
  const first = new DatabaseSync(home.file);
  class Second extends DatabaseSync {
    override exec(sql: string): void {
      if (sql.startsWith("BEGIN")) migrate(first, home.file);
      super.exec(sql);
    }
  }
  const second = new Second(home.file);
  migrate(second, home.file);
  expect(second.prepare("SELECT count(*) AS count FROM records").get()).toEqual({ count: 0 });
  for (const db of [first, second]) db.close();
});

describe("a file that is not ours is refused and left alone", () => {
  test.each([
    ["another SQLite database", "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)"],
    ["one of a known application", "PRAGMA application_id = 1234; CREATE TABLE theirs (a)"],
    ["an empty one of a known application", "PRAGMA application_id = 1234"],
  ])("%s", (_what, sql) => {
    withSqlite((db) => db.exec(sql));
    const before = readFileSync(home.file);
    expect(() => home.open()).toThrow(InvalidArgumentError);
    expect(() => home.open()).toThrow(`database ${home.file}: expected a file made by Rookery`);
    expect(readFileSync(home.file).equals(before)).toBe(true);
    expect(readdirSync(home.path)).toEqual(["rookery.sqlite"]);
  });
  test("a text", () => {
    writeFileSync(home.file, "To whom it may concern: this is no database.\n".repeat(50));
    expect(() => home.open()).toThrow(InvalidArgumentError);
    expect(() => home.open()).toThrow("file is not a database");
  });
});

describe("a place that cannot be written is named", () => {
  test("below a file", () => {
    writeFileSync(join(home.path, "file"), "");
    const path = join(home.path, "file", "rookery.sqlite");
    expect(() => home.open({ path })).toThrow(StoreUnavailableError);
    expect(() => home.open({ path })).toThrow(path);
  });
  test("a folder instead of a file", () => {
    mkdirSync(home.file);
    expect(() => home.open()).toThrow(StoreUnavailableError);
    expect(() => home.open()).toThrow(`database ${home.file}: unable to open database file`);
  });

  const child = join(import.meta.dirname, "children", "use-home.ts");
  test("a folder that is read-only", () => {
    chmodSync(home.path, 0o555);
    const { stdout } = spawnSync(process.execPath, [child, home.path, "65534"], { encoding: "utf8" });
    chmodSync(home.path, 0o755);
    const [record, blob] = stdout.split("\n");
    expect(record).toBe(`record: an instance of StoreUnavailableError database ${home.file}: unable to open database file`);
    expect(blob).toMatch("blob: an instance of StoreUnavailableError");
    expect(blob).toMatch(join(home.path, "blobs"));
    expect(blob).toMatch("permission denied");
  });
  test("a disk that is full", () => {
    home.open().close();
    const limited = ["-c", 'ulimit -f 400; exec "$0" "$@"', process.execPath, child, home.path];
    const { stdout } = spawnSync("sh", limited, { encoding: "utf8" });
    const [record, blob] = stdout.split("\n");
    expect(record).toMatch(`record: an instance of StoreUnavailableError records in ${home.file}: `);
    expect(blob).toMatch("blob: an instance of StoreUnavailableError");
    expect(blob).toMatch(`${join(home.path, "blobs")}`);
    expect(readdirSync(join(home.path, "blobs", ".tmp"))).toEqual([]);
  });
});
