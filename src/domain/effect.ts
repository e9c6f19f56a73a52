/**
 * The ledger of one side effect (G6). What an author gives to `ctx.effect`, and the rules by which an outcome that is
 * not known is found out, parked or risked again; pure.
 *
 * Its record is rewritten and never removed while its item lives, so that a revision is a condition that holds. A
 * reservation comes before the effect and says until when it may be at work; nothing starts after that.
 */
import { quote } from "./errors.ts";
import type { FencingToken } from "./ids.ts";
import type { Stored } from "./item.ts";
import { ASK_FIRST_MS, ASK_MS, ASK_SLOWEST_MS, ASK_SOONEST_MS } from "./limits.ts";

type Ms = number;

/** Thrown by an effect's code: it surely did not happen, and a retry is safe. Any other throw leaves the effect in doubt. */
export class DidNotHappen extends Error {
  override readonly name = "DidNotHappen";
}

/** What the code of an effect may hand to the outside system. */
export interface Fence {
  /**
   * The same whenever this effect is tried or asked about: `<workId>/<step>/<key>`, printable ASCII. A key that does not
   * fit a header is in it as its digest. A machine may pause between our last check and the call, so let the outside
   * system check it.
   */
  readonly idempotencyKey: string;
  /** Rises with every claim of the item. */
  readonly fencingToken: number;
  /** Fires when the attempt is over, or the effect's time. */
  readonly abortSignal: AbortSignal;
}
/** What an author's `ifInDoubt` found out. */
export type Verdict<T> =
  | { readonly happened: true; readonly result: T }
  | { readonly happened: false }
  /** At least 100 ms; each time is an entry in the journal. */
  | { readonly askAgainMs: Ms };

export interface Effect<I, T> {
  /** What it returns must be plain JSON; nothing is stored as null. */
  run(input: I, fence: Fence): Promise<T>;
  /** The choice everyone must make: run again, wait for a person, or ask the outside system what happened. */
  ifInDoubt: "rerun" | "park" | ((input: I, fence: Fence) => Promise<Verdict<T>>);
  /** How long `run` may take, and `ifInDoubt`; after it the effect is in doubt. From 1 ms to a day. Default 1 min. */
  timeoutMs?: Ms;
  /** Whose key it is: the step's own (counted by committed outcomes), or the item's for all its steps. Default "step". */
  scope?: "step" | "item";
}

export type EffectScope = "step" | "item";
export type EffectState =
  /** Somebody may be running it until that instant. `sinceMs`: since when it is in doubt; null when it is not. */
  | { readonly kind: "reserved"; readonly untilAtMs: number; readonly sinceMs: number | null }
  | { readonly kind: "in_doubt"; readonly sinceMs: number; readonly why: string }
  /** It surely did not happen, and may be reserved again. */
  | { readonly kind: "open"; readonly why: string; readonly byOperator: boolean }
  | { readonly kind: "confirmed"; readonly result: Stored; readonly byOperator: boolean }
  /** An operator gave it up. */
  | { readonly kind: "failed"; readonly reason: string };

export interface EffectRecord {
  readonly key: string;
  readonly scope: EffectScope;
  /** The name and the version of the step that reserved it first. */
  readonly step: string;
  readonly version: number;
  /** SHA-256 of the input's JSON text. */
  readonly inputDigest: string;
  /** Of the attempt that wrote it last, and the process it was in. */
  readonly token: FencingToken;
  readonly attempt: number;
  readonly holder: string;
  readonly state: EffectState;
}

/** Also the class of another copy of this package. */
export function isDidNotHappen(thrown: unknown): thrown is DidNotHappen {
  return thrown instanceof Error && thrown.name === "DidNotHappen";
}

/** What the outside system is told. Other steps, and each turn of `recover`, have keys of their own. */
export function idempotencyKey(
  { workId, version, recoveringSinceMs }: { workId: string; version: number; recoveringSinceMs: number | null },
  scope: EffectScope,
  key: string,
  digest: string,
): string {
  const recovery = recoveringSinceMs === null ? "" : `-recover-${recoveringSinceMs}`;
  return `${workId}/${scope === "item" ? scope : `${version}${recovery}`}/${fitsHeader(key) ? key : `sha256-${digest}`}`;
}
const HEADER_CHARS = 160;
/** It comes through as it is in a header: printable, short, and nothing at its end that is trimmed. */
function fitsHeader(key: string): boolean {
  return key.length <= HEADER_CHARS && /^[\x20-\x7e]*[\x21-\x7e]$/.test(key);
}

/** What an attempt knows when it meets the reservation of another. */
export interface Onlooker {
  readonly token: FencingToken;
  /** The process of the reservation is known to be gone. */
  readonly holderGone: boolean;
  readonly nowMs: number;
}
/** Nobody is at work under this reservation any more. Attempts under one token follow each other, each when the last has settled. */
export function isReservationOver(record: EffectRecord, untilAtMs: number, { token, holderGone, nowMs }: Onlooker): boolean {
  return record.token === token || holderGone || untilAtMs <= nowMs;
}

/** An answer of an author's `ifInDoubt`; null for what is none. */
export function verdictOf(answer: unknown): Verdict<unknown> | null {
  if (typeof answer !== "object" || answer === null) return null;
  if ("happened" in answer) {
    if (answer.happened === false) return { happened: false };
    return answer.happened === true ? { happened: true, result: Reflect.get(answer, "result") } : null;
  }
  const askAgainMs: unknown = Reflect.get(answer, "askAgainMs");
  return typeof askAgainMs === "number" && askAgainMs >= 0 ? { askAgainMs } : null;
}

/**
 * When to ask the outside system again; null: it was asked for long enough, a person must say. Without an answer that
 * says when (`askAgainMs` null), the longer it is in doubt the later.
 */
export function askAgainAt(sinceMs: number, nowMs: number, askAgainMs: number | null): number | null {
  const longMs = nowMs - sinceMs;
  if (longMs >= ASK_MS) return null;
  const afterMs = askAgainMs ?? Math.min(ASK_SLOWEST_MS, Math.max(ASK_FIRST_MS, longMs));
  return nowMs + Math.max(ASK_SOONEST_MS, Math.min(Math.ceil(afterMs), ASK_MS - longMs));
}

const WHY_CHARS = 300;
/** For the snapshot, the journal, and whoever looks at a parked item. */
export function doubtText(key: string, why: string): string {
  return `effect ${quote(key)} is in doubt: ${why.length <= WHY_CHARS ? why : `${why.slice(0, WHY_CHARS)}…`}`;
}
