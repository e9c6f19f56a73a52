/** What a person says about an effect that is in doubt; pure. */
import { doubtText, type EffectRecord, type EffectState } from "./effect.ts";
import { assertNever, InvalidArgumentError, quote } from "./errors.ts";
import type { PausedStatus } from "./head.ts";
import type { Stored } from "./item.ts";
import { encodeJson, type Json } from "./json.ts";
import { NOTE_CHARS } from "./limits.ts";

export type Resolution =
  /** With this result, plain JSON. */
  | { readonly happened: true; readonly result: Json }
  /** It is run again. */
  | { readonly happened: false }
  /** It is given up: the step's call throws EffectFailedError with this reason, of at most 2,000 characters. */
  | { readonly fail: string };
/** Checked; a result is JSON text. */
export type Resolved =
  | { readonly kind: "confirmed"; readonly text: string }
  | { readonly kind: "open" }
  | { readonly kind: "failed"; readonly reason: string };

/** @throws InvalidArgumentError, NotJsonError */
export function parseResolution(given: unknown): Resolved {
  const expected = "{ happened: true, result }, { happened: false } or { fail: reason }";
  if (typeof given !== "object" || given === null) throw new InvalidArgumentError("resolution", expected, given);
  if ("fail" in given) {
    if (typeof given.fail === "string" && given.fail.length <= NOTE_CHARS) return { kind: "failed", reason: given.fail };
    throw new InvalidArgumentError("resolution: fail", `a text of at most ${NOTE_CHARS} characters`, given.fail);
  }
  const happened: unknown = Reflect.get(given, "happened");
  if (happened === false) return { kind: "open" };
  if (happened !== true) throw new InvalidArgumentError("resolution", expected, given);
  return { kind: "confirmed", text: encodeJson(Reflect.get(given, "result"), "resolution.result") };
}

/** Whether it stands as this resolution left it: its sender may have had no answer. `result`: as it would be stored. */
export function isResolvedAs({ state }: EffectRecord, resolved: Resolved, result: Stored | null): boolean {
  switch (resolved.kind) {
    case "open":
      return state.kind === "open" && state.byOperator;
    case "failed":
      return state.kind === "failed" && state.reason === resolved.reason;
    case "confirmed":
      return state.kind === "confirmed" && state.byOperator && JSON.stringify(state.result) === JSON.stringify(result);
    default:
      return assertNever(resolved);
  }
}

/** Why a person's word is not asked for; null when it is. */
export function resolveRefusal(state: EffectState, holderGone: boolean, nowMs: number): string | null {
  if (state.kind === "in_doubt") return null;
  if (state.kind !== "reserved") return state.kind;
  return holderGone || state.untilAtMs <= nowMs ? null : "at work until its time is over";
}

/**
 * Which of the effects of one key is meant: the one in doubt, else the one that was left at work, else the newest that
 * stands as it would be resolved. `step`: the only one of that step.
 *
 * @throws InvalidArgumentError when several are, naming their steps.
 */
export function pickEffect<T extends { readonly record: EffectRecord }>(
  key: string,
  found: readonly T[],
  isSame: (record: EffectRecord) => boolean,
): T | null {
  const of = (kind: EffectState["kind"]): T[] => found.filter(({ record }) => record.state.kind === kind);
  const same = found.filter(({ record }) => isSame(record)).toSorted((a, b) => b.record.version - a.record.version);
  const pools = [of("in_doubt"), of("reserved"), same.slice(0, 1), found];
  const [first, ...more] = pools.find((pool) => pool.length > 0) ?? [];
  if (first === undefined) return null;
  if (more.length === 0) return first;
  const steps = [first, ...more].map(({ record }) => record.version).join(", ");
  throw new InvalidArgumentError(`effect ${quote(key)}: step`, `one of ${steps}`, undefined);
}

/** It is paused for this effect, and for nothing else that a person may have meant. */
export function isParkedOn({ reason }: PausedStatus, key: string): boolean {
  return reason.startsWith(doubtText(key, ""));
}
