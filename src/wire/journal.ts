/**
 * The journal's text: a line per event. The common one (a step that committed at its first attempt, without its state)
 * is `name,delta,duration` in base 36, a few bytes; the name is left out when it is the one before, and the version is
 * one up. At the start of a tail it is `=version,instant,name,duration`. Every other line is JSON with its own version
 * and instant. Each line is what the next one counts from.
 */
import { z } from "zod";
import { RecordUndecodableError } from "../domain/errors.ts";
import type { JournalEvent } from "../domain/journal.ts";
import { linesOf } from "../domain/strand.ts";
import { count, encodeCause, encodeError, encodeStored, instant, stored, storedCause, storedError, storedWake } from "./parts.ts";

/** What the next line counts from. */
export interface JournalContext {
  readonly version: number;
  readonly atMs: number;
  readonly step: string;
}

const RADIX = 36;
/** What the short form can hold: it does not begin like another form, and has no comma. */
const SHORT_NAME = /^[^={,\p{Cc}][^,\p{Cc}]*$/u;
const at = { version: count, atMs: instant };
const attempt = { step: z.string(), attempt: count };
const event: z.ZodType<JournalEvent> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("step"), ...at, ...attempt, durationMs: count, state: stored.nullable() }),
  z.object({
    kind: z.literal("failed"),
    ...at,
    ...attempt,
    durationMs: count,
    error: storedError,
    retryAtMs: instant.nullable(),
  }),
  z.object({ kind: z.literal("taken_over"), ...at, ...attempt, alone: z.boolean() }),
  z.object({ kind: z.literal("given_back"), ...at, ...attempt }),
  z.object({ kind: z.literal("woken"), ...at, step: z.string(), wake: storedWake }),
  z.object({
    kind: z.literal("in_doubt"),
    ...at,
    step: z.string(),
    key: z.string(),
    why: z.string(),
    untilAtMs: instant.nullable(),
  }),
  z.object({ kind: z.literal("paused"), ...at, reason: z.string() }),
  z.object({ kind: z.literal("resumed"), ...at }),
  z.object({ kind: z.literal("cancel_requested"), ...at, reason: z.string() }),
  z.object({ kind: z.literal("redriven"), ...at, note: z.string() }),
  z.object({ kind: z.literal("migrated"), ...at, from: count, to: count }),
  z.object({ kind: z.literal("recovering"), ...at, cause: storedCause }),
  z.object({ kind: z.literal("refused"), ...at, command: z.string(), status: z.string() }),
  z.object({ kind: z.literal("ended"), ...at, status: z.string(), cause: storedCause.nullable() }),
]);

/** The lines of some events, and the context after them. `context` is null at the start of a tail. */
export function encodeEvents(
  context: JournalContext | null,
  events: readonly JournalEvent[],
): { lines: string[]; context: JournalContext | null } {
  const lines: string[] = [];
  let last = context;
  for (const one of events) {
    lines.push(shortLine(last, one) ?? JSON.stringify(toJson(one)));
    last = after(last, one);
  }
  return { lines, context: last };
}

function shortLine(last: JournalContext | null, one: JournalEvent): string | null {
  if (one.kind !== "step" || one.state !== null || one.attempt !== 1 || !SHORT_NAME.test(one.step)) return null;
  const duration = one.durationMs.toString(RADIX);
  if (last === null || one.version !== last.version + 1 || one.atMs < last.atMs) {
    return `=${one.version.toString(RADIX)},${one.atMs.toString(RADIX)},${one.step},${duration}`;
  }
  return `${one.step === last.step ? "" : one.step},${(one.atMs - last.atMs).toString(RADIX)},${duration}`;
}
function after(last: JournalContext | null, one: JournalEvent): JournalContext {
  return { version: one.version, atMs: one.atMs, step: "step" in one ? one.step : (last?.step ?? "") };
}
function toJson(one: JournalEvent): object {
  if (one.kind === "step") return { ...one, state: one.state === null ? null : encodeStored(one.state) };
  if (one.kind === "failed") return { ...one, error: encodeError(one.error) };
  if (one.kind === "recovering") return { ...one, cause: encodeCause(one.cause) };
  if (one.kind === "ended") return { ...one, cause: one.cause === null ? null : encodeCause(one.cause) };
  return one;
}

/** The events of a text that begins with a whole tail. `what` names it in errors. @throws RecordUndecodableError */
export function decodeEvents(text: string, what: string): { events: JournalEvent[]; context: JournalContext | null } {
  const events: JournalEvent[] = [];
  let last: JournalContext | null = null;
  for (const line of linesOf(text)) {
    const one: JournalEvent = line.startsWith("{") ? parseLong(line, what) : parseShort(last, line, what);
    events.push(one);
    last = after(last, one);
  }
  return { events, context: last };
}

function parseLong(line: string, what: string): JournalEvent {
  try {
    return event.parse(JSON.parse(line));
  } catch (error) {
    throw new RecordUndecodableError(what, error instanceof Error ? error.message : String(error));
  }
}
function parseShort(last: JournalContext | null, line: string, what: string): JournalEvent {
  const fields = line.split(",");
  const [first = "", second = "", third = "", fourth = ""] = fields;
  const whole = first.startsWith("=");
  const version = whole ? Number.parseInt(first.slice(1), RADIX) : (last?.version ?? Number.NaN) + 1;
  const atMs = whole ? Number.parseInt(second, RADIX) : (last?.atMs ?? Number.NaN) + Number.parseInt(second, RADIX);
  const durationMs = Number.parseInt(whole ? fourth : third, RADIX);
  if (Number.isNaN(version) || Number.isNaN(atMs) || Number.isNaN(durationMs) || fields.length !== (whole ? 4 : 3)) {
    throw new RecordUndecodableError(what, `unexpected journal line ${JSON.stringify(line)}`);
  }
  const step = whole ? third : first === "" ? (last?.step ?? "") : first;
  return { kind: "step", version, atMs, step, attempt: 1, durationMs, state: null };
}
