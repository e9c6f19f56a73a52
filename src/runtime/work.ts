/**
 * One message, from its receipt to its end: read, decide, claim, run, hop, look.
 *
 * G3: the message is deleted last, after the next hint is sent and what arrived meanwhile has been looked for. Whatever
 *     is thrown here leaves it in the queue, hidden for a while.
 */
import { alarmAfter, inboxAlarm, needsRewrite } from "../domain/alarm.ts";
import { backoffMs, type Claiming, type Decision, decide, type Hand, isOwed } from "../domain/decide.ts";
import type { Engine } from "../domain/engine.ts";
import { assertNever, messageOf, RecordUndecodableError } from "../domain/errors.ts";
import { type Head, isEnded } from "../domain/head.ts";
import type { Item } from "../domain/item.ts";
import { FREE_HOPS } from "../domain/limits.ts";
import type { Message } from "../ports/work-queue.ts";
import { decodeHint, type Hint } from "../wire/hint.ts";
import { mayBegin } from "./admission.ts";
import { reckoningOf, ringBy, writeDue } from "./alarms.ts";
import type { Deps } from "./deps.ts";
import { type Engines, rulesOf, shorter } from "./engines.ts";
import { lookAtGroup, tellIfSatisfied } from "./group.ts";
import { sendHint, sendNext } from "./hints.ts";
import { isStale } from "./inbox.ts";
import { type LiveRecords, readDue, readLive } from "./live.ts";
import { type Host, runSession } from "./loop.ts";
import { patiently } from "./records.ts";
import { claim, type Session } from "./session.ts";
import { settle } from "./settle.ts";
import type { Turn } from "./turn.ts";
import { keepHidden } from "./visibility.ts";

/** About how long a suspect stays away that has to wait for another one. */
const SUSPECT_BACK_MS = 100;

export interface WorkHost extends Host {
  /** True once nothing else runs in this process, and nothing else will until the first commit; false: not here, not now. */
  becomeAlone(message: Message): Promise<boolean>;
  readonly isAlone: () => boolean;
  /** Nor does anything run on that was abandoned: a death of this process would be the item's own. */
  readonly wouldDieAlone: () => boolean;
}

/** Never rejects: what cannot be handled now is hidden, and comes back. */
export async function work(deps: Deps, engines: Engines, message: Message, host: WorkHost): Promise<void> {
  let hint: Hint | null = null;
  try {
    hint = decodeHint(message.body);
    // A queue may be shared by namespaces.
    const own = hint.namespace === deps.namespace ? deps : { ...deps, namespace: hint.namespace };
    await handle(own, engines, message, hint, host);
  } catch (error) {
    await giveUp(deps, message, error, hint === null && error instanceof RecordUndecodableError);
  }
}

/** A hint that nobody can read is for a person; everything else comes back. */
async function giveUp(deps: Deps, message: Message, error: unknown, unreadable: boolean): Promise<void> {
  deps.logger.error("message not handled", { messageId: message.id, body: message.body, error: messageOf(error) });
  if (unreadable) deps.metrics.count("buried");
  const answer = unreadable
    ? deps.queue.bury(message, messageOf(error))
    : deps.queue.hide(message, backoffMs(message.receiveCount));
  await answer.catch((again: unknown) =>
    deps.logger.error("message not given back", { messageId: message.id, error: messageOf(again) }),
  );
}

async function handle(deps: Deps, engines: Engines, message: Message, hint: Hint, host: WorkHost): Promise<void> {
  const hand: Hand = { messageId: message.id, version: hint.version, token: hint.token, receiveCount: message.receiveCount };
  const turn: Turn = { steps: 0, sinceMs: null, slowestMs: 0 };
  let own: Session | null = null;
  let groupSeen = false;
  let { hops } = hint;
  for (;;) {
    const live = await readLive(deps, hint.workId, {
      deadlineFor: (item) => shorter(item.deadlineMs, engines.find(item.engine)?.code.limits?.totalMs ?? null),
    });
    if (live.item === null) return remove(deps, message);
    const engine = loadedEngine(engines, live);
    const decision = decideNow(deps, live, hand, { engineLoaded: engine !== null, own, groupSeen });
    switch (decision.kind) {
      case "delete":
        if (own?.lost === true && (await isSettledAgain(deps, live))) {
          own = null;
          break;
        }
        if (decision.isCopy) deps.metrics.count("hintCopies");
        return remove(deps, message);
      case "hide":
        return patiently(deps, () => deps.queue.hide(message, decision.delayMs));
      case "settle":
        if (await settleKept(deps, message, live.item)) return remove(deps, message);
        break;
      case "look_at_group":
        groupSeen = !(await lookAtGroup(deps, live));
        break;
      case "claim":
        if (engine === null) return patiently(deps, () => deps.queue.hide(message, backoffMs(message.receiveCount)));
        if (await isOldSignal(deps, live, decision.claim)) break;
        if (decision.claim.wake !== null && !(await mayBegin(deps, live))) return remove(deps, message);
        if (decision.claim.suspect && !host.isAlone()) {
          if (await host.becomeAlone(message)) break;
          return patiently(deps, () => deps.queue.hide(message, jitterMs(deps)));
        }
        groupSeen = false;
        own = await runClaim(deps, live, engine, decision.claim, message, host, turn);
        if (own === null) deps.metrics.count("claimConflicts");
        if (own === null || own.lost) break;
        hops = isFurther(own.head, live.head) ? 0 : hops + 1;
        tellHops(deps, own, hops);
        if ((await look(deps, own, message, hops)) || (await hasPassedOn(deps, own, host, turn))) return remove(deps, message);
        break;
      default:
        return assertNever(decision);
    }
  }
}

/** A worker that was late may have written beside an end that had been settled: what it left is told when it may go. */
async function isSettledAgain(deps: Deps, { partition, head }: LiveRecords): Promise<boolean> {
  if (!deps.store.collects || !isEnded(head.status)) return false;
  await ringBy(deps, partition, inboxAlarm(head.version, deps.clock.nowMs()));
  return true;
}

/** A commit of an outcome, or of an attempt that failed, is progress; one that gives its attempt back is none. */
function isFurther(head: Head, before: Head): boolean {
  return head.version > before.version || head.attempt > before.attempt || head.status.kind !== before.status.kind;
}
function tellHops({ metrics, logger }: Deps, { item, head }: Session, hops: number): void {
  if (hops <= FREE_HOPS) return;
  metrics.count("hopsWithoutProgress");
  logger.warn("an item does not move on", { workId: item.workId, version: head.version, hops });
}

interface Known {
  readonly engineLoaded: boolean;
  readonly own: Session | null;
  readonly groupSeen: boolean;
}

export function decideNow(deps: Deps, live: LiveRecords, hand: Hand, { engineLoaded, own, groupSeen }: Known): Decision {
  const { lease } = live;
  // † A worker whose own lease is live never hides or deletes on a decision: it claims anew.
  const mine = own !== null && lease !== null && lease.token === own.lease.token && lease.holder === own.lease.holder;
  const holderGone = mine || (lease !== null && deps.processes.isGone(lease.holder));
  return decide(live, hand, { ...reckoningOf(deps), holderGone, ownLease: mine, engineLoaded, groupSeen });
}
/** The signal that the step would be woken by was consumed before: decide without it. */
async function isOldSignal(deps: Deps, { partition, head }: LiveRecords, { wake }: Claiming): Promise<boolean> {
  return head.status.kind === "waiting" && wake?.kind === "signal" && isStale(deps, partition, wake.sort);
}

/** Null: this worker cannot run the item; it stays for one that can. */
export function loadedEngine(engines: Engines, live: LiveRecords): Engine | null {
  const engine = engines.find(live.item.engine);
  return engine === null || engine.version < live.head.engineVersion ? null : engine;
}

/** The session that ran, or null when the claim was lost. */
async function runClaim(
  deps: Deps,
  live: LiveRecords,
  engine: Engine,
  claiming: Claiming,
  message: Message,
  host: WorkHost,
  turn: Turn,
): Promise<Session | null> {
  const rules = rulesOf(engine, live.item, deps.settings.retentionMs);
  const session = await claim(deps, live, claiming, { engine, rules, messageId: message.id, alone: host.wouldDieAlone() });
  if (session === null) return null;
  await runSession(session, claiming, live.inbox, message, host, turn);
  return session;
}

/**
 * Hop, then look. Committed first; now the next hint is sent; then DUE, strictly before the rest, and the inbox are
 * read once more. † What arrived meanwhile found the lease busy, so it is handled now: false, decide afresh.
 */
async function look(deps: Deps, session: Session, message: Message, hops: number): Promise<boolean> {
  const { partition, item } = session;
  await sendNext(deps, item, session.head, hops);
  if (isEnded(session.head.status)) return settleKept(deps, message, item);
  if (await isQuiet(deps, item)) return true;
  for (;;) {
    // † The clock first: an alarm that passes during the reads was early enough for a sender who is not seen here.
    const reckoning = reckoningOf(deps);
    const { nowMs } = reckoning;
    const { due, revision } = await readDue(deps, partition);
    const live = await readLive(deps, item.workId);
    if (live.item === null) return true;
    if (isOwed(live, nowMs)) return false;
    if (isEnded(live.head.status)) return settleKept(deps, message, item);
    if (await tellIfSatisfied(deps, live)) return false;
    const need = alarmAfter(due, live.head, reckoning);
    if (!needsRewrite(due, need, nowMs)) return true;
    // An alarm that has passed rings for nobody once it is rewritten: what it owed is sent here.
    if (due !== null && due.atMs !== null && due.atMs <= nowMs) await sendNext(deps, item, live.head);
    if ((await writeDue(deps, partition, need, revision)).ok) return true;
  }
}

/**
 * Most often nothing came in and the alarm is early enough, and one read shows it: what is put into the inbox after it
 * has a hint that finds the lease free. It moves nothing, so the order within the read does not matter.
 */
async function isQuiet(deps: Deps, item: Item): Promise<boolean> {
  const reckoning = reckoningOf(deps);
  const { nowMs } = reckoning;
  const live = await readLive(deps, item.workId);
  if (live.item === null) return true;
  if (isEnded(live.head.status) || isOwed(live, nowMs)) return false;
  if (live.head.status.kind === "waiting" && live.head.status.group !== null) return false;
  return !needsRewrite(live.due, alarmAfter(live.due, live.head, reckoning), nowMs);
}

/** Others have their turn first: what came in meanwhile has a message of its own, before this one is deleted (G3). */
async function hasPassedOn(deps: Deps, { item, head }: Session, host: WorkHost, turn: Turn): Promise<boolean> {
  const { status } = head;
  // What ends, or is about to, takes no more steps.
  if (isEnded(status) || status.kind === "closing") return false;
  if (turn.sinceMs === null || !host.shouldYield(turn)) return false;
  // One that is ready has had its hint by the hop.
  if (status.kind !== "ready") await sendHint(deps, item, null, 0);
  return true;
}

/** Many children take long to tell, and there is no heartbeat any more. */
function settleKept(deps: Deps, message: Message, item: Item): Promise<boolean> {
  return keepHidden(deps, message, () => settle(deps, item));
}

/** Back for whoever has room; not charged. */
function jitterMs(deps: Deps): number {
  return Math.ceil(SUSPECT_BACK_MS * (0.5 + deps.random.fraction()));
}
function remove(deps: Deps, message: Message): Promise<void> {
  return patiently(deps, () => deps.queue.remove(message));
}
