/**
 * What a worker does with a message: `decide` reads the live range and says so. Pure; the message is a hint and holds
 * no truth, so lost, repeated, late and reordered ones are all harmless (DESIGN §4, Receive).
 *
 * It owns the choice between deleting, hiding and claiming. It does not own what the claim then does.
 *
 * G3: a message is deleted only when the item is finished, when another live message or a held lease stands for it, or
 *     when its alarm will ring.
 */
import type { Due } from "./alarm.ts";
import { isAlarmSet } from "./alarm.ts";
import { assertNever } from "./errors.ts";
import { deadlineOf, type Head, isEnded, type OpenStatus, type PausedStatus } from "./head.ts";
import type { InboxEntry } from "./inbox.ts";
import type { Item } from "./item.ts";
import { attemptsOnRecord, diedAlone, type Lease, leaseState, leftNoOutcome } from "./lease.ts";
import { MAX_DELAY_MS, SECOND_MS } from "./limits.ts";

/** What one read of the live range shows. `head` is the initial one when HEAD is absent. */
export interface Live {
  readonly item: Item;
  readonly head: Head;
  readonly lease: Lease | null;
  readonly due: Due | null;
  /** Unread entries that no commit has consumed, in order. */
  readonly inbox: readonly InboxEntry[];
}
/** The message in hand. `version` is the one it was sent for; null for a command's. */
export interface Hand {
  readonly messageId: string;
  readonly version: number | null;
  readonly receiveCount: number;
}

export type Decision =
  | { readonly kind: "delete"; readonly why: string }
  | { readonly kind: "hide"; readonly delayMs: number; readonly why: string }
  /** The item has ended, and what follows an end is not done yet. */
  | { readonly kind: "settle" }
  | { readonly kind: "claim"; readonly claim: Claiming };

export interface Claiming {
  /**
   * The attempt that a step run by this claim stands for. Where there is no step to run: the one that it inherits without
   * an outcome, so that it stays on record should this claim die too (G2), else null.
   */
  readonly attempt: number | null;
  /** Set when the lease was not released: what is on record of the attempt that left no outcome. */
  readonly takeOver: { readonly attempts: number; readonly noOutcome: boolean; readonly alone: boolean } | null;
  /** Its last attempt left no outcome: it runs alone. */
  readonly suspect: boolean;
}

export interface Circumstances {
  readonly nowMs: number;
  /** The holder of LEASE is known to be gone. */
  readonly holderGone: boolean;
  /** LEASE is of this very worker, which lost track of HEAD: † it claims anew, whatever else would be decided. */
  readonly ownLease: boolean;
  /** Whether this worker can run the item's engine at the version that wrote its state. */
  readonly engineLoaded: boolean;
}

export function decide(live: Live, hand: Hand, given: Circumstances): Decision {
  const { head, lease, inbox } = live;
  const { status } = head;
  if (isEnded(status) && inbox.length === 0) {
    return isAlarmSet(live.due, "retention") ? { kind: "delete", why: "ended, nothing owed" } : { kind: "settle" };
  }
  if (!given.engineLoaded) return { kind: "hide", delayMs: backoffMs(hand.receiveCount), why: "engine not loaded here" };
  const held = leaseState(lease, head, given.nowMs, given.holderGone || given.ownLease);
  if (given.ownLease && held === "lapsed") return claim(live, true, status.kind === "ready" && inbox.length === 0);
  if (held === "held" && lease !== null) return whileHeld(lease, hand, given.nowMs);
  if (isEnded(status) || inbox.length > 0 || isOverdue(head, given.nowMs)) return claim(live, held === "lapsed", false);
  return byStatus(live, status, hand, given.nowMs, held === "lapsed");
}

/** † The holder's own message is in flight and comes back if it dies; any other is one too many. */
function whileHeld(lease: Lease, hand: Hand, nowMs: number): Decision {
  if (lease.messageId !== hand.messageId) return { kind: "delete", why: "somebody is at work, with a message of their own" };
  return { kind: "hide", delayMs: clampDelay(lease.expiresAtMs - nowMs), why: "somebody is at work with this very message" };
}

function byStatus(live: Live, status: OpenStatus | PausedStatus, hand: Hand, nowMs: number, lapsed: boolean): Decision {
  const { head, lease } = live;
  const named = lease?.messageId === hand.messageId;
  switch (status.kind) {
    case "sleeping":
      if (status.wakeAtMs <= nowMs) return claim(live, lapsed, true);
      return whileAsleep(status.wakeAtMs - nowMs, named || hand.version === head.version);
    case "ready":
      if (!named && hand.version !== null && hand.version < head.version)
        return { kind: "delete", why: "sent for an older version" };
      return claim(live, lapsed, true);
    case "paused":
      return { kind: "delete", why: "paused" };
    default:
      return assertNever(status);
  }
}

/** † A dying holder may not have sent the wake, so its message stands in for it; copies for other versions die out. */
function whileAsleep(delayMs: number, standsForWake: boolean): Decision {
  if (delayMs > MAX_DELAY_MS) return { kind: "delete", why: "asleep for long: the alarm has it" };
  return standsForWake
    ? { kind: "hide", delayMs: clampDelay(delayMs), why: "asleep" }
    : { kind: "delete", why: "asleep, and sent for another version" };
}

function claim(live: Live, lapsed: boolean, runsStep: boolean): Decision {
  const { head, lease } = live;
  const attempts = attemptsOnRecord(head, lease);
  const noOutcome = lapsed && leftNoOutcome(head, lease);
  const takeOver = lapsed ? { attempts, noOutcome, alone: diedAlone(head, lease) } : null;
  const inherited = noOutcome ? attempts : null;
  return { kind: "claim", claim: { attempt: runsStep ? attempts + 1 : inherited, takeOver, suspect: noOutcome } };
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
