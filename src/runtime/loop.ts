/**
 * The steps of one session, inline until blocked: run, turn the outcome into a transition, commit, go on.
 */
import type { Claiming } from "../domain/decide.ts";
import { isOverdue, signalWake } from "../domain/decide.ts";
import type { Transition } from "../domain/ends.ts";
import { assertNever, messageOf, RookeryError, StepAbortedError, StepTimeoutError } from "../domain/errors.ts";
import type { Head } from "../domain/head.ts";
import type { InboxEntry } from "../domain/inbox.ts";
import type { Stored } from "../domain/item.ts";
import { INBOX_RANGE } from "../domain/keys.ts";
import { INBOX_CONSUMED } from "../domain/limits.ts";
import { policyFor, retryDelayMs } from "../domain/retry.ts";
import { storeError } from "../domain/stored-error.ts";
import { type AttemptReport, type Input, type OutcomeReport, transition } from "../domain/transition.ts";
import type { StoredWake } from "../domain/wake.ts";
import type { Message } from "../ports/work-queue.ts";
import { type Abort, createAbort } from "./abort.ts";
import { type AttemptEnd, type Carried, runAttempt, type Settled, type ValueCache } from "./attempt.ts";
import { type Heartbeat, startHeartbeat } from "./heartbeat.ts";
import { isStale, notYetConsumed, signalsAfter } from "./inbox.ts";
import { encodeEntry } from "./log.ts";
import { type CommitOptions, commit, type Session } from "./session.ts";
import type { Turn } from "./turn.ts";
import { hintNext } from "./turns.ts";
import { keep } from "./values.ts";

const NO_OUTCOME = { kind: "took_over", noOutcome: true, alone: false } as const;

/** What the worker says about its own circumstances while a session runs. */
export interface Host {
  /** Others should have their turn, the worker stops, or another step would not fit: release at the next commit. */
  shouldYield(turn: Turn): boolean;
  /** By then a step is stopped, as one that took too long; null where nothing but its own limit stops it. */
  readonly endsAtMs: number | null;
  /** Fires when the worker gives back what it has. */
  readonly giveBack: AbortSignal;
  /** The first commit of a session is made: a suspect has shown that it is none. */
  committed(): void;
  /** A step did not heed its abort signal: JavaScript cannot stop it, so its process is to be replaced. */
  abandoned(workId: string): void;
}

/** Runs the session to its release, or until it is lost. */
export async function runSession(
  session: Session,
  claiming: Claiming,
  inbox: readonly InboxEntry[],
  message: Message,
  host: Host,
  turn: Turn,
): Promise<void> {
  const heartbeat = startHeartbeat(session, message);
  const giveBack = (): void => heartbeat.abort(new StepAbortedError(session.item.workId, "the worker shuts down"));
  host.giveBack.addEventListener("abort", giveBack, { once: true });
  if (host.giveBack.aborted) giveBack();
  try {
    const goOn = await begin(session, claiming, inbox, heartbeat);
    if (goOn) await runSteps(session, heartbeat, host, turn).catch((error: unknown) => handBack(session, heartbeat, error));
  } finally {
    host.giveBack.removeEventListener("abort", giveBack);
    await heartbeat.stop();
  }
}

/**
 * † Taking over a lease that was not released, and applying what came in, is a commit of its own before any step runs:
 * it fences the old holder out of HEAD (G4). True: a step is to run, and its attempt is on record.
 */
async function begin(session: Session, claiming: Claiming, inbox: readonly InboxEntry[], heartbeat: Heartbeat): Promise<boolean> {
  const entries = inbox.slice(0, INBOX_CONSUMED);
  const fresh = await notYetConsumed(session.deps, session.partition, entries);
  const closing = await closeInput(session);
  const change = applyAll(session, claiming, closing, fresh, entries.length > 0);
  if (change === null && claiming.attempt !== null) return true;
  if (change === null)
    return commitAfter(session, { next: session.head, changes: [] }, { release: true }, heartbeat).then(() => false);
  const runnable = isRunnable(change.next, session.deps.clock.nowMs()) && inbox.length === entries.length;
  const consumed = entries.map((entry) => entry.sort);
  return (await commitAfter(session, change, { release: !runnable, consumed }, heartbeat)) && runnable;
}

/** Null: there is nothing to commit before the step. */
function applyAll(
  session: Session,
  claiming: Claiming,
  closing: readonly Input[],
  fresh: readonly InboxEntry[],
  consumes: boolean,
): Transition | null {
  const nowMs = session.deps.clock.nowMs();
  const inputs: Input[] = [...closing, ...fresh.map((entry): Input => ({ kind: "command", command: entry.command }))];
  if (claiming.takeOver !== null) inputs.unshift({ kind: "took_over", ...claiming.takeOver });
  let next = session.head;
  const changes: Transition["changes"][number][] = [];
  const apply = (input: Input): void => {
    const step = transition(nowMs, next, input, session.rules);
    next = step.next;
    changes.push(...step.changes);
  };
  inputs.forEach(apply);
  const overdue = isOverdue(next, nowMs);
  if (overdue) apply({ kind: "overdue" });
  return inputs.length === 0 && !overdue && !consumes ? null : { next, changes };
}

/**
 * A closing item ends, unless there is something that nobody has read. The inbox is read after the claim, and so after
 * the commit that closed it: whoever puts something into it later learns from the snapshot that it was too late.
 * Commands come after it, so that a cancel is not refused by an item that goes on after all.
 */
async function closeInput(session: Session): Promise<Input[]> {
  if (session.head.status.kind !== "closing") return [];
  return [{ kind: "close", wake: await firstUnread(session) }];
}
async function firstUnread({ deps, partition, head }: Session): Promise<StoredWake | null> {
  for await (const entry of signalsAfter(deps, partition, head.consumed, INBOX_RANGE.from)) {
    if (!(await isStale(deps, partition, entry.sort))) return signalWake(entry);
  }
  return null;
}

function isRunnable(head: Head, nowMs: number): boolean {
  return head.status.kind === "ready" || (head.status.kind === "sleeping" && head.status.wakeAtMs <= nowMs);
}

async function runSteps(session: Session, heartbeat: Heartbeat, host: Host, turn: Turn): Promise<void> {
  const cache: ValueCache = { payload: null, state: null };
  turn.sinceMs ??= session.deps.clock.nowMs();
  for (;;) {
    // Held up for longer than the lease, as a frozen process is: somebody else may be at it, so it is claimed anew.
    if (session.lease.expiresAtMs <= session.deps.clock.nowMs()) session.lost = true;
    if (session.lost) return;
    turn.steps += 1;
    const { version } = session.head;
    const { end, abort, durationMs } = await attemptOnce(session, cache, heartbeat, host.endsAtMs);
    turn.slowestMs = Math.max(turn.slowestMs, durationMs);
    if (end.left) host.abandoned(session.item.workId);
    if (session.lost) return;
    const { input, log, consumed } = await report(session, end, abort, durationMs);
    const change = transition(session.deps.clock.nowMs(), session.head, input, session.rules);
    cache.state = nextState(end, change);
    const mayGoOn = change.next.status.kind === "ready" && input.kind !== "gave_back" && !end.left;
    const overdue = isOverdue(change.next, session.deps.clock.nowMs());
    const release = !mayGoOn || overdue || session.mail || host.shouldYield(turn);
    if (!(await commitAfter(session, change, { release, log, consumed }, heartbeat))) return;
    await hintStarted(session);
    if (change.next.version > version) host.committed();
    if (release) return;
  }
}

function nextState(end: AttemptEnd, { next }: Transition): ValueCache["state"] {
  return end.kind === "decided" && end.decided.kind === "next" ? { stored: next.state, text: end.decided.state } : null;
}

/** In limited groups: who was not listed yet when its turn came has a hint from here. Without it, their alarms ring. */
async function hintStarted({ deps, item, family }: Session): Promise<void> {
  for (const group of family.toHint) {
    family.toHint.delete(group);
    await hintNext(deps, item.workId, group).catch((error: unknown) =>
      deps.logger.warn("children not hinted", { workId: item.workId, group, error: messageOf(error) }),
    );
  }
}

/**
 * A store that is out of reach, for blobs perhaps and not for records, is no failure of the step and no death: where
 * that can be written, the attempt that left no outcome is on record, the lease is free, and the message comes back.
 */
async function handBack(session: Session, heartbeat: Heartbeat, error: unknown): Promise<never> {
  await heartbeat.stop();
  const { deps, head, rules } = session;
  const operational = error instanceof RookeryError && error.retryable;
  if (operational && !session.lost && isRunnable(head, deps.clock.nowMs())) {
    const change = transition(deps.clock.nowMs(), head, { ...NO_OUTCOME, attempts: attemptNow(session) }, rules);
    await commit(session, change, { release: true }).catch(() => false);
  }
  throw error;
}

/** † Heartbeats stop before a commit that releases. */
async function commitAfter(session: Session, change: Transition, options: CommitOptions, heartbeat: Heartbeat): Promise<boolean> {
  if (options.release) {
    await heartbeat.stop();
    if (session.lost) return false;
  }
  return commit(session, change, options);
}

async function attemptOnce(
  session: Session,
  cache: ValueCache,
  heartbeat: Heartbeat,
  endsAtMs: number | null,
): Promise<{ end: AttemptEnd; abort: Abort; durationMs: number }> {
  const { deps, partition, item, engine, head, lease } = session;
  const abort = createAbort();
  heartbeat.watch(abort);
  const startedAtMs = deps.clock.nowMs();
  const attempt = attemptNow(session);
  const { family } = session;
  const end = await runAttempt({
    deps,
    partition,
    item,
    engine,
    head,
    attempt,
    token: lease.token,
    abort,
    cache,
    family,
    endsAtMs,
  });
  heartbeat.watch(null);
  return { end, abort, durationMs: Math.max(0, Math.round(deps.clock.nowMs() - startedAtMs)) };
}

/** The attempt on record: HEAD's, once this session has committed; LEASE's before. */
function attemptNow(session: Session): number {
  const { head, lease } = session;
  return head.token === lease.token ? head.attempt : (lease.attempt ?? head.attempt);
}

interface Report {
  readonly input: Input;
  readonly log: readonly string[];
  /** Signals that the step has read. */
  readonly consumed: readonly string[];
}

/** What to commit for an attempt that ended. */
async function report(session: Session, end: AttemptEnd, abort: Abort, durationMs: number): Promise<Report> {
  const attempt = attemptNow(session);
  const spent: AttemptReport = { attempt, durationMs, meters: end.meters, leftTraces: end.leftTraces };
  const nothing = { log: [], consumed: [] };
  switch (end.kind) {
    case "cannot_migrate":
      return { input: { kind: "cannot_migrate", attempt, error: storeError(end.error, "bug") }, ...nothing };
    case "threw":
      return { input: failure(session, end, abort, spent), ...nothing };
    case "in_doubt": {
      const { key, why, untilAtMs } = end;
      return { input: { kind: "in_doubt", report: spent, key, why, untilAtMs }, ...nothing };
    }
    case "decided":
      return decidedReport(session, end, spent);
    default:
      return assertNever(end);
  }
}

async function decidedReport(session: Session, end: AttemptEnd & { kind: "decided" }, spent: AttemptReport): Promise<Report> {
  const { decided, consumed } = end;
  if (decided.kind === "fail") {
    return { input: { kind: "fail", report: spent, error: storeError(decided.error, "business") }, log: [], consumed };
  }
  const { deps, partition } = session;
  const log = await Promise.all(decided.append.map((entry) => encodeEntry(deps, partition, entry)));
  const { payload, migratedFrom } = end.carried;
  const state = await stateAfter(session, end.carried, decided);
  const { artifacts } = end;
  const outcome = { ...spent, state, engineVersion: session.engine.version, payload, artifacts, migratedFrom };
  return { input: await inputFor(session, decided, outcome), log, consumed };
}
async function inputFor(
  { deps, partition }: Session,
  decided: Exclude<Settled, { kind: "fail" }>,
  report: OutcomeReport,
): Promise<Input> {
  switch (decided.kind) {
    case "complete":
      return { kind: "complete", report, result: await keep(deps, partition, decided.result), ifUnread: decided.ifUnread };
    case "wait":
      return { kind: "wait", report, wait: decided.wait };
    case "next":
      return { kind: "advance", report, next: { step: decided.at, wakeAtMs: decided.wakeAtMs } };
    default:
      return assertNever(decided);
  }
}

async function stateAfter(session: Session, carried: Carried, decided: Settled): Promise<Stored> {
  const { deps, partition, head } = session;
  if (decided.kind === "next" || decided.kind === "wait") return keep(deps, partition, decided.state);
  return head.state !== null && carried.migratedFrom === null ? head.state : keep(deps, partition, carried.state);
}

/** A step that was aborted because of a cancel or a shutdown has not failed: its attempt is given back. */
function failure(session: Session, end: AttemptEnd & { kind: "threw" }, abort: Abort, report: AttemptReport): Input {
  const { deps, engine, head } = session;
  if (abort.aborted && !(abort.reason instanceof StepTimeoutError)) return { kind: "gave_back", report };
  const policy = policyFor(end.class, engine.code.retry);
  const delayMs = retryDelayMs(policy, head.failures + 1, deps.random.fraction());
  const retryAtMs = delayMs === null ? null : deps.clock.nowMs() + delayMs;
  return { kind: "threw", report, error: storeError(end.error, end.class), retryAtMs };
}
