/** Writing DUE, by revision. A miss means that somebody else moved it: whoever must be sure reads it again. */
import { type Alarm, type Due, needsRewrite, type Reckoning } from "../domain/alarm.ts";
import { shardOf } from "../domain/ids.ts";
import { DUE_KEY } from "../domain/keys.ts";
import type { Written } from "../ports/record-store.ts";
import { encodeDue } from "../wire/due.ts";
import type { Deps } from "./deps.ts";
import { type Expected, readDue } from "./live.ts";
import { put } from "./records.ts";

/** As of now. */
export function reckoningOf({ clock, settings }: Pick<Deps, "clock" | "settings">): Reckoning {
  return { nowMs: clock.nowMs(), maxDelayMs: settings.maxDelayMs };
}

/** `expiresAtMs`: from when on it may go with the rest of its item. */
export function writeDue(
  deps: Deps,
  partition: string,
  due: Due,
  expected: Expected,
  expiresAtMs: number | null = null,
): Promise<Written> {
  const index = due.atMs === null ? null : { shard: shardOf(partition), atMs: due.atMs };
  const expires = expiresAtMs === null ? {} : { expiresAtMs };
  return put(deps, { partition, sort: DUE_KEY, ...encodeDue(due), due: index, ...expires }, expected);
}

/**
 * Makes sure that the alarm rings by `need` at the latest; † one that is past counts as unset. One for retention says that
 * nothing is owed, so it does not stay, however early it is. `aheadMs`: so far ahead the clock of a sweeper may be, by which
 * it has passed already.
 */
export async function ringBy(deps: Deps, partition: string, need: Alarm, aheadMs = 0): Promise<void> {
  for (;;) {
    const { due, revision } = await readDue(deps, partition);
    if (due?.why !== "retention" && !needsRewrite(due, need, deps.clock.nowMs() + aheadMs)) return;
    if ((await writeDue(deps, partition, need, revision)).ok) return;
  }
}
