/** Embedded adapters on a file of their own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, type DatabaseOptions, openDatabase } from "../../src/adapters/embedded/database.ts";

export interface Home {
  readonly path: string;
  readonly file: string;
  /** Closed with the home. */
  open(options?: Partial<DatabaseOptions>): Database;
  close(): void;
}

export function createHome(): Home {
  const path = mkdtempSync(join(tmpdir(), "rookery-test-"));
  const file = join(path, "rookery.sqlite");
  const databases: Database[] = [];
  return {
    path,
    file,
    open(options) {
      const database = openDatabase({ path: file, ...options });
      databases.push(database);
      return database;
    },
    close() {
      for (const database of databases) database.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
}
