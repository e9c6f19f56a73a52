/**
 * Enqueue: KEY, then DUE, then ITEM, then the hint (DESIGN §4). Any crash is completed by repeating the call, or by the
 * alarm. The same key gives the same work item as long as it is remembered (G5).
 */
import { type Alarm, alarmFor, isAlarmSet, needsRewrite } from "../domain/alarm.ts";
import { type AnyContract, type NoSignals, requireContract, type Signals, validate } from "../domain/contract.ts";
import type { StartOptions } from "../domain/engine.ts";
import { EnqueueTimeoutError, InvalidArgumentError, InvariantError, KeyConflictError } from "../domain/errors.ts";
import { initialHead, isEnded } from "../domain/head.ts";
import { generateWorkId, itemPartition, keyPartition, WORK_ID_BYTES, type WorkId } from "../domain/ids.ts";
import type { Item, Parent } from "../domain/item.ts";
import { encodeJson, type Json } from "../domain/json.ts";
import { ITEM_KEY, KEY_KEY } from "../domain/keys.ts";
import { LANES } from "../domain/lane.ts";
import { ALARM_ENQUEUE_MS, ENQUEUE_MS, KEY_BYTES } from "../domain/limits.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { sha256 } from "../wire/digest.ts";
import { encodeItem } from "../wire/item.ts";
import { decodeKey, encodeKey } from "../wire/key.ts";
import { reckoningOf, writeDue } from "./alarms.ts";
import type { Deps } from "./deps.ts";
import { sendNext } from "./hints.ts";
import { readDue, readLive } from "./live.ts";
import { requireTime } from "./outcome.ts";
import { put } from "./records.ts";
import { senderId } from "./sender-id.ts";
import { bufferSignal, type CheckedSignal, checkSignal, sendSignal, wasTaken } from "./signal.ts";
import { keep } from "./values.ts";

/** A signal that comes with the start: the two are one. */
export type StartSignal<G extends Signals> = {
  readonly [K in keyof G]: { readonly name: K; readonly payload: G[K]; readonly id?: string };
}[keyof G];
interface KeyOptions extends StartOptions {
  /** Any text up to 16 KiB. Default none: every call is a new work item. */
  readonly key?: string;
  /** What a remembered key of an ended item gives: that item ("return", the default), or a new life ("again"). */
  readonly ifEnded?: "return" | "again";
}
export interface EnqueueOptions<G extends Signals = NoSignals> extends KeyOptions {
  /** In the inbox before the first step runs, or of the item that the key names. Give it an id to repeat the call safely. */
  readonly signal?: StartSignal<G>;
}
/** The same when the contract's signals are any. */
interface AnyEnqueueOptions extends KeyOptions {
  readonly signal?: { readonly name: PropertyKey; readonly payload: Json; readonly id?: string };
}
export interface Enqueued {
  readonly workId: WorkId;
  /** False when the key named an item that is there already. */
  readonly created: boolean;
  /** Null: as long as it is open. */
  readonly rememberedUntilAtMs: number | null;
  /** Whether the signal that came with it was accepted; true when there was none. */
  readonly accepted: boolean;
}

const LABEL_CHARS = 256;

/** @throws SchemaError, NotJsonError, InvalidArgumentError, KeyConflictError, EnqueueTimeoutError */
export async function enqueue(
  deps: Deps,
  contract: AnyContract,
  payload: Json,
  options: AnyEnqueueOptions,
  nextAtMs: () => number,
): Promise<Enqueued> {
  requireContract(contract);
  checkOptions(options);
  const startedAtMs = deps.clock.nowMs();
  const valid = await validate(`payload of engine ${contract.id}`, contract.payload, payload);
  const text = encodeJson(valid);
  const given = options.signal;
  // It may be sent more than once, below.
  const sender = { ...senderId(given?.id, deps.nonce), fresh: false };
  const signal = given === undefined ? null : await checkSignal(contract, String(given.name), given.payload, sender);
  const draft: Draft = { contract, text, digest: sha256(text), options, signal, nextAtMs, parent: null };
  for (;;) {
    const fresh = generateWorkId(deps.random.bytes(WORK_ID_BYTES));
    const named = options.key === undefined ? { workId: fresh, item: null } : await nameByKey(deps, draft, options.key, fresh);
    if (named.item !== null) return named.item;
    // Another call with the key may have made it meanwhile, and it may have ended without a look at the signal.
    if (await create(deps, draft, named.workId, startedAtMs))
      return { workId: named.workId, created: true, rememberedUntilAtMs: null, accepted: true };
  }
}

/** What is to be created. */
export interface Draft {
  readonly contract: { readonly id: string };
  /** The payload as JSON text, and its digest. */
  readonly text: string;
  readonly digest: string;
  readonly options: KeyOptions;
  readonly signal: CheckedSignal | null;
  readonly nextAtMs: () => number;
  readonly parent: Parent | null;
}
/** `item` is set when the key names one that is there already. */
interface Named {
  readonly workId: WorkId;
  readonly item: Enqueued | null;
}

async function nameByKey(deps: Deps, draft: Draft, key: string, fresh: WorkId): Promise<Named> {
  const partition = keyPartition(deps.namespace, draft.contract.id, sha256(key));
  const entry = encodeKey({ workId: fresh, payloadDigest: draft.digest, rememberedUntilAtMs: null });
  let expected: number | "absent" = "absent";
  for (;;) {
    const written = await put(deps, { partition, sort: KEY_KEY, ...entry }, expected);
    if (written.ok) return { workId: fresh, item: null };
    if (written.current === null) {
      expected = "absent";
      continue;
    }
    const known = await standsFor(deps, draft, key, written.current);
    if (known !== "replace") return known;
    expected = written.current.revision;
  }
}

/** What a key that is taken stands for; "replace" when its item is forgotten, or has ended and another life is wanted. */
async function standsFor(deps: Deps, draft: Draft, key: string, record: StoredRecord): Promise<Named | "replace"> {
  const entry = decodeKey(record);
  const live = await readLive(deps, entry.workId);
  const nowMs = deps.clock.nowMs();
  if (live.item === null) {
    if (entry.rememberedUntilAtMs !== null && entry.rememberedUntilAtMs <= nowMs) return "replace";
    requireSame(draft, key, entry.workId, entry.payloadDigest);
    return { workId: entry.workId, item: null };
  }
  const { head } = live;
  if (isEnded(head.status)) {
    const until = head.rememberedUntilAtMs;
    if (until !== null && until <= nowMs) return "replace";
    // A call that is repeated does not begin a new life for a signal that the old one has read.
    const repeated = draft.signal !== null && (await wasTaken(deps, live, draft.signal));
    if (draft.options.ifEnded === "again" && !repeated) return "replace";
  }
  requireSame(draft, key, entry.workId, entry.payloadDigest);
  const rememberedUntilAtMs = head.rememberedUntilAtMs;
  const found = { workId: entry.workId, created: false, rememberedUntilAtMs };
  if (draft.signal !== null) {
    const { accepted } = await sendSignal(deps, live, draft.signal, draft.nextAtMs());
    // It ended just now: another look finds it so.
    if (!accepted && draft.options.ifEnded === "again" && !isEnded(head.status)) return standsFor(deps, draft, key, record);
    return { workId: entry.workId, item: { ...found, accepted } };
  }
  if (live.revisions.head === "absent" && live.lease === null) await sendNext(deps, live.item, head);
  return { workId: entry.workId, item: { ...found, accepted: true } };
}
function requireSame(draft: Draft, key: string, workId: WorkId, stored: string): void {
  if (stored !== draft.digest) throw new KeyConflictError(draft.contract.id, key, workId, stored, draft.digest);
}

/**
 * DUE before all else, so that an item never lacks an alarm (G3), and what never becomes one is found and taken away.
 * False: the item was there already.
 */
export async function create(deps: Deps, draft: Draft, workId: WorkId, startedAtMs: number): Promise<boolean> {
  const partition = itemPartition(deps.namespace, workId);
  const { options } = draft;
  const request: Omit<Item, "payload"> = {
    namespace: deps.namespace,
    workId,
    engine: draft.contract.id,
    payloadDigest: draft.digest,
    lane: options.lane ?? "normal",
    tenant: options.tenant ?? "",
    labels: options.labels ?? {},
    createdAtMs: startedAtMs,
    startAtMs: startedAtMs + Math.ceil(options.delayMs ?? 0),
    deadlineMs: options.deadlineMs === undefined ? null : Math.ceil(options.deadlineMs),
    key: draft.parent === null ? (options.key ?? null) : null,
    parent: draft.parent,
  };
  const head = initialHead(request);
  const alarm = alarmFor(head, { ...reckoningOf(deps), nowMs: startedAtMs });
  const atMs = head.status.kind === "sleeping" ? alarm.atMs : Math.min(alarm.atMs, startedAtMs + ALARM_ENQUEUE_MS);
  const due: Alarm = { why: "enqueue", atMs, version: 0, rings: 0 };
  await setAlarm(deps, partition, due);
  const item: Item = { ...request, payload: await keep(deps, partition, draft.text) };
  if (draft.signal !== null) await bufferSignal(deps, partition, draft.signal, { version: 0, crowded: false }, draft.nextAtMs());
  if (deps.clock.nowMs() - startedAtMs > ENQUEUE_MS) throw new EnqueueTimeoutError(workId, ENQUEUE_MS);
  const listed = { group: openGroup(deps.namespace), atMs: startedAtMs };
  const written = await put(deps, { partition, sort: ITEM_KEY, ...(await encodeItem(item, deps.codec)), listed }, "absent");
  if (!written.ok && options.key === undefined) throw new InvariantError(`work id ${workId} was drawn twice`);
  await sendNext(deps, item, head);
  // What an enqueue takes is nowhere in the snapshot: most are made where nobody counts.
  deps.meter?.take(partition);
  return written.ok;
}

/**
 * One that is there already may be about to be removed as an orphan's: it is rewritten, so that its removal fails. Or
 * another call has made the item meanwhile, and somebody wants an earlier look at it.
 */
async function setAlarm(deps: Deps, partition: string, due: Alarm): Promise<void> {
  if ((await writeDue(deps, partition, due, "absent")).ok) return;
  for (;;) {
    const found = await readDue(deps, partition);
    const isSooner = !needsRewrite(found.due, due, deps.clock.nowMs()) && !isAlarmSet(found.due, "collect");
    const atMs = isSooner ? Math.min(found.due?.atMs ?? due.atMs, due.atMs) : due.atMs;
    if ((await writeDue(deps, partition, { ...due, atMs }, found.revision)).ok) return;
  }
}

/** The list group of all items by creation. */
export function openGroup(namespace: string): string {
  return `${namespace}/all`;
}

function checkOptions(options: KeyOptions): void {
  const { key, ifEnded } = options;
  if (key !== undefined) checkKey(key);
  if (ifEnded !== undefined && ifEnded !== "return" && ifEnded !== "again")
    throw new InvalidArgumentError("ifEnded", "return or again", ifEnded);
  checkStartOptions(options);
}
/** @throws InvalidArgumentError */
export function checkKey(key: unknown): void {
  if (!isKey(key)) throw new InvalidArgumentError("key", `a well-formed text of 1 to ${KEY_BYTES} bytes`, key);
}
/** @throws InvalidArgumentError */
export function checkStartOptions({ lane, tenant, labels, delayMs, deadlineMs }: StartOptions): void {
  if (lane !== undefined && !LANES.includes(lane)) throw new InvalidArgumentError("lane", LANES.join(", "), lane);
  if (tenant !== undefined && (typeof tenant !== "string" || tenant.length > LABEL_CHARS)) {
    throw new InvalidArgumentError("tenant", `a text of at most ${LABEL_CHARS} characters`, tenant);
  }
  if (delayMs !== undefined) requireTime("delayMs", delayMs);
  if (deadlineMs !== undefined) requireTime("deadlineMs", deadlineMs);
  for (const [name, value] of Object.entries(labels ?? {})) {
    if (name === "__proto__") throw new InvalidArgumentError("label", "a name other than __proto__", name);
    if (typeof value !== "string" || value.length > LABEL_CHARS)
      throw new InvalidArgumentError(`label ${name}`, `a text of at most ${LABEL_CHARS} characters`, value);
  }
}

/** Half a surrogate pair has no bytes of its own: two such keys would be one. */
function isKey(key: unknown): boolean {
  return typeof key === "string" && key !== "" && key.isWellFormed() && new TextEncoder().encode(key).byteLength <= KEY_BYTES;
}
