/** What operators and callers see of a work item. Reads only. */
import { wakesAt } from "../domain/alarm.ts";
import type { ArtifactRef } from "../domain/engine.ts";
import { type Head, isEnded, type StoredCause } from "../domain/head.ts";
import type { WorkId } from "../domain/ids.ts";
import type { JournalEvent } from "../domain/journal.ts";
import { decodeJson, type Json } from "../domain/json.ts";
import type { Lane } from "../domain/lane.ts";
import { leaseState, leftNoOutcome } from "../domain/lease.ts";
import { dollarsOf } from "../domain/prices.ts";
import type { StoredError } from "../domain/stored-error.ts";
import { isNothing, type Units } from "../domain/units.ts";
import { decodeEvents } from "../wire/journal.ts";
import { listArtifacts } from "./artifacts.ts";
import type { Deps } from "./deps.ts";
import type { LiveRecords } from "./live.ts";
import { readTexts } from "./strands.ts";
import { load } from "./values.ts";

/** The stored status and what the lease tells: `ready` is queued, or running while a live lease is held. */
export type ShownStatus =
  | "queued"
  | "running"
  | "sleeping"
  | "waiting"
  | "closing"
  | "paused"
  | "completed"
  | "failed"
  | "cancelled"
  | "dead_lettered";
export const SHOWN_STATUSES: readonly ShownStatus[] = [
  "queued",
  "running",
  "sleeping",
  "waiting",
  "closing",
  "paused",
  "completed",
  "failed",
  "cancelled",
  "dead_lettered",
];

export interface ItemUnits extends Units {
  readonly dollars: number;
}
export interface ItemStatus {
  readonly workId: WorkId;
  readonly namespace: string;
  readonly engine: string;
  readonly status: ShownStatus;
  /** Committed outcomes. */
  readonly version: number;
  /** The step to come, or the last one. */
  readonly step: string;
  /** Attempts on record for it. */
  readonly attempt: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly endedAtMs: number | null;
  /** Its last attempt left no outcome: it waits until it can run alone in a worker. */
  readonly suspect: boolean;
  /** When a sleeping item wakes, by itself or to try again, and when the wait of a waiting one times out. */
  readonly wakeAtMs: number | null;
  /** What a waiting item waits for, also beneath a pause. */
  readonly waitsFor: { readonly signals: readonly string[]; readonly group: string | null } | null;
  /** Of a child. */
  readonly parent: { readonly workId: WorkId; readonly key: string; readonly group: string | null } | null;
  readonly hasChildren: boolean;
  readonly retrying: boolean;
  /** It sleeps until it can be found out what became of an effect. */
  readonly findingOut: boolean;
  readonly pausedBecause: string | null;
  readonly deadlineAtMs: number | null;
  readonly rememberedUntilAtMs: number | null;
  /** When somebody will look at the latest. */
  readonly alarmAtMs: number | null;
  /** Set while a lease is held. */
  readonly holder: { readonly process: string; readonly expiresAtMs: number; readonly fencingToken: number } | null;
  readonly lane: Lane;
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly key: string | null;
  readonly meters: Readonly<Record<string, number>>;
  /**
   * What its workers had used of AWS when it was last saved, and its list price; null where nobody counts. The enqueue and
   * what came after the last save are not in it, nor is what callers and the sweeper did, and the workers' time.
   */
  readonly units: ItemUnits | null;
  readonly artifacts: number;
  readonly logEntries: number;
  /** Commands that nobody has applied yet. */
  readonly unread: number;
  /** Signals that no step has taken yet; 64 stands for that many or more. */
  readonly buffered: number;
  /** Set while `recover` has its turn. */
  readonly recovering: StoredCause | null;
  readonly engineVersion: number;
  /** Of the last attempt, or of a bad end. */
  readonly error: StoredError | null;
  readonly cause: StoredCause | null;
}

export function statusOf(deps: Deps, live: LiveRecords): ItemStatus {
  const { item, head, due } = live;
  const { status } = head;
  const held =
    leaseState(live.lease, head, deps.clock.nowMs(), live.lease !== null && deps.processes.isGone(live.lease.holder)) === "held";
  const open = status.kind === "paused" ? status.beneath : status;
  const lease = live.lease;
  return {
    workId: item.workId,
    namespace: item.namespace,
    engine: item.engine,
    status: shownStatus(head, held, deps.clock.nowMs()),
    version: head.version,
    step: head.step,
    attempt: held && lease !== null && lease.token > head.token ? Math.max(head.attempt, lease.attempt ?? 0) : head.attempt,
    createdAtMs: item.createdAtMs,
    updatedAtMs: head.updatedAtMs,
    endedAtMs: isEnded(status) ? status.endedAtMs : null,
    suspect: !held && !isEnded(status) && leftNoOutcome(head, lease),
    wakeAtMs: wakesAt(open)?.wakeAtMs ?? null,
    waitsFor: open.kind === "waiting" ? { signals: open.signals, group: open.group?.name ?? null } : null,
    parent: item.parent === null ? null : { ...item.parent, group: item.parent.group?.name ?? null },
    hasChildren: live.hasChildren,
    retrying: open.kind === "sleeping" && open.why === "retry",
    findingOut: open.kind === "sleeping" && open.why === "effect",
    pausedBecause: status.kind === "paused" ? status.reason : null,
    deadlineAtMs: isEnded(status) ? null : head.deadlineAtMs,
    rememberedUntilAtMs: head.rememberedUntilAtMs,
    alarmAtMs: due?.atMs ?? null,
    holder: held && lease !== null ? { process: lease.holder, expiresAtMs: lease.expiresAtMs, fencingToken: lease.token } : null,
    lane: item.lane,
    tenant: item.tenant,
    labels: item.labels,
    key: item.key,
    meters: head.meters,
    units: isNothing(head.units) ? null : { ...head.units, dollars: dollarsOf(head.units) },
    artifacts: head.artifacts.length + head.sealedArtifacts.lines,
    logEntries: head.log.lines,
    unread: live.inbox.length,
    buffered: live.signals.length,
    recovering: head.recovery?.cause ?? null,
    engineVersion: head.engineVersion,
    error: "error" in status ? status.error : head.lastError,
    cause: "cause" in status ? status.cause : null,
  };
}

function shownStatus(head: Head, held: boolean, nowMs: number): ShownStatus {
  const { status } = head;
  if (status.kind === "ready") return held ? "running" : "queued";
  if (status.kind === "sleeping" && status.wakeAtMs <= nowMs) return held ? "running" : "queued";
  if (status.kind === "waiting" && held) return "running";
  return status.kind;
}

/** The journal, oldest first. */
export async function* readEvents(deps: Deps, live: LiveRecords): AsyncGenerator<JournalEvent> {
  for (const text of await readTexts(deps, live.partition, "journal", live.head.journal)) {
    yield* decodeEvents(text, `journal of ${live.partition}`).events;
  }
}

export interface HistoryEntry {
  readonly version: number;
  readonly atMs: number;
  readonly step: string;
  readonly attempt: number;
  readonly durationMs: number;
  /** Undefined where the journal policy kept none. */
  readonly state?: Json;
}

/** Every committed version that the journal policy kept, and the present state. */
export async function* readHistory(deps: Deps, live: LiveRecords): AsyncGenerator<HistoryEntry> {
  for await (const event of readEvents(deps, live)) {
    if (event.kind !== "step") continue;
    const { version, atMs, step, attempt, durationMs } = event;
    const present = version === live.head.version ? live.head.state : null;
    const stored = event.state ?? present;
    const state = stored === null ? {} : { state: decodeJson(await load(deps, live.partition, stored)) };
    yield { version, atMs, step, attempt, durationMs, ...state };
  }
}

export async function readState(deps: Deps, live: LiveRecords): Promise<Json | null> {
  return live.head.state === null ? null : decodeJson(await load(deps, live.partition, live.head.state));
}
export function readArtifacts(deps: Deps, live: LiveRecords): Promise<ArtifactRef[]> {
  return listArtifacts(deps, live.partition, live.head);
}
