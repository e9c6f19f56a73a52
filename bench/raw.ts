/** What SQLite itself can do here and now: conditional updates of rows as large as a snapshot, with one fsync a commit. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface RawLimits {
  /** Conditional updates a second, one per commit and 50 per commit. */
  readonly onePerCommit: number;
  readonly fiftyPerCommit: number;
  readonly rowBytes: number;
}

const ROWS = 300;
const GROUP = 50;

export function measureRaw(rowBytes: number, durationMs = 1_500): RawLimits {
  const folder = mkdtempSync(join(tmpdir(), "rookery-raw-"));
  const db = new DatabaseSync(join(folder, "raw.sqlite"));
  try {
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    db.exec("CREATE TABLE records (partition TEXT, sort TEXT, revision INTEGER, body TEXT, UNIQUE (partition, sort))");
    const insert = db.prepare("INSERT INTO records VALUES (?, 'HEAD', 0, ?)");
    for (let i = 0; i < ROWS; i++) insert.run(`item-${i}`, "x".repeat(rowBytes));
    return {
      onePerCommit: perSecond(db, rowBytes, 1, durationMs),
      fiftyPerCommit: perSecond(db, rowBytes, GROUP, durationMs),
      rowBytes,
    };
  } finally {
    db.close();
    rmSync(folder, { recursive: true });
  }
}

function perSecond(db: DatabaseSync, rowBytes: number, perCommit: number, durationMs: number): number {
  db.exec("UPDATE records SET revision = 0");
  const update = db.prepare(
    "UPDATE records SET revision = revision + 1, body = ? WHERE partition = ? AND sort = 'HEAD' AND revision = ?",
  );
  const revisions = new Array<number>(ROWS).fill(0);
  const body = "y".repeat(rowBytes);
  const from = performance.now();
  let updates = 0;
  while (performance.now() - from < durationMs) {
    if (perCommit > 1) db.exec("BEGIN IMMEDIATE");
    for (let i = 0; i < perCommit; i++) {
      const row = updates++ % ROWS;
      const revision = revisions[row] ?? 0;
      update.run(body, `item-${row}`, revision);
      revisions[row] = revision + 1;
    }
    if (perCommit > 1) db.exec("COMMIT");
  }
  return Math.round((updates / (performance.now() - from)) * 1_000);
}
