/**
 * The record of one effect, as the attempt that makes it sees it: reserved before, settled after, each by the revision
 * that it read or wrote (G4).
 */
import type { EffectRecord, EffectScope, EffectState } from "../domain/effect.ts";
import { LEASE_KEY } from "../domain/keys.ts";
import { decodeEffect, encodeEffect } from "../wire/effect.ts";
import { decodeLease } from "../wire/lease.ts";
import type { AttemptScope } from "./attempt-scope.ts";
import type { Expected } from "./live.ts";
import { patiently, put, readOne } from "./records.ts";

/** Whose ledger it is. */
export interface EffectName {
  readonly key: string;
  readonly scope: EffectScope;
  readonly sort: string;
  readonly inputDigest: string;
}
export interface Entry {
  readonly record: EffectRecord;
  readonly revision: Expected;
}
/** `current`: what stands there instead; null when the item itself is gone. */
export type Rewritten = { readonly ok: true; readonly entry: Entry } | { readonly ok: false; readonly current: Entry | null };

/** Rewrites the record if it still has the revision that it had. `before` null: if there is none. */
export async function rewrite(
  scope: AttemptScope,
  name: EffectName,
  before: Entry | null,
  state: EffectState,
): Promise<Rewritten> {
  const { deps, partition, head, token, attempt } = scope;
  const { key, inputDigest } = name;
  const origin = before?.record ?? { key, scope: name.scope, step: head.step, version: head.version, inputDigest };
  const record: EffectRecord = { ...origin, token, attempt, holder: deps.processes.self, state };
  const draft = { partition, sort: name.sort, ...encodeEffect(record) };
  const written = await put(deps, draft, before?.revision ?? "absent", token);
  if (written.ok) return { ok: true, entry: { record, revision: written.revision } };
  const { current } = written;
  return { ok: false, current: current === null ? null : { record: decodeEffect(current), revision: current.revision } };
}

/** † After a reservation and before anything is run: LEASE is still of this attempt. */
export async function holdsLease({ deps, partition, token }: AttemptScope): Promise<boolean> {
  const record = await patiently(deps, () => readOne(deps, partition, LEASE_KEY));
  if (record === null) return false;
  const lease = decodeLease(record);
  return lease.token === token && lease.holder === deps.processes.self && lease.expiresAtMs > deps.clock.nowMs();
}
