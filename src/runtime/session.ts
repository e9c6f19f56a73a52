/**
 * One claim of one item, from the lease to the commit that releases it.
 *
 * It owns HEAD while it lasts: every snapshot is written at the revision it read (G1), under its own token (G4). The
 * attempt is on record before the step runs: in LEASE for the first one, in the commit before for the next (G2).
 * It does not own the message: `work` deletes or hides it, after the look that follows a release (G3).
 */
import { alarmAfter, alarmBeforeCommit, type Due, needsRewrite } from "../domain/alarm.ts";
import type { Claiming } from "../domain/decide.ts";
import type { Rules, Transition } from "../domain/ends.ts";
import type { Engine } from "../domain/engine.ts";
import { type Head, woken } from "../domain/head.ts";
import { tokenAfter } from "../domain/ids.ts";
import type { Item } from "../domain/item.ts";
import { kept } from "../domain/journal.ts";
import { HEAD_KEY, LEASE_KEY } from "../domain/keys.ts";
import type { Lease } from "../domain/lease.ts";
import { HEAD_ARTIFACTS } from "../domain/limits.ts";
import { append } from "../domain/strand.ts";
import { addUnits, NO_UNITS } from "../domain/units.ts";
import type { Revision } from "../ports/record-store.ts";
import { decodeEvents, encodeEvents, type JournalContext } from "../wire/journal.ts";
import { encodeLease } from "../wire/lease.ts";
import { reckoningOf, ringBy } from "./alarms.ts";
import type { Deps } from "./deps.ts";
import { headExpiry } from "./expiry.ts";
import { createFamily, type Family } from "./family.ts";
import { settleConsumed } from "./inbox.ts";
import type { Expected, LiveRecords } from "./live.ts";
import { put } from "./records.ts";
import { removeSegments, type Sealing, sealTails } from "./seal.ts";

export interface Session extends Sealing {
  readonly deps: Deps;
  readonly partition: string;
  readonly item: Item;
  readonly engine: Engine;
  readonly rules: Rules;
  readonly messageId: string;
  /** As last read or committed by this session. */
  head: Head;
  headRevision: Expected;
  lease: Lease;
  leaseRevision: Revision;
  due: Due | null;
  journal: JournalContext | null;
  /** Somebody else has the item now: whatever this session still does is discarded. */
  lost: boolean;
  /** The heartbeat saw a command in the inbox. */
  mail: boolean;
  readonly family: Family;
}

/** Writes LEASE at the revision that was read. Null: the claim was lost; † read again and decide afresh. */
export async function claim(
  deps: Deps,
  live: LiveRecords,
  claiming: Claiming,
  by: { engine: Engine; rules: Rules; messageId: string; alone: boolean },
): Promise<Session | null> {
  const { partition, item, head } = live;
  const lease: Lease = {
    holder: deps.processes.self,
    messageId: by.messageId,
    token: tokenAfter(live.lease?.token ?? 0, head.token),
    expiresAtMs: deps.clock.nowMs() + deps.settings.leaseDurationMs,
    version: head.version,
    attempt: claiming.attempt,
    wake: head.status.kind === "waiting" ? claiming.wake : null,
    alone: by.alone,
  };
  const written = await put(deps, { partition, sort: LEASE_KEY, ...encodeLease(lease) }, live.revisions.lease, lease.token);
  if (!written.ok) return null;
  const journal = head.journal.tail === "" ? null : decodeEvents(head.journal.tail, `journal of ${partition}`).context;
  return {
    deps,
    partition,
    item,
    engine: by.engine,
    rules: by.rules,
    messageId: by.messageId,
    head: claiming.wake === null ? head : woken(head, claiming.wake),
    headRevision: live.revisions.head,
    lease,
    leaseRevision: written.revision,
    due: live.due,
    journal,
    lost: false,
    mail: false,
    family: createFamily(live.hasChildren),
  };
}

export interface CommitOptions {
  /** The last commit of the session: the lease is free once it is written. */
  readonly release: boolean;
  /** Sort keys of the inbox entries that it consumes. */
  readonly consumed?: readonly string[];
  /** Lines for the engine's log. */
  readonly log?: readonly string[];
}

/**
 * Commits a transition at HEAD's revision. False: HEAD was not at the expected revision, and the session is lost.
 * † A commit that does not release is also the next attempt on record.
 */
export async function commit(session: Session, change: Transition, options: CommitOptions): Promise<boolean> {
  const { deps, partition, lease } = session;
  const { next } = change;
  const { lines, context } = journalLines(session, change);
  const appended: Head = {
    ...next,
    token: lease.token,
    released: options.release,
    attempt: next.attempt + (options.release ? 0 : 1),
    consumed: options.consumed ?? [],
    units: addUnits(next.units, deps.meter?.take(partition) ?? NO_UNITS),
    ...firstArtifacts(next),
    journal: append(next.journal, lines),
    log: append(next.log, options.log ?? []),
  };
  const tails = await sealTails(session, appended);
  await before(session, tails.head);
  const listed =
    tails.head.rememberedUntilAtMs === null
      ? null
      : { group: endedGroup(deps.namespace, tails.head.status.kind), atMs: tails.head.updatedAtMs };
  const expires = headExpiry(deps, session.item, tails.head);
  const draft = { partition, sort: HEAD_KEY, ...tails.content, listed, ...(expires === null ? {} : { expiresAtMs: expires }) };
  const written = await put(deps, draft, session.headRevision, lease.token);
  if (!written.ok) {
    session.lost = true;
    return false;
  }
  session.head = tails.head;
  session.headRevision = written.revision;
  session.journal = tails.head.journal.tail === "" ? null : context;
  removeSegments(session, tails.merged);
  tellBadEnd(session);
  return true;
}

/** An operator who only reads the worker's log should meet it there. */
function tellBadEnd({ deps, item, head }: Session): void {
  const { status } = head;
  if (status.kind !== "failed" && status.kind !== "dead_lettered") return;
  const { name, message } = status.error;
  if (status.kind === "dead_lettered") deps.metrics.count("deadLettered");
  deps.logger.warn(`work item ${status.kind}`, {
    workId: item.workId,
    engine: item.engine,
    step: head.step,
    error: `${name}: ${message}`,
  });
}

/** What must stand before HEAD may say so: an alarm early enough, and the end of what an earlier commit consumed. */
async function before(session: Session, next: Head): Promise<void> {
  const { deps, partition, head, due } = session;
  const reckoning = reckoningOf(deps);
  if (needsRewrite(due, alarmAfter(due, next, reckoning), reckoning.nowMs)) {
    const soon = alarmBeforeCommit(next, reckoning);
    await ringBy(deps, partition, soon);
    session.due = soon;
  }
  if (head.consumed.length > 0) await settleConsumed(deps, partition, head.consumed);
}

function journalLines(session: Session, change: Transition): { lines: readonly string[]; context: JournalContext | null } {
  const policy = session.engine.code.journal ?? "steps";
  const events = change.changes.map((event) => kept(event, policy)).filter((event) => event !== null);
  return encodeEvents(session.journal, events);
}

/** The first few references stay in the snapshot, the others go the way of log entries. */
function firstArtifacts(next: Head): Pick<Head, "artifacts" | "sealedArtifacts"> {
  const more = next.artifacts.slice(HEAD_ARTIFACTS).map((ref) => JSON.stringify(ref));
  return { artifacts: next.artifacts.slice(0, HEAD_ARTIFACTS), sealedArtifacts: append(next.sealedArtifacts, more) };
}

export function endedGroup(namespace: string, status: string): string {
  return `${namespace}/${status}`;
}
