/** Commands from outside: the next claim applies them in order, before any step. */
import { refusal } from "../domain/command.ts";
import { RefusedError } from "../domain/errors.ts";
import type { Command } from "../domain/inbox.ts";
import { encodeInboxEntry } from "../wire/inbox.ts";
import { deliver, isCrowded, readSeen } from "./deliver.ts";
import type { Deps } from "./deps.ts";
import { sendHint } from "./hints.ts";
import { statusOf } from "./inspect.ts";
import type { LiveRecords } from "./live.ts";
import type { SenderId } from "./sender-id.ts";

/**
 * Sends a command to an item. The sender's id makes it idempotent: the same id again is the same command.
 *
 * @throws RefusedError when the status does not allow it, InboxFullError.
 */
export async function sendCommand(
  deps: Deps,
  live: LiveRecords,
  command: Command,
  sender: SenderId,
  nowMs: number,
): Promise<void> {
  const { item, partition, head } = live;
  const { id } = sender;
  const expected = live.inbox.length > 0 ? null : refusal(command.kind, head, nowMs);
  // A repeat of what has been applied already is not refused: its caller had no answer.
  if (expected !== null && (await readSeen(deps, partition, id, "command")) === null)
    throw new RefusedError(command.kind, item.workId, expected, statusOf(deps, live).status);
  const encode = (sentAtMs: number) => encodeInboxEntry({ id, sentAtMs, command });
  const what = { kind: "command", ...sender, digest: null, crowded: isCrowded(live), encode } as const;
  await deliver(deps, partition, what, head.version, nowMs);
  await sendHint(deps, item, null, 0);
}
