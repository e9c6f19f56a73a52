/** What the invariants ask of what is known. */
import { alarmFor } from "../../domain/alarm.ts";
import { type Head, initialHead, isEnded } from "../../domain/head.ts";
import { COMMAND_RANGE } from "../../domain/keys.ts";
import { LEASE_DURATION_MS, MAX_DELAY_MS } from "../../domain/limits.ts";
import { decodeHint, type Hint } from "../../wire/hint.ts";
import type { Stage } from "./stage.ts";
import type { StepBegin } from "./watch.ts";
import type { Claimed, Watched } from "./watched.ts";

/** Instants were computed under a clock that may be off. */
export const CLOCKS_MS = LEASE_DURATION_MS;

/** By when its alarm must ring, whichever clock it was reckoned by: they differ about what has passed. */
export function neededAtMs(stage: Stage, head: Head, rings: number): number {
  const by = (nowMs: number): number => alarmFor(head, { nowMs, maxDelayMs: MAX_DELAY_MS }, rings).atMs;
  const nowMs = Math.floor(stage.nowMs());
  return Math.max(by(nowMs) + CLOCKS_MS, by(nowMs + CLOCKS_MS));
}
export function hintOf(stage: Stage, { partition }: Watched, messageId: string): Hint | null {
  const namespace = partition.slice(0, partition.indexOf("/"));
  const body = stage.environment.brokerOf(namespace).entries.get(messageId)?.body;
  return body === undefined ? null : decodeHint(body);
}
export function headOf(one: Watched): Head | null {
  return one.head ?? (one.item === null ? null : initialHead(one.item));
}
export function messagesOf(stage: Stage, { workId }: Watched): number {
  let count = 0;
  for (const broker of stage.environment.brokers()) {
    for (const { body } of broker.entries.values()) if (body.includes(workId)) count += 1;
  }
  return count;
}
export function hasMessage(stage: Stage, one: Watched): boolean {
  return messagesOf(stage, one) > 0;
}
/** Somebody who is alive holds its lease. */
export function isAtWork(stage: Stage, { lease, head }: Watched): boolean {
  if (lease === null || (head !== null && head.token >= lease.token)) return false;
  return lease.expiresAtMs > stage.nowMs() && stage.processes.get(lease.holder)?.isDead() === false;
}
/** What became of the attempt is on record, or its lease has run out: its code may run on, abandoned. */
export function isOver({ head, lease }: Watched, step: StepBegin, claim: Claimed | null): boolean {
  if (claim === null) return false;
  if (lease?.token === claim.token && lease.expiresAtMs <= step.actor.clock.nowMs()) return true;
  if (head === null) return false;
  return head.version > step.version || head.token > claim.token || (head.released && head.token === claim.token);
}
/** Somebody else has claimed it since, and learns nothing of what this one does: its outcome is refused. */
export function isOvertaken({ lease }: Watched, claim: Claimed | null): boolean {
  return claim !== null && lease !== null && lease.token > claim.token;
}
export function isMigrated(one: Watched, step: StepBegin): boolean {
  const loaded = step.engineVersion;
  return one.head !== null && one.head.engineVersion !== loaded;
}

export function mayFail({ drawn: { failBefore, failAfter, outage } }: Stage): boolean {
  return failBefore + failAfter + outage > 0;
}
/** A worker may lose its lease, or its message, and live. */
export function mayLapse({ drawn: { freeze, lapse, slow, clockJump } }: Stage): boolean {
  return freeze + lapse + slow + clockJump > 0;
}
export function isWorker(who: string): boolean {
  return who.startsWith("worker-") || who.startsWith("function-");
}
/** Somebody has to look at it. */
export function isWanted({ status, consumed }: Head, sort: string, signal: string | null): boolean {
  if (consumed.includes(sort)) return false;
  return signal === null || (status.kind === "waiting" && status.signals.includes(signal));
}
/** What a message has to stand for; null when the alarm alone has it, or something from outside. */
export function owedIn(one: Watched, { status, consumed }: Head): string | null {
  if (isEnded(status)) return null;
  const unread = [...one.inbox].filter(([sort, { hinted }]) => hinted && !consumed.includes(sort)).map(([sort]) => sort);
  if (unread.some((sort) => sort.startsWith(COMMAND_RANGE.from))) return "has an unread command";
  if (status.kind === "waiting" && status.signals.length > 0 && unread.length > 0) return "waits, and has an unread signal";
  if (status.kind === "ready" || status.kind === "closing") return `is ${status.kind}`;
  return status.kind === "sleeping" && status.wakeAtMs - status.sinceMs <= MAX_DELAY_MS ? "sleeps for a while" : null;
}
