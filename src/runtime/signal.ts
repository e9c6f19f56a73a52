/**
 * Signals from outside: buffered until a step takes them, delivered once each, in order per sender.
 *
 * `accepted` is answered truly, also around the end: the sender looks at the snapshot after its write. An open item will
 * have read the inbox before it can end; one that is closing may have read it already, so its end is waited for.
 */
import { type AnyContract, signalSchema, validate } from "../domain/contract.ts";
import { SignalConflictError, SignalInDoubtError, UnknownWorkItemError } from "../domain/errors.ts";
import { isEnded } from "../domain/head.ts";
import type { WorkId } from "../domain/ids.ts";
import { encodeJson, type Json } from "../domain/json.ts";
import { inboxKey } from "../domain/keys.ts";
import { CLOSING_MS } from "../domain/limits.ts";
import { sha256 } from "../wire/digest.ts";
import { encodeSignal } from "../wire/inbox.ts";
import { deliver, isCrowded, readSeen } from "./deliver.ts";
import { type Deps, pause } from "./deps.ts";
import { sendHint } from "./hints.ts";
import { type ShownStatus, statusOf } from "./inspect.ts";
import { type LiveRecords, readLive } from "./live.ts";
import type { SenderId } from "./sender-id.ts";
import { keep } from "./values.ts";

export interface Signalled {
  /** The item had not ended: a step will take it, unless the item ends without looking (see `ifUnread`). */
  readonly accepted: boolean;
  readonly status: ShownStatus;
}
/** A signal whose payload has passed its schema. */
export interface CheckedSignal {
  readonly name: string;
  /** JSON text. */
  readonly text: string;
  readonly id: string;
  /** Made for it: nobody has sent it before. */
  readonly fresh: boolean;
  readonly digest: string;
}

const LOOK_MS = 20;

/** @throws InvalidArgumentError for a name that the contract has not, SchemaError, NotJsonError */
export async function checkSignal(
  contract: AnyContract,
  name: string,
  payload: Json,
  { id, fresh }: SenderId,
): Promise<CheckedSignal> {
  const schema = signalSchema(contract, name);
  const valid = await validate(`payload of signal ${name} of engine ${contract.id}`, schema, payload);
  const text = encodeJson(valid);
  return { name, text, id, fresh, digest: sha256(`${name} ${text}`) };
}

/** @throws InboxFullError, SignalConflictError, SignalInDoubtError */
export async function sendSignal(deps: Deps, live: LiveRecords, signal: CheckedSignal, nowMs: number): Promise<Signalled> {
  const { item, partition, head } = live;
  if (isEnded(head.status)) {
    const accepted = await wasTaken(deps, live, signal);
    return { accepted, status: head.status.kind };
  }
  const sort = await bufferSignal(deps, partition, signal, { version: head.version, crowded: isCrowded(live) }, nowMs);
  await sendHint(deps, item, null, 0);
  return wasAccepted(deps, item.workId, signal, sort);
}

/** Without a hint, and without a look: for an item that is about to be enqueued, too. */
export async function bufferSignal(
  deps: Deps,
  partition: string,
  { name, text, digest, ...sender }: CheckedSignal,
  { version, crowded }: { version: number; crowded: boolean },
  nowMs: number,
): Promise<string> {
  const payload = await keep(deps, partition, text);
  const encode = (sentAtMs: number) => encodeSignal({ id: sender.id, sentAtMs, name, payload });
  return deliver(deps, partition, { kind: "signal", ...sender, digest, crowded, encode }, version, nowMs);
}

async function wasAccepted(deps: Deps, workId: WorkId, signal: CheckedSignal, sort: string): Promise<Signalled> {
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    const live = await readLive(deps, workId, { mail: false });
    if (live.item === null) throw new UnknownWorkItemError(deps.namespace, workId);
    const { status } = live.head;
    if (status.kind !== "closing") {
      const accepted = !isEnded(status) || live.head.consumed.includes(sort) || (await wasTaken(deps, live, signal));
      return { accepted, status: statusOf(deps, live).status };
    }
    if (waitedMs >= CLOSING_MS) throw new SignalInDoubtError(workId, signal.id, CLOSING_MS);
    await pause(deps.clock, LOOK_MS);
  }
}

/** A commit has consumed it. @throws SignalConflictError when its id stood for another one */
export async function wasTaken(deps: Deps, { partition, head, item }: LiveRecords, signal: CheckedSignal): Promise<boolean> {
  const { id, digest } = signal;
  const seen = await readSeen(deps, partition, id, "signal");
  if (seen === null) return false;
  if (seen.digest !== null && seen.digest !== digest) throw new SignalConflictError(item.workId, id, seen.digest, digest);
  return seen.consumed || head.consumed.includes(inboxKey(seen.sentAtMs, id));
}
