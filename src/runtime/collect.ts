/**
 * The end of an item's records, a day after it was forgotten. The key goes first, HEAD after ITEM (without ITEM nothing
 * runs), and DUE last: a crash in between is completed when the alarm rings again.
 */
import { itemPartition } from "../domain/ids.ts";
import type { Item } from "../domain/item.ts";
import { DUE_KEY, HEAD_KEY, ITEM_KEY, LIVE_RANGE } from "../domain/keys.ts";
import type { RecordKey, StoredRecord } from "../ports/record-store.ts";
import { decodeKey } from "../wire/key.ts";
import type { Deps } from "./deps.ts";
import { isExpired } from "./live.ts";
import { readOne } from "./records.ts";
import { readKey } from "./remember-key.ts";

const PAGE = 200;
const LAST = [ITEM_KEY, HEAD_KEY, DUE_KEY];

export async function collect(deps: Deps, item: Item): Promise<void> {
  const partition = itemPartition(item.namespace, item.workId);
  await deps.blobs.removeAll(partition);
  const key = await readKey(deps, item);
  if (key !== null && decodeKey(key).workId === item.workId) await deps.store.remove(key, key.revision);
  await removeBut(deps, partition, LAST);
  for (const sort of LAST) {
    const record = await readOne(deps, partition, sort);
    if (record !== null) await deps.store.remove(record, record.revision);
  }
}

/**
 * What a collection left behind that ended after ITEM was removed or had expired, or what was sent to an item that never
 * came to be. What stands beside no ITEM is of no living item: ITEM is always written first.
 */
export async function collectRest(deps: Deps, partition: string): Promise<void> {
  const records = await deps.store.read(partition, LIVE_RANGE);
  if (records.some((record) => record.sort === ITEM_KEY && !isExpired(record, deps.clock.nowMs()))) return;
  await deps.blobs.removeAll(partition);
  await removeBut(deps, partition, [ITEM_KEY, DUE_KEY]);
}

async function removeBut(deps: Deps, partition: string, kept: readonly string[]): Promise<void> {
  let from = "";
  for (;;) {
    const page = await deps.store.read(partition, { from, to: "~" }, PAGE);
    await Promise.all(page.filter((record) => !kept.includes(record.sort)).map((record) => removeOne(deps, record)));
    const last: RecordKey | undefined = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    from = `${last.sort}!`;
  }
}
async function removeOne(deps: Deps, record: StoredRecord): Promise<void> {
  await deps.store.remove(record, record.revision);
}
