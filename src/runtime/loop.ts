/**
 * The steps of one session, inline until blocked: run, turn the outcome into a transition, commit, go on.
 */
import type { Claiming } from "../domain/decide.ts";
import { isOverdue } from "../domain/decide.ts";
import type { Transition } from "../domain/ends.ts";
import { RookeryError, StepAbortedError, StepTimeoutError } from "../domain/errors.ts";
import type { Head } from "../domain/head.ts";
import type { InboxEntry } from "../domain/inbox.ts";
import type { Stored } from "../domain/item.ts";
import { INBOX_CONSUMED } from "../domain/limits.ts";
import { policyFor, retryDelayMs } from "../domain/retry.ts";
import { storeError } from "../domain/stored-error.ts";
import { type Input, transition } from "../domain/transition.ts";
import type { Message } from "../ports/work-queue.ts";
import { type Abort, createAbort } from "./abort.ts";
import { type AttemptEnd, type Carried, runAttempt, type Settled, type ValueCache } from "./attempt.ts";
import { type Heartbeat, startHeartbeat } from "./heartbeat.ts";
import { notYetConsumed } from "./inbox.ts";
import { encodeEntry } from "./log.ts";
import { type CommitOptions, commit, type Session } from "./session.ts";
import { keep } from "./values.ts";

const NO_OUTCOME = { kind: "took_over", noOutcome: true, alone: false } as const;

/** What the worker says about its own circumstances while a session runs. */
export interface Host {
  /** Others should have their turn, or the worker stops: release at the next commit. */
  shouldYield(steps: number, sinceMs: number): boolean;
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
): Promise<void> {
  const heartbeat = startHeartbeat(session, message);
  const giveBack = (): void => heartbeat.abort(new StepAbortedError(session.item.workId, "the worker shuts down"));
  host.giveBack.addEventListener("abort", giveBack, { once: true });
  if (host.giveBack.aborted) giveBack();
  try {
    const goOn = await begin(session, claiming, inbox, heartbeat);
    if (goOn) await runSteps(session, heartbeat, host).catch((error: unknown) => handBack(session, heartbeat, error));
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
  const change = applyAll(session, claiming, fresh, entries.length > 0);
  if (change === null && claiming.attempt !== null) return true;
  if (change === null)
    return commitAfter(session, { next: session.head, changes: [] }, { release: true }, heartbeat).then(() => false);
  const runnable = isRunnable(change.next, session.deps.clock.nowMs()) && inbox.length === entries.length;
  const consumed = entries.map((entry) => entry.sort);
  return (await commitAfter(session, change, { release: !runnable, consumed }, heartbeat)) && runnable;
}

/** Null: there is nothing to commit before the step. */
function applyAll(session: Session, claiming: Claiming, fresh: readonly InboxEntry[], consumes: boolean): Transition | null {
  const nowMs = session.deps.clock.nowMs();
  const inputs: Input[] = fresh.map((entry) => ({ kind: "command", command: entry.command }));
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

function isRunnable(head: Head, nowMs: number): boolean {
  return head.status.kind === "ready" || (head.status.kind === "sleeping" && head.status.wakeAtMs <= nowMs);
}

async function runSteps(session: Session, heartbeat: Heartbeat, host: Host): Promise<void> {
  const cache: ValueCache = { payload: null };
  const sinceMs = session.deps.clock.nowMs();
  for (let steps = 1; ; steps++) {
    const { end, abort, durationMs } = await attemptOnce(session, cache, heartbeat);
    if (end.left) host.abandoned(session.item.workId);
    if (session.lost) return;
    const { input, log } = await report(session, end, abort, durationMs);
    const change = transition(session.deps.clock.nowMs(), session.head, input, session.rules);
    const mayGoOn = change.next.status.kind === "ready" && input.kind !== "gave_back" && !end.left;
    const overdue = isOverdue(change.next, session.deps.clock.nowMs());
    const release = !mayGoOn || overdue || session.mail || host.shouldYield(steps, sinceMs);
    if (!(await commitAfter(session, change, { release, log }, heartbeat))) return;
    if (input.kind === "advance") host.committed();
    if (release) return;
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
): Promise<{ end: AttemptEnd; abort: Abort; durationMs: number }> {
  const { deps, partition, item, engine, head, lease } = session;
  const abort = createAbort();
  heartbeat.watch(abort);
  const startedAtMs = deps.clock.nowMs();
  const attempt = attemptNow(session);
  const end = await runAttempt({ deps, partition, item, engine, head, attempt, token: lease.token, abort, cache });
  heartbeat.watch(null);
  return { end, abort, durationMs: Math.max(0, Math.round(deps.clock.nowMs() - startedAtMs)) };
}

/** The attempt on record: HEAD's, once this session has committed; LEASE's before. */
function attemptNow(session: Session): number {
  const { head, lease } = session;
  return head.token === lease.token ? head.attempt : (lease.attempt ?? head.attempt);
}

/** What to commit for an attempt that ended. */
async function report(
  session: Session,
  end: AttemptEnd,
  abort: Abort,
  durationMs: number,
): Promise<{ input: Input; log: readonly string[] }> {
  const attempt = attemptNow(session);
  if (end.kind === "cannot_migrate")
    return { input: { kind: "cannot_migrate", attempt, error: storeError(end.error, "bug") }, log: [] };
  if (end.kind === "threw") return { input: failure(session, end, abort, { attempt, durationMs, meters: end.meters }), log: [] };
  const spent = { attempt, durationMs, meters: end.meters };
  const { decided } = end;
  if (decided.kind === "fail") {
    const error = storeError(decided.error, "business");
    return { input: { kind: "fail", report: spent, error }, log: [] };
  }
  const log = await Promise.all(decided.append.map((entry) => encodeEntry(session.deps, session.partition, entry)));
  const { payload, migratedFrom } = end.carried;
  const state = await stateAfter(session, end.carried, decided);
  const outcome = { ...spent, state, engineVersion: session.engine.version, payload, artifacts: end.artifacts, migratedFrom };
  if (decided.kind === "complete") {
    return {
      input: { kind: "complete", report: outcome, result: await keep(session.deps, session.partition, decided.result) },
      log,
    };
  }
  return { input: { kind: "advance", report: outcome, next: { step: decided.at, wakeAtMs: decided.wakeAtMs } }, log };
}

async function stateAfter(session: Session, carried: Carried, decided: Settled): Promise<Stored> {
  const { deps, partition, head } = session;
  if (decided.kind === "next") return keep(deps, partition, decided.state);
  return head.state !== null && carried.migratedFrom === null ? head.state : keep(deps, partition, carried.state);
}

/** A step that was aborted because of a cancel or a shutdown has not failed: its attempt is given back. */
function failure(
  session: Session,
  end: AttemptEnd & { kind: "threw" },
  abort: Abort,
  report: { attempt: number; durationMs: number; meters: Readonly<Record<string, number>> },
): Input {
  const { deps, engine, head } = session;
  if (abort.aborted && !(abort.reason instanceof StepTimeoutError))
    return { kind: "gave_back", attempt: report.attempt, meters: report.meters };
  const policy = policyFor(end.class, engine.code.retry);
  const delayMs = retryDelayMs(policy, head.failures + 1, deps.random.fraction());
  const retryAtMs = delayMs === null ? null : deps.clock.nowMs() + delayMs;
  return { kind: "threw", report, error: storeError(end.error, end.class), retryAtMs };
}
