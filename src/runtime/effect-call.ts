/**
 * One call of `ctx.effect`: what its ledger says, and what follows.
 *
 * G4: reserve, † then look at LEASE, then run. A late worker's reservation makes the new owner wait, and the new owner's
 *     claim makes the late one stop: never do both run.
 * G6: what may have happened is in doubt, on record before anything else, and `ifInDoubt` decides. A parked effect, and
 *     one that is asked about again, end the attempt whatever its step makes of the error.
 *
 * What cannot be fenced from here: a machine that pauses between the look at LEASE and the effect itself. The
 * idempotency key and the fencing token are for the outside system to check.
 */
import {
  askAgainAt,
  DidNotHappen,
  doubtText,
  type EffectState,
  type Fence,
  isDidNotHappen,
  isReservationOver,
  verdictOf,
} from "../domain/effect.ts";
import {
  assertNever,
  EffectConflictError,
  EffectFailedError,
  EffectInDoubtError,
  InvalidArgumentError,
  messageOf,
  quote,
  StepAbortedError,
} from "../domain/errors.ts";
import type { Stored } from "../domain/item.ts";
import { encodeJson } from "../domain/json.ts";
import { ASK_MS, HOUR_MS } from "../domain/limits.ts";
import { bounded } from "../domain/stored-error.ts";
import type { Part } from "./attempt-scope.ts";
import { type CodeEnd, callWithin } from "./effect-code.ts";
import { type EffectName, type Entry, holdsLease, type Rewritten, rewrite } from "./effect-ledger.ts";
import { patiently } from "./records.ts";
import { keep, load } from "./values.ts";

export interface EffectCall extends EffectName {
  readonly part: Part;
  readonly timeoutMs: number;
  readonly idempotencyKey: string;
  readonly run: (fence: Fence) => Promise<unknown>;
  readonly ifInDoubt: "rerun" | "park" | ((fence: Fence) => Promise<unknown>);
}
interface InDoubt extends Entry {
  readonly sinceMs: number;
  readonly why: string;
}
interface Start {
  /** Since when it is in doubt; null when it is not. */
  readonly sinceMs: number | null;
  /** What the ledger goes back to when nothing is run after all. */
  readonly otherwise: EffectState;
  /** The outside system said that it did not happen: the second time in one attempt it is asked later. */
  readonly asked: boolean;
}
interface Reservation extends Entry, Start {
  readonly untilAtMs: number;
}

const FRESH: Start = { sinceMs: null, otherwise: openState("nothing was run"), asked: false };

/** The result's JSON text. One write before the effect where nothing is known of it, and one after. */
export function makeEffect(call: EffectCall): Promise<string> {
  return reserve(call, null, FRESH);
}

/** Reserves it, looks at LEASE, runs it. */
async function reserve(call: EffectCall, before: Entry | null, start: Start): Promise<string> {
  const untilAtMs = call.part.scope.deps.clock.nowMs() + call.timeoutMs;
  const written = await write(call, before, { kind: "reserved", untilAtMs, sinceMs: start.sinceMs });
  if (!written.ok) return overtaken(call, written.current);
  const reservation: Reservation = { ...written.entry, ...start, untilAtMs };
  try {
    await clearToStart(call, untilAtMs);
  } catch (error) {
    // Should that fail, it stands until its time is over.
    await write(call, reservation, start.otherwise).catch(() => undefined);
    throw error;
  }
  const ms = untilAtMs - call.part.scope.deps.clock.nowMs();
  return concluded(call, reservation, await callWithin(call.part.scope, { ...call, ms }, call.run));
}

/** Somebody was here before: this step in an earlier attempt, or another worker. */
async function found(call: EffectCall, entry: Entry): Promise<string> {
  const { scope } = call.part;
  const { workId } = scope.item;
  const { inputDigest, state } = entry.record;
  if (inputDigest !== call.inputDigest) throw new EffectConflictError(workId, "effect", call.key, inputDigest, call.inputDigest);
  switch (state.kind) {
    case "confirmed":
      return ofLedger(call, () => load(scope.deps, scope.partition, state.result));
    case "failed":
      throw new EffectFailedError(workId, call.key, state.reason);
    case "open":
      return reserve(call, entry, { ...FRESH, otherwise: state });
    case "in_doubt":
      return reconcile(call, { ...entry, ...state });
    case "reserved":
      return reservedBefore(call, entry, state);
    default:
      return assertNever(state);
  }
}

async function reservedBefore(call: EffectCall, entry: Entry, state: EffectState & { kind: "reserved" }): Promise<string> {
  const { deps, token } = call.part.scope;
  const nowMs = deps.clock.nowMs();
  const holderGone = deps.processes.isGone(entry.record.holder);
  if (!isReservationOver(entry.record, state.untilAtMs, { token, holderGone, nowMs }))
    return interrupted(call, "an attempt that has lost its lease may be running it still", state.untilAtMs);
  const doubt = { sinceMs: state.sinceMs ?? nowMs, why: "its attempt ended while it was at work" };
  // A rerun reserves it anew by the same revision: that keeps the old holder out as well.
  if (call.ifInDoubt === "rerun") return reconcile(call, { ...entry, ...doubt });
  const written = await write(call, entry, { kind: "in_doubt", ...doubt });
  return written.ok ? reconcile(call, { ...written.entry, ...doubt }) : overtaken(call, written.current);
}

/** What an earlier attempt left in doubt. */
async function reconcile(call: EffectCall, doubt: InDoubt): Promise<string> {
  const { sinceMs, why } = doubt;
  if (call.ifInDoubt === "park") return interrupted(call, why, null);
  if (call.ifInDoubt !== "rerun") return ask(call, doubt, call.ifInDoubt);
  return reserve(call, doubt, { sinceMs, otherwise: { kind: "in_doubt", sinceMs, why }, asked: false });
}

async function concluded(call: EffectCall, mine: Reservation, end: CodeEnd): Promise<string> {
  switch (end.kind) {
    case "returned":
      return returned(call, mine, end.value);
    case "timed_out":
      return inDoubt(call, mine, `it did not end within ${call.timeoutMs} ms`, null);
    case "threw":
      if (isDidNotHappen(end.error)) return didNotHappen(call, mine, end.error);
      return inDoubt(call, mine, messageOf(end.error), { error: end.error });
    default:
      return assertNever(end);
  }
}

async function returned(call: EffectCall, mine: Reservation, value: unknown): Promise<string> {
  let result: Kept;
  try {
    result = await kept(call, value);
  } catch (error) {
    return inDoubt(call, mine, messageOf(error), { error });
  }
  return confirm(call, mine, result);
}

/** This time. Where it was in doubt before, it still is. */
async function didNotHappen(call: EffectCall, mine: Reservation, error: Error): Promise<string> {
  const { otherwise } = mine;
  const written = await write(call, mine, otherwise.kind === "in_doubt" ? otherwise : openState(bounded(error.message)));
  if (!written.ok) return overtaken(call, written.current);
  throw error;
}

/** `thrown` null: nothing was, and it may still be on its way, so that it is too early to ask. */
async function inDoubt(call: EffectCall, mine: Reservation, reason: string, thrown: { error: unknown } | null): Promise<string> {
  const doubt = { sinceMs: mine.sinceMs ?? call.part.scope.deps.clock.nowMs(), why: bounded(reason) };
  const written = await write(call, mine, { kind: "in_doubt", ...doubt });
  if (!written.ok) return overtaken(call, written.current);
  if (call.ifInDoubt === "rerun") throw thrown === null ? inDoubtError(call, doubt.why) : thrown.error;
  if (call.ifInDoubt === "park") return interrupted(call, doubt.why, null, thrown?.error);
  if (thrown === null || mine.asked) return later(call, doubt, null);
  return ask(call, { ...written.entry, ...doubt }, call.ifInDoubt);
}

/** What it throws, and what is no answer, ends the attempt: no catch in the step goes on without knowing. */
async function ask(call: EffectCall, doubt: InDoubt, code: (fence: Fence) => Promise<unknown>): Promise<string> {
  await clearToStart(call, null);
  const end = await callWithin(call.part.scope, { ...call, ms: call.timeoutMs }, code);
  if (end.kind === "threw") return ending(call, end.error);
  if (end.kind === "timed_out")
    return ending(call, inDoubtError(call, `ifInDoubt did not answer within ${call.timeoutMs} ms; ${doubt.why}`));
  const verdict = verdictOf(end.value);
  if (verdict === null) {
    const expected = "{ happened: true, result }, { happened: false } or { askAgainMs: 0 or more }";
    return ending(call, new InvalidArgumentError(`ifInDoubt of effect ${quote(call.key)}`, expected, end.value));
  }
  if ("askAgainMs" in verdict) return later(call, doubt, verdict.askAgainMs);
  if (verdict.happened) return confirm(call, doubt, await ofLedger(call, () => kept(call, verdict.result)));
  const otherwise = openState("the outside system said that it did not happen");
  return reserve(call, doubt, { sinceMs: doubt.sinceMs, otherwise, asked: true });
}

function later(call: EffectCall, { sinceMs, why }: { sinceMs: number; why: string }, askAgainMs: number | null): never {
  const untilAtMs = askAgainAt(sinceMs, call.part.scope.deps.clock.nowMs(), askAgainMs);
  const asked = `${ASK_MS / HOUR_MS} h of asking did not tell what happened; `;
  return interrupted(call, `${untilAtMs === null ? asked : ""}${why}`, untilAtMs);
}

/** The attempt is not over, LEASE is its own, and so is the time. */
async function clearToStart(call: EffectCall, untilAtMs: number | null): Promise<void> {
  const { guard, scope } = call.part;
  if (!(await ofLedger(call, () => holdsLease(scope)))) lostLease(call);
  guard("effect");
  if (scope.abort.aborted) throw scope.abort.reason;
  if (untilAtMs !== null && scope.deps.clock.nowMs() >= untilAtMs)
    throw new DidNotHappen(`effect ${quote(call.key)} could not start within ${call.timeoutMs} ms`);
}

interface Kept {
  readonly text: string;
  readonly stored: Stored;
}
async function kept(call: EffectCall, value: unknown): Promise<Kept> {
  const { deps, partition } = call.part.scope;
  const text = encodeJson(value === undefined ? null : value, `ctx.effect(${JSON.stringify(call.key)}).result`);
  return { text, stored: await patiently(deps, () => keep(deps, partition, text)) };
}
async function confirm(call: EffectCall, entry: Entry, { text, stored }: Kept): Promise<string> {
  const written = await write(call, entry, { kind: "confirmed", result: stored, byOperator: false });
  return written.ok ? text : overtaken(call, written.current);
}
/** Somebody else wrote it meanwhile: an operator, or the new owner of the item. */
async function overtaken(call: EffectCall, current: Entry | null): Promise<string> {
  return current === null ? lostLease(call) : found(call, current);
}

function write(call: EffectCall, before: Entry | null, state: EffectState): Promise<Rewritten> {
  return ofLedger(call, () => rewrite(call.part.scope, call, before, state));
}
/** A store that cannot be reached leaves unknown what is on record: that ends the attempt, too. */
async function ofLedger<T>(call: EffectCall, use: () => Promise<T>): Promise<T> {
  return use().catch((error: unknown) => ending(call, error));
}
function openState(why: string): EffectState {
  return { kind: "open", why, byOperator: false };
}

function inDoubtError(call: EffectCall, why: string, cause?: unknown): EffectInDoubtError {
  return new EffectInDoubtError(call.part.scope.item.workId, call.key, why, cause);
}
/** `untilAtMs` null: it is parked. */
function interrupted(call: EffectCall, why: string, untilAtMs: number | null, cause?: unknown): never {
  call.part.interruptions.add({ kind: "in_doubt", key: call.key, why: doubtText(call.key, why), untilAtMs });
  throw inDoubtError(call, why, cause);
}
function ending(call: EffectCall, error: unknown): never {
  call.part.interruptions.add({ kind: "threw", error });
  throw error;
}
function lostLease(call: EffectCall): never {
  const { abort, item } = call.part.scope;
  const error = new StepAbortedError(item.workId, "its lease was lost");
  abort.fire(error);
  return ending(call, error);
}
