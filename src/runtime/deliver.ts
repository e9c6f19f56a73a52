/** Things from outside on their way to an item: SEEN, INBOX, DUE within 60 s, hint (DESIGN §4). */
import { inboxAlarm } from "../domain/alarm.ts";
import type { Live } from "../domain/decide.ts";
import { InboxFullError, SignalConflictError } from "../domain/errors.ts";
import type { Seen } from "../domain/inbox.ts";
import { COMMAND_RANGE, commandKey, INBOX_RANGE, inboxKey, seenKey } from "../domain/keys.ts";
import { INBOX_CONSUMED, INBOX_MAX, INBOX_READ } from "../domain/limits.ts";
import { decodeSeen, encodeSeen } from "../wire/inbox.ts";
import type { RecordContent } from "../wire/record.ts";
import { ringBy } from "./alarms.ts";
import type { Deps } from "./deps.ts";
import { put, readOne } from "./records.ts";

const PLACES = {
  command: { range: COMMAND_RANGE, key: commandKey },
  signal: { range: INBOX_RANGE, key: inboxKey },
} as const;

export interface Delivery {
  readonly kind: keyof typeof PLACES;
  /** The same id again is the same thing. */
  readonly id: string;
  /** Nobody else knows the id, so it is no repeat. */
  readonly fresh: boolean;
  /** Of what is sent, where the same id must not stand for two things. */
  readonly digest: string | null;
  /** The inbox may be full: it is counted. */
  readonly crowded: boolean;
  encode(sentAtMs: number): RecordContent;
}

/**
 * Puts it where the next claim finds it, and makes sure that an alarm rings. The hint is the caller's, and last. Answers
 * its sort key. `nowMs` rises with everything of one sender, which is what keeps it in order.
 *
 * @throws InboxFullError, SignalConflictError
 */
export async function deliver(deps: Deps, partition: string, what: Delivery, version: number, nowMs: number): Promise<string> {
  const { range, key } = PLACES[what.kind];
  const isFull = what.crowded && (await deps.store.read(partition, range, INBOX_MAX)).length >= INBOX_MAX;
  // A repeat takes no room: what its sender had no answer for is there, or was read.
  if (isFull && (await readSeen(deps, partition, what.id, what.kind)) === null)
    throw new InboxFullError(workIdOf(partition), INBOX_MAX);
  const write = (sentAtMs: number) => put(deps, { partition, sort: key(sentAtMs, what.id), ...what.encode(sentAtMs) }, "absent");
  const marking = markSeen(deps, partition, what, nowMs);
  const [seen] = await Promise.all([marking, what.fresh ? write(nowMs) : null]);
  const sort = key(seen.sentAtMs, what.id);
  if (seen.consumed) return sort;
  if (!what.fresh) await write(seen.sentAtMs);
  // Clocks differ by a lease at most. Who sweeps by an alarm that has passed may not see this, and moves it.
  await ringBy(deps, partition, inboxAlarm(version, nowMs), deps.settings.leaseDurationMs);
  return sort;
}

/** Whether one read, which has the oldest few, leaves it open how much there is. */
export function isCrowded({ inbox, signals }: Pick<Live, "inbox" | "signals">): boolean {
  return inbox.length + signals.length >= INBOX_READ - INBOX_CONSUMED;
}

/** What is known of an id; null when it was never sent. */
export async function readSeen(deps: Deps, partition: string, id: string, kind: Delivery["kind"]): Promise<Seen | null> {
  const record = await readOne(deps, partition, seenKey(id, kind));
  return record === null ? null : decodeSeen(record);
}

function workIdOf(partition: string): string {
  return partition.slice(partition.indexOf("/") + 1);
}
/** With the instant at which it was first sent, so that a repeat has the same key. */
async function markSeen(deps: Deps, partition: string, { id, kind, digest }: Delivery, sentAtMs: number): Promise<Seen> {
  const fresh: Seen = { sentAtMs, consumed: false, digest };
  const written = await put(deps, { partition, sort: seenKey(id, kind), ...encodeSeen(fresh) }, "absent");
  if (written.ok || written.current === null) return fresh;
  const seen = decodeSeen(written.current);
  if (digest !== null && seen.digest !== null && seen.digest !== digest)
    throw new SignalConflictError(workIdOf(partition), id, seen.digest, digest);
  return seen;
}
