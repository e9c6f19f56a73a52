/**
 * Reading an output stream, from its beginning or from any cursor, until the item has ended. Reads only.
 *
 * The order inside one read does not count as a proof: what is not the next chunk of the same attempt is only passed on
 * to once a later read has begun, which sees everything that was written before it.
 */
import { UnknownWorkItemError } from "../domain/errors.ts";
import { type Head, isEnded } from "../domain/head.ts";
import { HEAD_KEY, ITEM_KEY, OUTPUT_RANGE } from "../domain/keys.ts";
import {
  arrive,
  encodeCursor,
  finish,
  isNext,
  OUTPUT_START,
  type OutputArrival,
  type OutputPosition,
  outputKeyOf,
  parseCursor,
  parseOutputKey,
} from "../domain/output.ts";
import type { Revision } from "../ports/record-store.ts";
import { decodeHead } from "../wire/head.ts";
import { decodeOutput } from "../wire/output.ts";
import { type Deps, pause } from "./deps.ts";
import type { LiveRecords } from "./live.ts";
import { readOne } from "./records.ts";

export interface OutputEvent {
  /** Names what was read so far: given as `after`, it gives the rest, hours later and on any machine. */
  readonly cursor: string;
  /** Committed outcomes before the step that wrote it; of `end`, in all. */
  readonly step: number;
  /** That wrote it, or begins; of `end`, the last that wrote. */
  readonly attempt: number;
  /**
   * `chunk`: more text. `replaced`: drop everything received of `step`; what follows of it, if anything, is of a later
   * attempt. `end`: the item has ended, and nothing follows.
   */
  readonly kind: "chunk" | "replaced" | "end";
  /** Of `end`, the status; empty for `replaced`. */
  readonly text: string;
}
export interface OutputOptions {
  /** The cursor of the last event received; null, as a header that is missing, for the beginning. */
  readonly after?: string | null;
  /** Ends the stream, without an error. */
  readonly abortSignal?: AbortSignal;
}

const POLL_MS = 100;
const PAGE = 100;

/** @throws InvalidArgumentError for an invalid cursor; reading it, UnknownWorkItemError */
export function readOutput(
  deps: Deps,
  find: () => Promise<LiveRecords>,
  { after = null, abortSignal }: OutputOptions,
): AsyncIterable<OutputEvent> {
  const from = after === null ? OUTPUT_START : parseCursor(after);
  return {
    [Symbol.asyncIterator]() {
      // A generator that waits cannot be ended from outside: whoever stops reading fires this.
      const stop = new AbortController();
      const signal = abortSignal === undefined ? stop.signal : AbortSignal.any([stop.signal, abortSignal]);
      const events = follow(deps, find, from, signal);
      return {
        next: () => events.next(),
        return: () => {
          stop.abort();
          return events.return(undefined);
        },
      };
    },
  };
}

async function* follow(
  deps: Deps,
  find: () => Promise<LiveRecords>,
  from: OutputPosition,
  signal: AbortSignal,
): AsyncGenerator<OutputEvent, undefined> {
  if (signal.aborted) return;
  const { partition, item } = await find();
  let at = from;
  let seen: SeenHead | null = null;
  while (!signal.aborted) {
    seen = await lookAt(deps, partition, seen);
    if (seen.gone) throw new UnknownWorkItemError(deps.namespace, item.workId);
    for await (const met of readOn(deps, partition, at)) {
      at = met.at;
      for (const arrival of met.arrivals) {
        yield eventOf(arrival);
        if (signal.aborted) return;
      }
    }
    if (seen.ended === null) await pause(deps.clock, POLL_MS, signal);
    // A redrive, whose text may have been read above, would have written HEAD anew.
    else if ((await readOne(deps, partition, HEAD_KEY))?.revision === seen.revision) {
      const { version, status } = seen.ended;
      for (const arrival of finish(at, version, status.kind)) yield { ...eventOf(arrival), ...stepOf(arrival, version) };
      return;
    }
  }
}
function stepOf({ kind }: OutputArrival, version: number): { step?: number } {
  return kind === "end" ? { step: version } : {};
}
function eventOf({ at, kind, text }: OutputArrival): OutputEvent {
  return { cursor: encodeCursor(at), step: at.version, attempt: at.attempt, kind, text };
}

interface SeenHead {
  /** Null before the first commit. */
  readonly revision: Revision | null;
  readonly ended: Head | null;
  /** Collected meanwhile. */
  readonly gone: boolean;
}
/** A snapshot that has not been written since is not read again. */
async function lookAt(deps: Deps, partition: string, seen: SeenHead | null): Promise<SeenHead> {
  const record = await readOne(deps, partition, HEAD_KEY);
  if (record === null) return { revision: null, ended: null, gone: (await readOne(deps, partition, ITEM_KEY)) === null };
  if (seen !== null && seen.revision === record.revision) return seen;
  const head = await decodeHead(record, deps.codec);
  return { revision: record.revision, ended: isEnded(head.status) ? head : null, gone: false };
}

/** Everything that is on record behind `from`, a chunk at a time. */
async function* readOn(
  deps: Deps,
  partition: string,
  from: OutputPosition,
): AsyncGenerator<{ readonly at: OutputPosition; readonly arrivals: readonly OutputArrival[] }> {
  let at = from;
  let known = "";
  for (;;) {
    const page = await deps.store.read(partition, { from: outputKeyOf(at), to: OUTPUT_RANGE.to }, PAGE);
    let passed = 0;
    for (const record of page) {
      const place = parseOutputKey(record.sort);
      if (!isNext(at, place) && record.sort > known) break;
      const met = arrive(at, place, await decodeOutput(record, deps.codec));
      at = met.at;
      passed += 1;
      yield met;
    }
    if (passed === page.length && page.length < PAGE) return;
    known = page.at(-1)?.sort ?? known;
  }
}
