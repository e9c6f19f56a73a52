/** What came from outside, as a step gets it: the signal it was woken by, and those that it takes. */
import { type Signals, signalSchema, validate } from "../domain/contract.ts";
import type { Engine, Signal, Wake } from "../domain/engine.ts";
import { CtxRevokedError, InvalidArgumentError, InvariantError } from "../domain/errors.ts";
import type { Head } from "../domain/head.ts";
import type { SignalEntry } from "../domain/inbox.ts";
import type { Item } from "../domain/item.ts";
import { decodeJson } from "../domain/json.ts";
import { INBOX_RANGE } from "../domain/keys.ts";
import { INBOX_CONSUMED } from "../domain/limits.ts";
import type { StoredWake } from "../domain/wake.ts";
import { decodeSignal } from "../wire/inbox.ts";
import type { Deps } from "./deps.ts";
import { notYetConsumed, signalsAfter } from "./inbox.ts";
import { readOne } from "./records.ts";
import { load } from "./values.ts";

interface MailScope {
  readonly deps: Deps;
  readonly partition: string;
  readonly item: Item;
  readonly engine: Engine;
  readonly head: Head;
}

/** @throws SchemaError when the signal no longer fits the engine's contract. */
export async function liveWake(scope: MailScope, wake: StoredWake): Promise<Wake<Signals>> {
  if (wake.kind !== "signal") return wake;
  const record = await readOne(scope.deps, scope.partition, wake.sort);
  if (record === null) throw new InvariantError(`signal ${wake.sort} of ${scope.partition} woke a step and is gone`);
  return { kind: "signal", signal: await liveSignal(scope, decodeSignal(record)) };
}

async function liveSignal({ deps, partition, engine }: MailScope, entry: SignalEntry): Promise<Signal<Signals>> {
  const { name, id, sentAtMs } = entry;
  const value = decodeJson(await load(deps, partition, entry.payload));
  const payload = await validate(`payload of signal ${name} (${id})`, signalSchema(engine, name), value);
  return { name, payload, id, sentAtMs };
}

export interface Mail {
  take(name: string, max?: number): Promise<Signal<Signals>[]>;
  /** Sort keys of what the step's commit consumes: the signal that woke it, and what it took. Nothing is taken after it. */
  consumed(): readonly string[];
}

export function createMail(scope: MailScope): Mail {
  const { deps, partition, item, engine, head } = scope;
  const taken: string[] = head.wake.kind === "signal" ? [head.wake.sort] : [];
  let before: Promise<unknown> = Promise.resolve();
  let closed = false;

  async function takeNow(name: string, max: number): Promise<Signal<Signals>[]> {
    const found: Signal<Signals>[] = [];
    const sorts: string[] = [];
    for await (const entry of signalsAfter(deps, partition, head.consumed, INBOX_RANGE.from)) {
      if (found.length >= max || taken.length + sorts.length >= INBOX_CONSUMED) break;
      if (entry.name !== name || taken.includes(entry.sort)) continue;
      if ((await notYetConsumed(deps, partition, [entry])).length === 0) continue;
      found.push(await liveSignal(scope, entry));
      sorts.push(entry.sort);
    }
    // All or nothing: what the step is not given, because one cannot be read or its attempt is over, stays unread.
    if (closed) throw new CtxRevokedError(item.workId, "take");
    taken.push(...sorts);
    return found;
  }
  return {
    take: (name, max = INBOX_CONSUMED) => {
      signalSchema(engine, name);
      if (!(Number.isSafeInteger(max) && max >= 1 && max <= INBOX_CONSUMED))
        throw new InvalidArgumentError("ctx.take: max", `a whole number from 1 to ${INBOX_CONSUMED}`, max);
      // One after the other, so that two at once do not get the same.
      const mine = before.then(() => takeNow(name, max));
      before = mine.catch(() => undefined);
      return mine;
    },
    consumed: () => {
      closed = true;
      return taken;
    },
  };
}
