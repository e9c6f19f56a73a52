/** The engine's append-only log: a line of JSON per entry; an entry too large for a segment is a blob of its own. */
import { InvalidArgumentError } from "../domain/errors.ts";
import type { Head } from "../domain/head.ts";
import { decodeJson, type Json } from "../domain/json.ts";
import { ENTRY_BYTES } from "../domain/limits.ts";
import type { Deps } from "./deps.ts";
import { readLines } from "./strands.ts";
import { keep, readText } from "./values.ts";

/** JSON text never begins with it. */
const BLOB_MARK = "@";

export async function encodeEntry(deps: Pick<Deps, "blobs">, partition: string, json: string): Promise<string> {
  const kept = await keep(deps, partition, json, ENTRY_BYTES);
  return kept.kind === "inline" ? kept.json : `${BLOB_MARK}${kept.digest}`;
}

/** Committed entries, oldest first; with `last`, no more is read than it needs. */
export async function readLog(deps: Deps, partition: string, head: Head, last?: number): Promise<readonly Json[]> {
  if (last !== undefined && !(Number.isSafeInteger(last) && last >= 0))
    throw new InvalidArgumentError("readLog: last", "a whole number, 0 or more", last);
  if (last === 0) return [];
  const lines = await readLines(deps, partition, "log", head.log, last);
  return Promise.all(lines.map((line) => decodeEntry(deps, partition, line)));
}
async function decodeEntry(deps: Pick<Deps, "blobs">, partition: string, line: string): Promise<Json> {
  return decodeJson(line.startsWith(BLOB_MARK) ? await readText(deps, partition, line.slice(BLOB_MARK.length)) : line);
}
