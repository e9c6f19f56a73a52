/**
 * What a worker does with a message: `decide` reads the live range and says so. Pure; the message is a hint and holds
 * no truth, so lost, repeated, late and reordered ones are all harmless (DESIGN §4, Receive).
 *
 * It owns the choice between deleting, hiding and claiming. It does not own what the claim then does.
 *
 * G3: a message is deleted only when the item is finished, when another live message or a held lease stands for it, or
 *     when its alarm will ring.
 */
import type { Due, Reckoning } from "./alarm.ts";
import { isAlarmSet } from "./alarm.ts";
import { assertNever } from "./errors.ts";
import { deadlineOf, type Head, isEnded, type Status, type WaitingStatus } from "./head.ts";
import type { InboxEntry, SignalEntry } from "./inbox.ts";
import type { Item } from "./item.ts";
import { attemptsOnRecord, diedAlone, inheritedWake, type Lease, leaseState, leftNoOutcome } from "./lease.ts";
import { MAX_DELAY_MS, SECOND_MS } from "./limits.ts";
import type { StoredWake } from "./wake.ts";

/** What one read of the live range shows. `head` is the initial one when HEAD is absent. */
export interface Live {
  readonly item: Item;
  readonly head: Head;
  readonly lease: Lease | null;
  readonly due: Due | null;
  /** Unread commands that no commit has consumed, in order. */
  readonly inbox: readonly InboxEntry[];
  /** Unread signals, in order: the oldest few, and all that an item waits for. */
  readonly signals: readonly SignalEntry[];
}
/** The message in hand. `version` and `token` are those of the snapshot it was sent for; null for a command's. */
export interface Hand {
  readonly messageId: string;
  readonly version: number | null;
  readonly token: number | null;
  readonly receiveCount: number;
}

export type Decision =
  /** A copy is a message beside another that stands for the item. */
  | { readonly kind: "delete"; readonly why: string; readonly isCopy: boolean }
  | { readonly kind: "hide"; readonly delayMs: number; readonly why: string }
  /** The item has ended, and what follows an end is not done yet. */
  | { readonly kind: "settle" }
  /** It waits for a group of children: look whether that is as it wants it, and decide again. */
  | { readonly kind: "look_at_group" }
  | { readonly kind: "claim"; readonly claim: Claiming };

export interface Claiming {
  /**
   * The attempt that a step run by this claim stands for. Where there is no step to run: the one that it inherits without
   * an outcome, so that it stays on record should this claim die too (G2), else null.
   */
  readonly attempt: number | null;
  /** What that step runs for; null where there is none. */
  readonly wake: StoredWake | null;
  /** Set when the lease was not released: what is on record of the attempt that left no outcome. */
  readonly takeOver: { readonly attempts: number; readonly noOutcome: boolean; readonly alone: boolean } | null;
  /** Its last attempt left no outcome: it runs alone. */
  readonly suspect: boolean;
}

export interface Circumstances extends Reckoning {
  /** The holder of LEASE is known to be gone. */
  readonly holderGone: boolean;
  /** LEASE is of this very worker, which lost track of HEAD: † it claims anew, whatever else would be decided. */
  readonly ownLease: boolean;
  /** Whether this worker can run the item's engine at the version that wrote its state. */
  readonly engineLoaded: boolean;
  /** The group that it waits for has been looked at since. */
  readonly groupSeen: boolean;
}

export function decide(live: Live, hand: Hand, given: Circumstances): Decision {
  const { head, lease, inbox } = live;
  const { status } = head;
  if (isEnded(status) && inbox.length === 0) {
    return isAlarmSet(live.due, "retention") ? { kind: "delete", why: "ended, nothing owed", isCopy: false } : { kind: "settle" };
  }
  if (!given.engineLoaded) return { kind: "hide", delayMs: backoffMs(hand.receiveCount), why: "engine not loaded here" };
  const held = leaseState(lease, head, given.nowMs, given.holderGone || given.ownLease);
  const lapsed = held === "lapsed";
  if (given.ownLease && lapsed) return claim(live, true, inbox.length > 0 ? null : wakeNow(live, given.nowMs));
  if (held === "held" && lease !== null) return whileHeld(lease, hand, given.nowMs);
  if (isEnded(status) || inbox.length > 0 || isOverdue(head, given.nowMs)) return claim(live, lapsed, null);
  return byStatus(live, status, hand, given, lapsed);
}

/** There is something to do, whatever a message says: a command, an end to bring about, or what it waits for. */
export function isOwed(live: Pick<Live, "head" | "inbox" | "signals">, nowMs: number): boolean {
  const { head, inbox, signals } = live;
  if (inbox.length > 0 || isOverdue(head, nowMs)) return true;
  if (head.status.kind === "closing") return true;
  return head.status.kind === "waiting" && wakeOf(head.status, signals, nowMs) !== null;
}
/** What ends a wait: the oldest signal of a name that it waits for, or its timeout. */
export function wakeOf(wait: WaitingStatus, signals: readonly SignalEntry[], nowMs: number): StoredWake | null {
  const signal = signals.find(({ name }) => wait.signals.includes(name));
  if (signal !== undefined) return signalWake(signal);
  return wait.timeoutAtMs !== null && wait.timeoutAtMs <= nowMs ? { kind: "timeout" } : null;
}
export function signalWake({ sort, name }: SignalEntry): StoredWake {
  return { kind: "signal", sort, name };
}
/** Of the step that can run at once; null when none can. */
function wakeNow({ head, lease, signals }: Live, nowMs: number): StoredWake | null {
  if (head.status.kind === "ready") return head.wake;
  return head.status.kind === "waiting" ? (inheritedWake(head, lease) ?? wakeOf(head.status, signals, nowMs)) : null;
}

/** † The holder's own message is in flight and comes back if it dies; any other is one too many. */
function whileHeld(lease: Lease, hand: Hand, nowMs: number): Decision {
  if (lease.messageId !== hand.messageId)
    return { kind: "delete", why: "somebody is at work, with a message of their own", isCopy: true };
  return { kind: "hide", delayMs: clampDelay(lease.expiresAtMs - nowMs), why: "somebody is at work with this very message" };
}

function byStatus(
  live: Live,
  status: Exclude<Status, { endedAtMs: number }>,
  hand: Hand,
  { nowMs, maxDelayMs, groupSeen }: Circumstances,
  lapsed: boolean,
): Decision {
  const { head, lease } = live;
  const named = lease?.messageId === hand.messageId;
  switch (status.kind) {
    case "sleeping":
      if (status.wakeAtMs <= nowMs) return claim(live, lapsed, head.wake);
      return whileAsleep(status.wakeAtMs - nowMs, maxDelayMs, named || isOfThis(hand, head));
    case "ready":
      if (!named && isOfEarlier(hand, head)) return { kind: "delete", why: "sent for an earlier snapshot", isCopy: true };
      return claim(live, lapsed, head.wake);
    case "waiting": {
      const wake = wakeNow(live, nowMs);
      if (wake !== null) return claim(live, lapsed, wake);
      if (status.group !== null && !groupSeen) return { kind: "look_at_group" };
      if (status.timeoutAtMs === null) return { kind: "delete", why: "waiting", isCopy: false };
      return whileAsleep(status.timeoutAtMs - nowMs, maxDelayMs, named || isOfThis(hand, head));
    }
    case "closing":
      return claim(live, lapsed, null);
    case "paused":
      return { kind: "delete", why: "paused", isCopy: false };
    default:
      return assertNever(status);
  }
}

/**
 * † Whoever commits sends the next hint before their message goes, so one that was sent before stands for nothing. Without
 * the token all the hints of an item that does not move on would be for its version, and each would send one after it.
 */
function isOfEarlier({ version, token }: Hand, head: Head): boolean {
  if (version === null || version !== head.version) return version !== null && version < head.version;
  return token !== null && token < head.token && head.released;
}
function isOfThis(hand: Hand, head: Head): boolean {
  return hand.version === head.version && !isOfEarlier(hand, head);
}

/** † A dying holder may not have sent the wake, so its message stands in for it; copies for other versions die out. */
function whileAsleep(delayMs: number, maxDelayMs: number, standsForWake: boolean): Decision {
  if (delayMs > maxDelayMs) return { kind: "delete", why: "asleep for long: the alarm has it", isCopy: false };
  return standsForWake
    ? { kind: "hide", delayMs: clampDelay(delayMs), why: "asleep" }
    : { kind: "delete", why: "asleep, and sent for another version", isCopy: true };
}

/** `wake`: of the step that it runs, or null where it is for something else. */
function claim(live: Live, lapsed: boolean, wake: StoredWake | null): Decision {
  const { head, lease } = live;
  const attempts = attemptsOnRecord(head, lease);
  const noOutcome = lapsed && leftNoOutcome(head, lease);
  const takeOver = lapsed ? { attempts, noOutcome, alone: diedAlone(head, lease) } : null;
  const inherited = noOutcome ? attempts : null;
  return {
    kind: "claim",
    claim: {
      attempt: wake === null ? inherited : attempts + 1,
      wake: wake ?? (lapsed ? inheritedWake(head, lease) : null),
      takeOver,
      suspect: noOutcome,
    },
  };
}

export function isOverdue(head: Head, nowMs: number): boolean {
  const deadlineAtMs = deadlineOf(head);
  return deadlineAtMs !== null && deadlineAtMs <= nowMs;
}
/** Growing with the receives: 1 s, 2 s, 4 s … up to 15 min. */
export function backoffMs(receiveCount: number): number {
  return Math.min(MAX_DELAY_MS, SECOND_MS * 2 ** Math.min(20, Math.max(0, receiveCount - 1)));
}
function clampDelay(delayMs: number): number {
  return Math.min(MAX_DELAY_MS, Math.max(0, Math.ceil(delayMs)));
}
