/**
 * Callback tokens: whoever holds one may send one signal, once, without knowing more of the item.
 *
 * A token is on record with its step before it is given away, so it is the same on every attempt. It becomes a signal
 * whose id comes from its secret: delivered at most once, and a repeat is answered like the first (G5).
 */
import { type AnyContract, requireContract, signalSchema } from "../domain/contract.ts";
import { InvalidArgumentError, RefusedError, SignalConflictError, UnknownCallbackError } from "../domain/errors.ts";
import { isWorkId, type WorkId } from "../domain/ids.ts";
import type { Json } from "../domain/json.ts";
import { callbackKey, callbackRange } from "../domain/keys.ts";
import { decodeCallback, encodeCallback, type StoredCallback } from "../wire/callback.ts";
import { sameSecret, sha256 } from "../wire/digest.ts";
import type { AttemptScope } from "./attempt-scope.ts";
import { readSeen } from "./deliver.ts";
import type { Deps } from "./deps.ts";
import { type LiveRecords, readLive } from "./live.ts";
import { requireTime } from "./outcome.ts";
import { put, readOne } from "./records.ts";
import { checkSignal, type Signalled, sendSignal } from "./signal.ts";

const SECRET_BYTES = 20;
const TOKEN = /^rk1-([0-9a-z]{20})-(\d{1,9})-([0-9a-f]{40})$/;
const SHOWN_CHARS = 12;
const ID_CHARS = 32;

/** What a token says. */
export interface CallbackToken {
  readonly workId: WorkId;
  readonly version: number;
  readonly secret: string;
}

/** @throws InvalidArgumentError, which does not tell the secret */
export function parseCallbackToken(token: unknown): CallbackToken {
  const [, workId = "", version = "", secret = ""] = (typeof token === "string" ? TOKEN.exec(token) : null) ?? [];
  if (isWorkId(workId)) return { workId, version: Number(version), secret };
  const shown = typeof token === "string" && token.length > SHOWN_CHARS ? `${token.slice(0, SHOWN_CHARS)}…` : token;
  throw new InvalidArgumentError("callback token", "the text that ctx.callbackToken returned", shown);
}

/** The step's token for a signal: the same until it has expired, when nobody can use it any more. */
export async function callbackToken(scope: AttemptScope, signal: string, options: { expiresMs: number }): Promise<string> {
  const { deps, partition, head, item } = scope;
  signalSchema(scope.engine, signal);
  const what = "ctx.callbackToken: expiresMs";
  const expiresMs = requireTime(what, options?.expiresMs);
  if (expiresMs === 0) throw new InvalidArgumentError(what, "milliseconds, more than 0", expiresMs);
  const nowMs = deps.clock.nowMs();
  const fresh: StoredCallback = { signal, secret: newSecret(deps), expiresAtMs: requireTime(what, nowMs + expiresMs) };
  // The first step of `recover` has the version of the step that failed: their tokens are not to meet.
  const phase = head.recovery === null ? "step" : `recover ${head.recovery.sinceMs}`;
  const sort = callbackKey(head.version, sha256(`${phase}/${signal}`));
  for (;;) {
    const stored = await readOne(deps, partition, sort);
    const callback = stored === null ? null : decodeCallback(stored);
    if (callback !== null && callback.expiresAtMs > nowMs) return tokenOf(item.workId, head.version, callback);
    const draft = { partition, sort, ...encodeCallback(fresh) };
    const written = await put(deps, draft, stored?.revision ?? "absent", scope.token);
    if (written.ok) return tokenOf(item.workId, head.version, fresh);
  }
}
function newSecret({ random }: Deps): string {
  return Array.from(random.bytes(SECRET_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
function tokenOf(workId: WorkId, version: number, { secret }: StoredCallback): string {
  return `rk1-${workId}-${version}-${secret}`;
}

/** @throws InvalidArgumentError, UnknownCallbackError, RefusedError, SchemaError, and what `sendSignal` throws */
export async function sendCallback(
  deps: Deps,
  contract: AnyContract,
  text: string,
  payload: Json,
  nowMs: number,
): Promise<Signalled> {
  requireContract(contract);
  const token = parseCallbackToken(text);
  const { live, callback } = await findCallback(deps, token);
  const { item, partition } = live;
  if (item.engine !== contract.id)
    throw new RefusedError("call back", item.workId, `an item of engine ${contract.id}`, "of another engine");
  const id = `callback.${sha256(token.secret).slice(0, ID_CHARS)}`;
  const signal = await checkSignal(contract, callback.signal, payload, { id, fresh: false });
  const seen = await readSeen(deps, partition, id, "signal");
  // A repeat of what was in time is not refused: its sender had no answer.
  if (seen === null && callback.expiresAtMs <= deps.clock.nowMs())
    throw new RefusedError("call back", item.workId, "a token that has not expired", "expired");
  try {
    return await sendSignal(deps, live, signal, nowMs);
  } catch (thrown) {
    if (!(thrown instanceof SignalConflictError)) throw thrown;
    throw new RefusedError("call back", item.workId, "a token that is not used yet", "used with another payload");
  }
}

/** An unknown item and a wrong secret are told in the same words. */
async function findCallback(
  deps: Deps,
  { workId, version, secret }: CallbackToken,
): Promise<{ live: LiveRecords; callback: StoredCallback }> {
  const live = await readLive(deps, workId);
  if (live.item === null) throw new UnknownCallbackError();
  const records = await deps.store.read(live.partition, callbackRange(version));
  const callback = records.map(decodeCallback).find((one) => sameSecret(one.secret, secret));
  if (callback === undefined) throw new UnknownCallbackError();
  return { live, callback };
}
