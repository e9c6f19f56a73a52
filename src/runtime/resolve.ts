/**
 * An item's effects as a person sees them, and that person's word on one in doubt (G6). By revision, as everybody writes
 * it; the resume follows under an id of its own, so that a repeat completes what a crash between the two left undone.
 */
import type { EffectRecord, EffectScope, EffectState } from "../domain/effect.ts";
import { InvalidArgumentError, InvariantError, quote, RefusedError, UnknownEffectError } from "../domain/errors.ts";
import { isPaused } from "../domain/head.ts";
import type { WorkId } from "../domain/ids.ts";
import type { Stored } from "../domain/item.ts";
import { EFFECT_RANGE } from "../domain/keys.ts";
import { leaseState } from "../domain/lease.ts";
import {
  isParkedOn,
  isResolvedAs,
  parseResolution,
  pickEffect,
  type Resolution,
  type Resolved,
  resolveRefusal,
} from "../domain/resolution.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { sha256 } from "../wire/digest.ts";
import { decodeEffect, encodeEffect } from "../wire/effect.ts";
import { encodeInboxEntry } from "../wire/inbox.ts";
import { deliver, isCrowded } from "./deliver.ts";
import type { Deps } from "./deps.ts";
import { sendHint } from "./hints.ts";
import { type LiveRecords, readLive } from "./live.ts";
import { expiryOf, put } from "./records.ts";
import { keep } from "./values.ts";

export interface EffectEntry {
  readonly key: string;
  readonly scope: EffectScope;
  /** The step that reserved it first, by its number (committed outcomes before it) and name. */
  readonly step: number;
  readonly stepName: string;
  readonly state: EffectState["kind"];
  /** SHA-256 of the input's JSON text, lower-case hex. */
  readonly inputDigest: string;
  /** Of the attempt that wrote it last. */
  readonly attempt: number;
  /** Of a reserved one: until when it may be at work; null once its worker is known to be gone. */
  readonly untilAtMs: number | null;
  /** Since when it is in doubt. */
  readonly sinceMs: number | null;
  /** Why it is in doubt, open or given up. */
  readonly error: string | null;
  readonly resultBytes: number | null;
  /** It stands as a person said. */
  readonly byOperator: boolean;
}
export interface ResolveOptions {
  /** The number of the step, where several have an effect of that key in doubt. */
  readonly step?: number;
  /**
   * Since when it is in doubt, as `effects` told: a word for another doubt is refused. Without it, the word is for what is
   * in doubt by now; one that is sent again because its answer was lost may then answer a later doubt.
   */
  readonly sinceMs?: number;
}
interface Found {
  readonly record: EffectRecord;
  readonly sort: string;
  readonly revision: number;
  readonly expires: { readonly expiresAtMs?: number };
}

const PAGE = 200;

/** By step, then by key. */
export async function listEffects(deps: Deps, { partition }: LiveRecords): Promise<EffectEntry[]> {
  const found = (await readEffects(deps, partition)).map(({ record }) => record);
  return found.toSorted((a, b) => a.version - b.version || (a.key < b.key ? -1 : 1)).map((record) => entryOf(deps, record));
}
async function readEffects(deps: Deps, partition: string): Promise<Found[]> {
  const found: Found[] = [];
  for (let from = EFFECT_RANGE.from; ; ) {
    const page = await deps.store.read(partition, { from, to: EFFECT_RANGE.to }, PAGE);
    for (const one of page)
      found.push({ record: decodeEffect(one), sort: one.sort, revision: one.revision, expires: expiryOf(one) });
    const last: StoredRecord | undefined = page.at(-1);
    if (last === undefined || page.length < PAGE) return found;
    from = `${last.sort}!`;
  }
}

function entryOf({ processes }: Deps, record: EffectRecord): EffectEntry {
  const { key, scope, version, step, inputDigest, attempt, state } = record;
  return {
    key,
    scope,
    step: version,
    stepName: step,
    state: state.kind,
    inputDigest,
    attempt,
    untilAtMs: state.kind === "reserved" && !processes.isGone(record.holder) ? state.untilAtMs : null,
    sinceMs: state.kind === "reserved" || state.kind === "in_doubt" ? state.sinceMs : null,
    error: errorOf(state),
    resultBytes: state.kind === "confirmed" ? bytesOf(state.result) : null,
    byOperator: state.kind === "failed" || ("byOperator" in state && state.byOperator),
  };
}
function errorOf(state: EffectState): string | null {
  if (state.kind === "failed") return state.reason;
  return state.kind === "in_doubt" || state.kind === "open" ? state.why : null;
}
function bytesOf(result: Stored): number {
  return result.kind === "blob" ? result.bytes : new TextEncoder().encode(result.json).byteLength;
}

/** @throws UnknownEffectError, RefusedError, InvalidArgumentError, NotJsonError */
export async function resolveEffect(
  deps: Deps,
  live: LiveRecords,
  key: string,
  resolution: Resolution,
  options: ResolveOptions,
  nextAtMs: () => number,
): Promise<EffectEntry> {
  const { step, sinceMs } = options;
  for (const [name, value] of Object.entries({ step, sinceMs })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0))
      throw new InvalidArgumentError(name, "a whole number from 0", value);
  }
  const resolved = parseResolution(resolution);
  const result = resolved.kind === "confirmed" ? await keep(deps, live.partition, resolved.text) : null;
  for (;;) {
    const effect = await findEffect(deps, live, key, step, (record) => isResolvedAs(record, resolved, result));
    const done = await settleEffect(deps, live, effect, resolved, { result, sinceMs });
    if (done === null) continue;
    await letGoOn(deps, live.item.workId, done, nextAtMs());
    return entryOf(deps, done.record);
  }
}

async function findEffect(
  deps: Deps,
  { partition, item }: LiveRecords,
  key: string,
  step: number | undefined,
  isSame: (record: EffectRecord) => boolean,
): Promise<Found> {
  const all = await readEffects(deps, partition);
  const named = all.filter(({ record }) => record.key === key && (step === undefined || record.version === step));
  const found = pickEffect(key, named, isSame);
  if (found !== null) return found;
  const known = all.map(({ record }) => (record.key === key ? `${key} (step ${record.version})` : record.key));
  throw new UnknownEffectError(item.workId, key, [...new Set(known)]);
}

/** Null: somebody else wrote it meanwhile. */
async function settleEffect(
  deps: Deps,
  { partition, item }: LiveRecords,
  found: Found,
  resolved: Resolved,
  { result, sinceMs }: { readonly result: Stored | null; readonly sinceMs: number | undefined },
): Promise<Found | null> {
  if (isResolvedAs(found.record, resolved, result)) return found;
  const { key, state, holder } = found.record;
  const refused = (expected: string, status: string): never => {
    throw new RefusedError(`resolve effect ${quote(key)} of`, item.workId, expected, status);
  };
  const refusal = resolveRefusal(state, deps.processes.isGone(holder), deps.clock.nowMs());
  if (refusal !== null) return refused("one that is in doubt", refusal);
  const since = "sinceMs" in state ? state.sinceMs : null;
  if (sinceMs !== undefined && since !== sinceMs)
    return refused(`one in doubt since ${sinceMs}`, since === null ? "left at work" : `in doubt since ${since}`);
  const record: EffectRecord = { ...found.record, state: stateOf(resolved, result) };
  const written = await put(deps, { partition, sort: found.sort, ...encodeEffect(record), ...found.expires }, found.revision);
  return written.ok ? { ...found, record, revision: written.revision } : null;
}
function stateOf(resolved: Resolved, result: Stored | null): EffectState {
  if (resolved.kind === "failed") return resolved;
  if (resolved.kind === "open") return { kind: "open", why: "an operator said that it did not happen", byOperator: true };
  if (result === null) throw new InvariantError("a confirmed effect has a result");
  return { kind: "confirmed", result, byOperator: true };
}

/**
 * The id is of this very resolution: a later one of the same effect, parked once more, has another revision. An item that
 * is at work may be about to park, also when its lease has lapsed: whoever holds it may be late, and not gone. One that
 * is paused for another reason stays so.
 */
async function letGoOn(deps: Deps, workId: WorkId, { record, sort, revision }: Found, nowMs: number): Promise<void> {
  const live = await readLive(deps, workId);
  if (live.item === null) return;
  const { item, partition, head } = live;
  const isClaimed = leaseState(live.lease, head, deps.clock.nowMs(), false) !== "free";
  const isAwaited = isPaused(head.status) ? isParkedOn(head.status, record.key) : isClaimed;
  if (!isAwaited) return;
  const id = `resolve-${sha256(`${sort} ${revision}`).slice(0, 32)}`;
  const encode = (sentAtMs: number) => encodeInboxEntry({ id, sentAtMs, command: { kind: "resume" } });
  await deliver(
    deps,
    partition,
    { kind: "command", id, fresh: false, digest: null, crowded: isCrowded(live), encode },
    head.version,
    nowMs,
  );
  await sendHint(deps, item, null, 0);
}
