/** Builders for domain values: every field has a plain default, tests say what matters. */
import type { Alarm } from "../../src/domain/alarm.ts";
import type { Circumstances, Hand, Live } from "../../src/domain/decide.ts";
import type { Rules } from "../../src/domain/ends.ts";
import {
  type Head,
  initialHead,
  type OpenStatus,
  type PausedStatus,
  type Status,
  type StoredCause,
  type WaitingStatus,
} from "../../src/domain/head.ts";
import { parseNamespace, parseToken, parseWorkId } from "../../src/domain/ids.ts";
import type { Command, InboxEntry, SignalEntry } from "../../src/domain/inbox.ts";
import type { Item, Stored } from "../../src/domain/item.ts";
import { commandKey, inboxKey } from "../../src/domain/keys.ts";
import type { Lease } from "../../src/domain/lease.ts";
import { CRASHES, DAY_MS, LEASE_DURATION_MS, MAX_DELAY_MS } from "../../src/domain/limits.ts";
import type { StoredError } from "../../src/domain/stored-error.ts";
import type { AttemptReport, OutcomeReport } from "../../src/domain/transition.ts";

export const NOW = 1_790_000_000_000;
export const WORK_ID = parseWorkId("0123456789abcdefghjk");

/** A value that the types rule out: what a `switch` meets when a newer release has one member more. */
export function forged<T>(value: unknown = { kind: "forged" }): T {
  return value as T;
}

/** Forged too, but like one of the known kinds the first few times that somebody looks. */
export function forgedLater<T>(kind: string, looks: number): T {
  let seen = 0;
  return forged(Object.defineProperty({}, "kind", { get: () => (seen++ < looks ? kind : "forged") }));
}

export function inline(value: unknown): Stored {
  return { kind: "inline", json: JSON.stringify(value) };
}

export function anItem(over: Partial<Item> = {}): Item {
  return {
    namespace: parseNamespace("test"),
    workId: WORK_ID,
    engine: "counter",
    payload: inline({ to: 3 }),
    payloadDigest: "d1",
    lane: "normal",
    tenant: "",
    labels: {},
    createdAtMs: NOW,
    startAtMs: NOW,
    deadlineMs: null,
    key: null,
    parent: null,
    ...over,
  };
}

export function aHead(over: Omit<Partial<Head>, "token"> & { token?: number } = {}): Head {
  const { token = 1, ...fields } = over;
  return { ...initialHead(anItem()), token: parseToken(token), ...fields };
}
export function initial(over: Partial<Item> = {}): Head {
  return initialHead(anItem(over));
}

export const READY: OpenStatus = { kind: "ready" };
export function sleeping(wakeAtMs: number, over: { sinceMs?: number; why?: "delay" | "retry" | "effect" } = {}): OpenStatus {
  return { kind: "sleeping", sinceMs: NOW, wakeAtMs, why: "delay", ...over };
}
export function waiting(over: Partial<Omit<WaitingStatus, "kind">> = {}): WaitingStatus {
  return { kind: "waiting", sinceMs: NOW, signals: [], group: null, timeoutAtMs: null, ...over };
}
export const CLOSING: Status = { kind: "closing", sinceMs: NOW, result: { kind: "inline", json: "1" } };
export function paused(beneath: OpenStatus = READY, sinceMs = NOW): PausedStatus {
  return { kind: "paused", sinceMs, reason: "operator", beneath };
}
export const COMPLETED: Status = { kind: "completed", endedAtMs: NOW, result: inline(1) };
export function endedBadly(kind: "failed" | "cancelled" | "dead_lettered", cause: StoredCause | null = null): Status {
  return { kind, endedAtMs: NOW, error: anError(), cause };
}
export const ENDED: readonly Status[] = [COMPLETED, endedBadly("failed"), endedBadly("cancelled"), endedBadly("dead_lettered")];
/** An ended head as `transition` leaves it. */
export function anEndedHead(status: Status = COMPLETED, over: Parameters<typeof aHead>[0] = {}): Head {
  return aHead({ status, rememberedUntilAtMs: NOW + 30 * DAY_MS, ...over });
}

export function anError(over: Partial<StoredError> = {}): StoredError {
  return { name: "Error", message: "broke", class: "unknown", code: null, stack: null, cause: null, ...over };
}

export function aLease(over: Omit<Partial<Lease>, "token"> & { token?: number } = {}): Lease {
  const { token = 2, ...fields } = over;
  return {
    holder: "p1",
    messageId: "m1",
    expiresAtMs: NOW + LEASE_DURATION_MS,
    version: 0,
    attempt: 1,
    wake: null,
    alone: false,
    ...fields,
    token: parseToken(token),
  };
}

export function aDue(over: Partial<Alarm> = {}): Alarm {
  return { why: "ready", atMs: NOW, version: 0, rings: 0, ...over };
}

export function mail(command: Command, id: string = command.kind, sentAtMs = NOW): InboxEntry {
  return { sort: commandKey(sentAtMs, id), id, sentAtMs, command };
}
export function aSignal(name = "go", id: string = name, sentAtMs = NOW): SignalEntry {
  return { sort: inboxKey(sentAtMs, id), id, sentAtMs, name, payload: inline(null) };
}
export const PAUSE: Command = { kind: "pause", reason: "lunch" };
export const RESUME: Command = { kind: "resume" };
export const CANCEL: Command = { kind: "cancel", reason: "no longer wanted" };
export const REDRIVE: Command = { kind: "redrive", note: "fixed it" };

export function aLive(over: Partial<Live> = {}): Live {
  return { item: anItem(), head: initial(), lease: null, due: aDue(), inbox: [], signals: [], ...over };
}
export function aHand(over: Partial<Hand> = {}): Hand {
  return { messageId: "m1", version: 0, token: null, receiveCount: 1, ...over };
}
export function given(over: Partial<Circumstances> = {}): Circumstances {
  return {
    nowMs: NOW,
    maxDelayMs: MAX_DELAY_MS,
    holderGone: false,
    ownLease: false,
    engineLoaded: true,
    groupSeen: false,
    ...over,
  };
}

export function someRules(over: Omit<Partial<Rules>, "limits"> & { limits?: Partial<Rules["limits"]> } = {}): Rules {
  const { limits, ...fields } = over;
  return {
    hasRecover: false,
    deadlineMs: null,
    retentionMs: 30 * DAY_MS,
    ...fields,
    limits: { steps: null, crashes: CRASHES, meters: {}, ...limits },
  };
}
export function aReport(over: Partial<AttemptReport> = {}): AttemptReport {
  return { attempt: 1, durationMs: 5, meters: {}, leftTraces: false, ...over };
}
export function anOutcome(over: Partial<OutcomeReport> = {}): OutcomeReport {
  return {
    ...aReport(),
    state: inline({ n: 1 }),
    engineVersion: 1,
    payload: null,
    artifacts: [],
    migratedFrom: null,
    ...over,
  };
}
