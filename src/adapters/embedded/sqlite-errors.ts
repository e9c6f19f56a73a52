/** What SQLite's result codes mean to a caller (https://sqlite.org/rescode.html). */

/** Busy, locked, memory, read-only, I/O, corrupt, full, cannot open, protocol: the operator's or the moment's fault. */
const UNAVAILABLE = [5, 6, 7, 8, 10, 11, 13, 14, 15];
const BUSY = 5;
const NOT_A_DATABASE = 26;

/** The primary result code; null for what SQLite did not throw. */
function resultCode(thrown: unknown): number | null {
  const isSqlite = thrown instanceof Error && "errcode" in thrown && typeof thrown.errcode === "number";
  return isSqlite && typeof thrown.errcode === "number" ? thrown.errcode & 0xff : null;
}

export function isUnavailable(thrown: unknown): boolean {
  const code = resultCode(thrown);
  return (code !== null && UNAVAILABLE.includes(code)) || isClosed(thrown);
}
export function isBusy(thrown: unknown): boolean {
  return resultCode(thrown) === BUSY;
}
export function isNotADatabase(thrown: unknown): boolean {
  return resultCode(thrown) === NOT_A_DATABASE;
}
/** The database was closed, or its statements with it. */
function isClosed(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ERR_INVALID_STATE";
}
