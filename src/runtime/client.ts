/** From outside: enqueue, wait, look, command. The same client for one machine and for AWS. */
import { type AnyContract, type Contract, type NoSignals, requireContract, type Signals } from "../domain/contract.ts";
import type { ArtifactRef, Ended } from "../domain/engine.ts";
import { InvalidArgumentError, UnknownWorkItemError } from "../domain/errors.ts";
import { isEnded } from "../domain/head.ts";
import { isWorkId, keyPartition, type WorkId } from "../domain/ids.ts";
import type { Command } from "../domain/inbox.ts";
import type { JournalEvent } from "../domain/journal.ts";
import { decodeJson, type Json } from "../domain/json.ts";
import { NOTE_CHARS, SECOND_MS } from "../domain/limits.ts";
import type { Resolution } from "../domain/resolution.ts";
import type { Page } from "../ports/record-store.ts";
import { sha256 } from "../wire/digest.ts";
import { decodeKey } from "../wire/key.ts";
import { pickArtifact } from "./artifacts.ts";
import { sendCallback } from "./callback.ts";
import { sendCommand } from "./command.ts";
import { type Deps, pause } from "./deps.ts";
import { endOf } from "./end-of.ts";
import { type Enqueued, type EnqueueOptions, enqueue } from "./enqueue.ts";
import { type HistoryEntry, type ItemStatus, readArtifacts, readEvents, readHistory, readState, statusOf } from "./inspect.ts";
import { type ListOptions, listItems } from "./list.ts";
import { type LiveRecords, readLive } from "./live.ts";
import { readLog } from "./log.ts";
import { type OutputEvent, type OutputOptions, readOutput } from "./output-reader.ts";
import { type EffectEntry, listEffects, type ResolveOptions, resolveEffect } from "./resolve.ts";
import { senderId } from "./sender-id.ts";
import { checkSignal, type Signalled, sendSignal } from "./signal.ts";
import { type ChildrenOptions, type ChildStatus, type GroupStatus, listChildren, listGroups } from "./tree.ts";
import { load } from "./values.ts";

/** A work id, or a contract with the key that was given at enqueue. */
export type Ref = string | { readonly contract: AnyContract; readonly key: string };
export interface CommandOptions {
  /** Makes it idempotent: the same id again is the same command. Default random. */
  readonly id?: string;
}

/** Every method throws UnknownWorkItemError for a reference that names nothing. */
export interface Client {
  /** Idempotent by key as long as it is remembered (null: as long as it is open). @throws SchemaError, KeyConflictError */
  enqueue<P extends Json, R extends Json, G extends Signals = NoSignals>(
    contract: Contract<P, R, G>,
    payload: P,
    options?: EnqueueOptions<G>,
  ): Promise<Enqueued>;
  /**
   * Buffered until a step takes it, and delivered once, in order per sender. The same id again is the same signal.
   *
   * @throws SchemaError, InvalidArgumentError for a name that the contract has not, InboxFullError, SignalConflictError,
   * SignalInDoubtError
   */
  signal<G extends Signals, N extends keyof G & string>(
    contract: Contract<Json, Json, G>,
    ref: Ref,
    name: N,
    payload: G[N],
    options?: CommandOptions,
  ): Promise<Signalled>;
  /**
   * Sends the signal that a token of `ctx.callbackToken` stands for, once: the same token and payload again get the same
   * answer, another payload is refused. Answers as `signal`.
   *
   * @throws InvalidArgumentError for what is no token, UnknownCallbackError for an unknown one, RefusedError when it has
   * expired, is used, or belongs to another engine, SchemaError, InboxFullError, SignalInDoubtError
   */
  callback<G extends Signals>(contract: Contract<Json, Json, G>, token: string, payload: G[keyof G & string]): Promise<Signalled>;
  /** Waits up to `timeoutMs` for the end; 0 asks once. */
  result<R extends Json>(
    contract: Contract<Json, R>,
    ref: Ref,
    options: { timeoutMs: number; abortSignal?: AbortSignal },
  ): Promise<Ended<R> | { readonly status: "open" }>;
  /**
   * What the item's steps write, as they write it, until it ends: by `for await`. A reader that drops what is replaced
   * ends with the text of the committed attempts. A redrive goes on for a new reader.
   *
   * @throws InvalidArgumentError for an invalid cursor
   */
  output(ref: Ref, options?: OutputOptions): AsyncIterable<OutputEvent>;
  status(ref: Ref): Promise<ItemStatus>;
  /** Newest first. */
  list(options?: ListOptions): Promise<Page<ItemStatus>>;
  /** Those that an item has started, a page at a time. */
  children(ref: Ref, options?: ChildrenOptions): Promise<Page<ChildStatus>>;
  /** How many children its groups have, and how they ended. */
  groups(ref: Ref): Promise<readonly GroupStatus[]>;
  /** The state of the last committed version; null before the first. */
  state(ref: Ref): Promise<Json | null>;
  /** The result of a completed item, without its contract; null otherwise. */
  resultJson(ref: Ref): Promise<Json | null>;
  /** What happened, oldest first. */
  events(ref: Ref): AsyncIterable<JournalEvent>;
  /** Committed versions, with their states where the journal policy kept them. */
  history(ref: Ref): AsyncIterable<HistoryEntry>;
  /** The engine's log, oldest first. */
  log(ref: Ref, options?: { last?: number }): Promise<readonly Json[]>;
  artifacts(ref: Ref): Promise<readonly ArtifactRef[]>;
  /** The newest of a name. @throws UnknownArtifactError, BlobMissingError, BlobAlteredError */
  artifact(ref: Ref, name: string): Promise<{ readonly ref: ArtifactRef; readonly content: AsyncIterable<Uint8Array> }>;
  /** The ledgers of its side effects, by step and key. */
  effects(ref: Ref): Promise<readonly EffectEntry[]>;
  /**
   * A person's word on an effect in doubt; a parked item then goes on. The same again is the same.
   *
   * @throws UnknownEffectError, RefusedError when it is not in doubt, InvalidArgumentError when several steps have one of
   * that key in doubt, NotJsonError
   */
  resolve(ref: Ref, key: string, resolution: Resolution, options?: ResolveOptions): Promise<EffectEntry>;
  /** @throws RefusedError when the status does not allow it, InboxFullError; so do the next three. */
  cancel(ref: Ref, reason?: string, options?: CommandOptions): Promise<void>;
  pause(ref: Ref, reason?: string, options?: CommandOptions): Promise<void>;
  resume(ref: Ref, options?: CommandOptions): Promise<void>;
  /** A failed or dead-lettered item goes on from its last snapshot with fresh attempts and limits. */
  redrive(ref: Ref, note?: string, options?: CommandOptions): Promise<void>;
}

const FIRST_POLL_MS = 10;

export function createClient(deps: Deps): Client {
  let lastSentAtMs = 0;
  /** Rises with everything that this client sends, which keeps it in order. */
  const nextAtMs = (): number => {
    lastSentAtMs = Math.max(deps.clock.nowMs(), lastSentAtMs + 1);
    return lastSentAtMs;
  };
  const find = (ref: Ref): Promise<LiveRecords> => findItem(deps, ref);
  async function command(ref: Ref, what: Command, options: CommandOptions = {}): Promise<void> {
    checkText(what);
    const id = senderId(options.id, deps.nonce);
    const live = await find(ref);
    await sendCommand(deps, live, what, id, nextAtMs());
  }
  return {
    enqueue: (contract, payload, options = {}) => enqueue(deps, contract, payload, options, nextAtMs),
    signal: async (contract, ref, name, payload, options = {}) => {
      requireContract(contract);
      const atMs = nextAtMs();
      const signal = await checkSignal(contract, name, payload, senderId(options.id, deps.nonce));
      return sendSignal(deps, await find(ref), signal, atMs);
    },
    callback: (contract, token, payload) => sendCallback(deps, contract, token, payload, nextAtMs()),
    result: (contract, ref, options) => waitForResult(deps, contract, ref, options),
    output: (ref, options = {}) => readOutput(deps, () => find(ref), options),
    status: async (ref) => statusOf(deps, await find(ref)),
    list: (options = {}) => listItems(deps, options),
    children: async (ref, options = {}) => listChildren(deps, (await find(ref)).partition, options),
    groups: async (ref) => listGroups(deps, (await find(ref)).partition),
    state: async (ref) => readState(deps, await find(ref)),
    resultJson: async (ref) => resultJson(deps, await find(ref)),
    async *events(ref) {
      yield* readEvents(deps, await find(ref));
    },
    async *history(ref) {
      yield* readHistory(deps, await find(ref));
    },
    log: async (ref, options) => {
      const live = await find(ref);
      return readLog(deps, live.partition, live.head, options?.last);
    },
    artifacts: async (ref) => readArtifacts(deps, await find(ref)),
    artifact: async (ref, name) => {
      const live = await find(ref);
      const found = pickArtifact(live.item.workId, await readArtifacts(deps, live), name);
      return { ref: found, content: deps.blobs.get(live.partition, found.digest) };
    },
    effects: async (ref) => listEffects(deps, await find(ref)),
    resolve: async (ref, key, resolution, options = {}) =>
      resolveEffect(deps, await find(ref), key, resolution, options, nextAtMs),
    cancel: (ref, reason = "cancelled by an operator", options) => command(ref, { kind: "cancel", reason }, options),
    pause: (ref, reason = "paused by an operator", options) => command(ref, { kind: "pause", reason }, options),
    resume: (ref, options) => command(ref, { kind: "resume" }, options),
    redrive: (ref, note = "redriven by an operator", options) => command(ref, { kind: "redrive", note }, options),
  };
}

/** It goes into the snapshot, so it has a bound. */
function checkText(what: Command): void {
  if (what.kind === "resume" || what.kind === "children") return;
  const [name, text]: [string, unknown] = what.kind === "redrive" ? ["note", what.note] : ["reason", what.reason];
  if (typeof text === "string" && text.length <= NOTE_CHARS) return;
  throw new InvalidArgumentError(`${what.kind}: ${name}`, `a text of at most ${NOTE_CHARS} characters`, text);
}

async function findItem(deps: Deps, ref: Ref): Promise<LiveRecords> {
  const workId = await workIdOf(deps, ref);
  const live = workId === null ? null : await readLive(deps, workId);
  if (live === null || live.item === null)
    throw new UnknownWorkItemError(deps.namespace, typeof ref === "string" ? ref : `${ref.contract.id}/${ref.key}`);
  return live;
}
async function workIdOf(deps: Deps, ref: Ref): Promise<WorkId | null> {
  if (typeof ref === "string") return isWorkId(ref) ? ref : null;
  const [record] = await deps.store.read(keyPartition(deps.namespace, ref.contract.id, sha256(ref.key)));
  return record === undefined ? null : decodeKey(record).workId;
}

async function waitForResult<R extends Json>(
  deps: Deps,
  contract: Contract<Json, R>,
  ref: Ref,
  options: { timeoutMs: number; abortSignal?: AbortSignal },
): Promise<Ended<R> | { readonly status: "open" }> {
  requireContract(contract);
  const untilMs = deps.clock.nowMs() + options.timeoutMs;
  // Counted as well: the clock may jump back meanwhile.
  let budgetMs = options.timeoutMs;
  for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(2 * waitMs, SECOND_MS / 2)) {
    const live = await findItem(deps, ref);
    if (isEnded(live.head.status)) return endOf(deps, contract, live);
    const leftMs = Math.min(budgetMs, untilMs - deps.clock.nowMs());
    if (leftMs <= 0 || options.abortSignal?.aborted === true) return { status: "open" };
    await pause(deps.clock, Math.min(waitMs, leftMs), options.abortSignal);
    budgetMs -= waitMs;
  }
}

async function resultJson(deps: Deps, live: LiveRecords): Promise<Json | null> {
  const { status } = live.head;
  return status.kind === "completed" ? decodeJson(await load(deps, live.partition, status.result)) : null;
}
