/**
 * The output stream as its reader goes through it: pure rules over the places of its chunks.
 *
 * Text of a step that ran at version v is committed once HEAD's version is above v, and of all attempts at v the last
 * one in key order is the committed one: tokens rise with claims, and an attempt that wrote nothing supersedes with an
 * empty chunk what an earlier one left. So a reader that drops what is replaced ends with the committed text.
 */
import { InvalidArgumentError, invariant } from "./errors.ts";
import { type OutputPhase, outputKey } from "./keys.ts";

/** Of one chunk: the attempt that wrote it, and the how manyth of it, from 0. */
export interface OutputPlace {
  readonly version: number;
  readonly token: number;
  readonly phase: OutputPhase;
  readonly attempt: number;
  readonly n: number;
}
/** Where a reader stands: before the chunk `n` of an attempt. */
export interface OutputPosition extends OutputPlace {
  /** It has given out text of this version that nothing has replaced. */
  readonly holds: boolean;
}
/** What a reader gives out, and where it stands afterwards. */
export interface OutputArrival {
  readonly at: OutputPosition;
  readonly kind: "chunk" | "replaced" | "end";
  readonly text: string;
}

export const OUTPUT_START: OutputPosition = { version: 0, token: 0, phase: "step", attempt: 0, n: 0, holds: false };

const OUTPUT_KEY = /^output\/(\d+)\/(\d+)\.(r?)(\d+)\/(\d+)$/;
const CURSOR = /^1-(\d{1,9})-(\d{1,12})-(r?)(\d{1,9})-(\d{1,9})-([hd])$/;

export function parseOutputKey(sort: string): OutputPlace {
  const parts = OUTPUT_KEY.exec(sort);
  invariant(parts !== null, `expected the key of an output chunk, got ${sort}`);
  return placeOf(parts);
}
function placeOf([, version, token, recover, attempt, n]: readonly string[]): OutputPlace {
  return {
    version: Number(version),
    token: Number(token),
    phase: recover === "r" ? "recover" : "step",
    attempt: Number(attempt),
    n: Number(n),
  };
}
export function outputKeyOf({ version, token, attempt, n, phase }: OutputPlace): string {
  return outputKey(version, token, attempt, n, phase);
}

/** Opaque text for others: where to go on, on any machine and at any time. */
export function encodeCursor({ version, token, phase, attempt, n, holds }: OutputPosition): string {
  return `1-${version}-${token}-${phase === "recover" ? "r" : ""}${attempt}-${n}-${holds ? "h" : "d"}`;
}
/** @throws InvalidArgumentError */
export function parseCursor(text: unknown): OutputPosition {
  const parts = typeof text === "string" ? CURSOR.exec(text) : null;
  if (parts === null) throw new InvalidArgumentError("cursor of an output stream", "one that such a stream gave", text);
  return { ...placeOf(parts), holds: parts[6] === "h" };
}

function isOfAttempt(at: OutputPlace, { version, token, phase, attempt }: OutputPlace): boolean {
  return at.version === version && at.token === token && at.phase === phase && at.attempt === attempt;
}
/** Nothing can stand between the two: it is the next chunk of the same attempt. */
export function isNext(at: OutputPosition, place: OutputPlace): boolean {
  return isOfAttempt(at, place) && at.n === place.n;
}

/** What a reader at `at` gives out when it meets this chunk, and where it stands then. */
export function arrive(
  at: OutputPosition,
  place: OutputPlace,
  text: string,
): { readonly at: OutputPosition; readonly arrivals: readonly OutputArrival[] } {
  const arrivals: OutputArrival[] = [];
  const replaces = at.holds && at.version === place.version && !isOfAttempt(at, place);
  if (replaces) arrivals.push({ kind: "replaced", text: "", at: { ...place, holds: false } });
  const held = at.holds && isOfAttempt(at, place);
  const after: OutputPosition = { ...place, n: place.n + 1, holds: held || text !== "" };
  if (text !== "") arrivals.push({ kind: "chunk", text, at: after });
  return { at: after, arrivals };
}

/** What follows the last chunk of an item that ended at this version: text that no commit stands for is dropped. */
export function finish(at: OutputPosition, version: number, status: string): readonly OutputArrival[] {
  const dropped: OutputPosition = { ...at, holds: false };
  const end: OutputArrival = { kind: "end", text: status, at: dropped };
  if (!at.holds || at.version < version) return [end];
  return [{ kind: "replaced", text: "", at: dropped }, end];
}
