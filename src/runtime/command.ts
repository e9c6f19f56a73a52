/** Commands from outside: SEEN, INBOX, DUE within 60 s, hint (DESIGN §4). The next claim applies them in order. */
import { inboxAlarm } from "../domain/alarm.ts";
import { refusal } from "../domain/command.ts";
import { InboxFullError, RefusedError } from "../domain/errors.ts";
import type { Command } from "../domain/inbox.ts";
import { INBOX_RANGE, inboxKey, seenKey } from "../domain/keys.ts";
import { INBOX_MAX } from "../domain/limits.ts";
import { decodeSeen, encodeInboxEntry, encodeSeen } from "../wire/inbox.ts";
import { ringBy } from "./alarms.ts";
import type { Deps } from "./deps.ts";
import { sendHint } from "./hints.ts";
import { statusOf } from "./inspect.ts";
import type { LiveRecords } from "./live.ts";
import { put, readOne } from "./records.ts";

/**
 * Sends a command to an item. `id` makes it idempotent: the same id again is the same command. `nowMs` rises with every
 * command of one sender, which is what keeps them in order.
 *
 * @throws RefusedError when the status does not allow it, InboxFullError.
 */
export async function sendCommand(deps: Deps, live: LiveRecords, command: Command, id: string, nowMs: number): Promise<void> {
  const { item, partition, head } = live;
  const expected = live.inbox.length > 0 ? null : refusal(command.kind, head, nowMs);
  if (expected !== null && !(await wasSent(deps, partition, id)))
    throw new RefusedError(command.kind, item.workId, expected, statusOf(deps, live).status);
  const unread = await deps.store.read(partition, INBOX_RANGE, INBOX_MAX);
  if (unread.length >= INBOX_MAX) throw new InboxFullError(item.workId, INBOX_MAX);
  const sentAtMs = await markSeen(deps, partition, id, nowMs);
  if (sentAtMs === null) return;
  const entry = encodeInboxEntry({ id, sentAtMs, command });
  await put(deps, { partition, sort: inboxKey(sentAtMs, id), ...entry }, "absent");
  await ringBy(deps, partition, inboxAlarm(head.version, nowMs));
  await sendHint(deps, item, null, 0);
}

/** A repeat of what has been applied already is not refused: its caller had no answer. */
async function wasSent(deps: Deps, partition: string, id: string): Promise<boolean> {
  return (await readOne(deps, partition, seenKey(id))) !== null;
}

/** The instant it was first sent, so that a repeat has the same key; null when it has been consumed already. */
async function markSeen(deps: Deps, partition: string, id: string, sentAtMs: number): Promise<number | null> {
  const written = await put(deps, { partition, sort: seenKey(id), ...encodeSeen({ sentAtMs, consumed: false }) }, "absent");
  if (written.ok || written.current === null) return sentAtMs;
  const seen = decodeSeen(written.current);
  return seen.consumed ? null : seen.sentAtMs;
}
