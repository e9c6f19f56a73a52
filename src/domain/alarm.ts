/**
 * The alarm (DUE): the instant by which somebody must look at an item. It is never later than the item needs (G3).
 *
 * `alarmFor` says what an item in a given state needs; workers set DUE to it before a commit that needs it earlier,
 * and whoever looks afterwards rewrites one that is past or too late. `ring` says what the sweeper does about one
 * that is due: which hint is owed, and when to look next.
 */
import { assertNever } from "./errors.ts";
import { deadlineOf, type Head, isEnded } from "./head.ts";
import {
  ALARM_INBOX_MS,
  ALARM_OWED_MS,
  ALARM_PAUSED_MS,
  ALARM_READY_MAX_MS,
  ALARM_WAKE_GRACE_MS,
  COLLECT_AFTER_MS,
  MAX_DELAY_MS,
} from "./limits.ts";

/** What it is set for. At the end, `retention` also says that what follows the end is done. */
export type DueReason = "enqueue" | "inbox" | "ready" | "sleep" | "waiting" | "paused" | "end" | "retention" | "collect";
export interface Due {
  readonly why: DueReason;
  /** Null when nothing is owed any more: the store collects what is left by itself. */
  readonly atMs: number | null;
  /** The version it was last set for, and how often it rang for it. */
  readonly version: number;
  readonly rings: number;
}

/** What an alarm is reckoned from. */
export interface Reckoning {
  readonly nowMs: number;
  /** A sleep of up to so long has a delayed message (`settings.maxDelayMs`); a longer one has none but for its end. */
  readonly maxDelayMs: number;
}

/** One that will ring. */
export type Alarm = Due & { readonly atMs: number };

export function isAlarmSet(due: Due | null, why: "retention" | "collect"): boolean {
  return due !== null && (due.why === why || due.why === "collect");
}

/** The latest instant at which somebody must look at an item that is in this state. */
export function alarmFor(head: Head, given: Reckoning, rings = 0): Alarm {
  const { nowMs } = given;
  const need = needOf(head, given, rings);
  const deadlineAtMs = deadlineOf(head);
  const capAtMs = deadlineAtMs === null ? need.atMs : capOf(deadlineAtMs, nowMs);
  return { why: need.why, atMs: Math.min(need.atMs, capAtMs), version: head.version, rings };
}
/** The same, where the alarm may have rung for this very version: as it doubled then, it is needed no sooner. */
export function alarmAfter(due: Due | null, head: Head, given: Reckoning): Alarm {
  const hasRung = due?.why === "ready" && due.version === head.version;
  return alarmFor(head, given, hasRung ? due.rings : 0);
}
/** A deadline that has passed is owed a look, like something in the inbox. */
function capOf(deadlineAtMs: number, nowMs: number): number {
  return deadlineAtMs > nowMs ? deadlineAtMs : nowMs + ALARM_OWED_MS;
}

function needOf(head: Head, given: Reckoning, rings: number): { why: DueReason; atMs: number } {
  const { status } = head;
  const { nowMs } = given;
  if (isEnded(status)) return { why: "end", atMs: nowMs + ALARM_OWED_MS };
  switch (status.kind) {
    case "ready":
      return { why: "ready", atMs: nowMs + Math.min(ALARM_READY_MAX_MS, ALARM_OWED_MS * 2 ** Math.min(rings, 10)) };
    case "sleeping":
      return { why: "sleep", atMs: sleepAlarm(status, given) };
    case "waiting": {
      const wakes = wakesAt(status);
      return { why: "waiting", atMs: wakes === null ? pausedAlarm(status.sinceMs, nowMs) : sleepAlarm(wakes, given) };
    }
    case "closing":
      return { why: "end", atMs: nowMs + ALARM_OWED_MS };
    case "paused":
      return { why: "paused", atMs: pausedAlarm(status.sinceMs, nowMs) };
    default:
      return assertNever(status);
  }
}

/** A sleep of more than 15 min has no message: the alarm sends one for its last 15 min. */
function sleepAlarm(status: Sleep, { nowMs, maxDelayMs }: Reckoning): number {
  const handOver = status.wakeAtMs - maxDelayMs;
  if (isLongSleep(status, maxDelayMs) && nowMs < handOver) return handOver;
  return Math.max(status.wakeAtMs + ALARM_WAKE_GRACE_MS, nowMs + MAX_DELAY_MS);
}
export function isLongSleep({ sinceMs, wakeAtMs }: Sleep, maxDelayMs: number): boolean {
  return wakeAtMs - sinceMs > maxDelayMs;
}
/** After a day, a week, then every 30 days: nothing is owed to a paused item, or to one that waits, but a look. */
function pausedAlarm(sinceMs: number, nowMs: number): number {
  for (const afterMs of ALARM_PAUSED_MS) {
    if (sinceMs + afterMs > nowMs) return sinceMs + afterMs;
  }
  const everyMs = Math.max(...ALARM_PAUSED_MS);
  return sinceMs + everyMs * (Math.floor((nowMs - sinceMs) / everyMs) + 1);
}

/** Set by whoever puts something into the inbox, before the hint. */
export function inboxAlarm(version: number, nowMs: number): Alarm {
  return { why: "inbox", atMs: nowMs + ALARM_INBOX_MS, version, rings: 0 };
}
/** Set once all that follows an end is done: for when the item may be forgotten; null where nobody need see to that. */
export function retentionAlarm<T extends number | null>(head: Head, forgetAtMs: T): Due & { readonly atMs: T } {
  return { why: "retention", atMs: forgetAtMs, version: head.version, rings: 0 };
}

/**
 * What to set before the commit of `next`, which may yet be lost to a snapshot that needs somebody sooner: a late worker
 * that finds the alarm past must not put it off (G3). So it is soon, and whoever looks afterwards moves it on.
 */
export function alarmBeforeCommit(next: Head, given: Reckoning): Alarm {
  const need = alarmFor(next, given);
  return { ...need, atMs: Math.min(need.atMs, given.nowMs + ALARM_OWED_MS) };
}

/** † An instant that is past counts as unset, and one that is later than needed is rewritten. */
export function needsRewrite(due: Due | null, need: Alarm, nowMs: number): boolean {
  const atMs = due?.atMs ?? null;
  return atMs === null || atMs <= nowMs || atMs > need.atMs;
}

interface Sleep {
  readonly sinceMs: number;
  readonly wakeAtMs: number;
}

export type Ring =
  /** Send a hint (`delayMs` from now) for `version` unless null, then move DUE. */
  | { readonly kind: "look_again"; readonly hint: { readonly delayMs: number } | null; readonly next: Alarm }
  /** Past what is remembered: delete the blobs, then move DUE. */
  | { readonly kind: "forget"; readonly next: Alarm }
  | { readonly kind: "collect" };

/**
 * What the sweeper does about an alarm that is due. It sends what is owed before it moves DUE. `owed`: something came in
 * that somebody has to look at.
 */
export function ring(due: Due, head: Head, owed: boolean, given: Reckoning): Ring {
  const { nowMs } = given;
  const now = { delayMs: 0 };
  const rings = due.version === head.version ? due.rings + 1 : 1;
  if (owed) {
    return { kind: "look_again", hint: now, next: { why: "inbox", atMs: nowMs + ALARM_OWED_MS, version: head.version, rings } };
  }
  if (isEnded(head.status)) return ringEnded(due, head, nowMs);
  const next = alarmFor(head, given, rings);
  const deadlineAtMs = deadlineOf(head);
  const overdue = deadlineAtMs !== null && deadlineAtMs <= nowMs;
  return { kind: "look_again", hint: overdue ? now : hintOwed(head, given), next };
}

function hintOwed(head: Head, { nowMs, maxDelayMs }: Reckoning): { delayMs: number } | null {
  const { status } = head;
  if (status.kind === "ready" || status.kind === "closing") return { delayMs: 0 };
  const wakes = wakesAt(status);
  if (wakes === null) return null;
  if (nowMs >= wakes.wakeAtMs + ALARM_WAKE_GRACE_MS) return { delayMs: 0 };
  const delayMs = wakes.wakeAtMs - nowMs;
  return isLongSleep(wakes, maxDelayMs) && delayMs <= maxDelayMs ? { delayMs: Math.max(0, delayMs) } : null;
}
/** Since when an item sleeps and until when; the timeout of a wait is such a sleep. Null for what goes by no clock. */
export function wakesAt(status: Head["status"]): Sleep | null {
  if (status.kind === "sleeping") return status;
  if (status.kind !== "waiting" || status.timeoutAtMs === null) return null;
  return { sinceMs: status.sinceMs, wakeAtMs: status.timeoutAtMs };
}

function ringEnded(due: Due, head: Head, nowMs: number): Ring {
  const until = head.rememberedUntilAtMs;
  if (!isAlarmSet(due, "retention") || until === null) {
    return {
      kind: "look_again",
      hint: { delayMs: 0 },
      next: { why: "end", atMs: nowMs + ALARM_OWED_MS, version: head.version, rings: due.rings + 1 },
    };
  }
  if (nowMs < until) return { kind: "look_again", hint: null, next: retentionAlarm(head, until) };
  if (nowMs >= until + COLLECT_AFTER_MS) return { kind: "collect" };
  return { kind: "forget", next: { why: "collect", atMs: until + COLLECT_AFTER_MS, version: head.version, rings: 0 } };
}
