/** Sending hints: which item to look at, and for which version. */

import { wakesAt } from "../domain/alarm.ts";
import { backoffMs } from "../domain/decide.ts";
import type { Head } from "../domain/head.ts";
import type { Item } from "../domain/item.ts";
import { FREE_HOPS, MAX_DELAY_MS } from "../domain/limits.ts";
import { encodeHint } from "../wire/hint.ts";
import type { Deps } from "./deps.ts";
import { patiently } from "./records.ts";

/**
 * `head`: the snapshot that it is for; null for a command. After so many `hops` without progress it is delayed more and more: whatever is wrong, it
 * neither spins nor costs much.
 */
export async function sendHint(deps: Deps, item: Item, head: Head | null, delayMs: number, hops = 0): Promise<void> {
  const { version, token } = head ?? { version: null, token: null };
  const body = encodeHint({ namespace: item.namespace, workId: item.workId, version, token, hops });
  const atLeastMs = hops > FREE_HOPS ? backoffMs(hops - FREE_HOPS) : 0;
  const delay = Math.min(MAX_DELAY_MS, Math.max(atLeastMs, Math.ceil(delayMs)));
  const options = { delayMs: delay, lane: item.lane, tenant: item.tenant };
  await patiently(deps, () => deps.queue.send(body, options));
}

/** The hint that a snapshot needs to go on: none for one that goes by no clock, nor for a long sleep, which the alarm ends. */
export async function sendNext(deps: Deps, item: Item, head: Head, hops = 0): Promise<void> {
  const { status } = head;
  if (status.kind === "ready" || status.kind === "closing") return sendHint(deps, item, head, 0, hops);
  const wakes = wakesAt(status);
  if (wakes === null) return;
  const delayMs = wakes.wakeAtMs - deps.clock.nowMs();
  if (delayMs <= deps.settings.maxDelayMs) await sendHint(deps, item, head, delayMs);
}
