/** What SQLite itself can do here and now: conditional updates of rows as large as a snapshot, fsync at every commit. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface Raw {
  /** Conditional updates a second. */
  perSecond(perCommit: number, durationMs: number): number;
  close(): void;
}

const ROWS = 300;

export function createRaw(rowBytes: number): Raw {
  const folder = mkdtempSync(join(tmpdir(), "rookery-raw-"));
  const db = new DatabaseSync(join(folder, "raw.sqlite"));
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  db.exec("CREATE TABLE records (partition TEXT, sort TEXT, revision INTEGER, body TEXT, UNIQUE (partition, sort))");
  const insert = db.prepare("INSERT INTO records VALUES (?, 'HEAD', 0, ?)");
  db.exec("BEGIN");
  for (let i = 0; i < ROWS; i++) insert.run(`item-${i}`, "x".repeat(rowBytes));
  db.exec("COMMIT");
  const update = db.prepare(
    "UPDATE records SET revision = revision + 1, body = ? WHERE partition = ? AND sort = 'HEAD' AND revision = ?",
  );
  const revisions = new Array<number>(ROWS).fill(0);
  const body = "y".repeat(rowBytes);
  let updates = 0;
  function commit(perCommit: number): void {
    if (perCommit > 1) db.exec("BEGIN IMMEDIATE");
    for (let i = 0; i < perCommit; i++) {
      const row = updates++ % ROWS;
      const revision = revisions[row] ?? 0;
      update.run(body, `item-${row}`, revision);
      revisions[row] = revision + 1;
    }
    if (perCommit > 1) db.exec("COMMIT");
  }
  return {
    perSecond(perCommit, durationMs) {
      const before = updates;
      const from = performance.now();
      while (performance.now() - from < durationMs) commit(perCommit);
      return Math.round(((updates - before) / (performance.now() - from)) * 1_000);
    },
    close() {
      db.close();
      rmSync(folder, { recursive: true });
    },
  };
}
