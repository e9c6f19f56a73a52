/** The key of an item is told until when it is remembered. */
import { keyPartition } from "../domain/ids.ts";
import type { Item } from "../domain/item.ts";
import { KEY_KEY } from "../domain/keys.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { sha256 } from "../wire/digest.ts";
import { decodeKey, encodeKey } from "../wire/key.ts";
import type { Deps } from "./deps.ts";
import { put } from "./records.ts";

/** `expiresAtMs`: from when on the record may go; null while its item may live again. */
export async function rememberKey(
  deps: Deps,
  item: Item,
  rememberedUntilAtMs: number,
  expiresAtMs: number | null,
): Promise<void> {
  const record = await readKey(deps, item);
  if (record === null) return;
  const entry = decodeKey(record);
  if (entry.workId !== item.workId) return;
  const expires = expiresAtMs === null ? {} : { expiresAtMs };
  const content = encodeKey({ ...entry, rememberedUntilAtMs });
  await put(deps, { partition: record.partition, sort: KEY_KEY, ...content, ...expires }, record.revision);
}

export async function readKey(deps: Deps, item: Item): Promise<StoredRecord | null> {
  if (item.key === null) return null;
  const [record] = await deps.store.read(keyPartition(deps.namespace, item.engine, sha256(item.key)));
  return record ?? null;
}
