/** A journal event in words. */
import { assertNever } from "../../domain/errors.ts";
import type { JournalEvent } from "../../domain/journal.ts";
import { causeText, errorText, statusWord, wakeText } from "./item.ts";
import type { Tint } from "./style.ts";
import { clean } from "./text.ts";
import { duration, relative } from "./time.ts";

export function eventText(event: JournalEvent): string {
  switch (event.kind) {
    case "step":
      return `${clean(event.step)} saved in ${duration(event.durationMs)}${again(event.attempt)}`;
    case "failed":
      return `${clean(event.step)} failed${again(event.attempt)}: ${errorText(event.error)}${retryText(event)}`;
    case "taken_over":
      return `${clean(event.step)} taken over from a worker that left no outcome${again(event.attempt)}`;
    case "given_back":
      return `${clean(event.step)} given back by a worker that stops`;
    case "woken":
      return `woken by ${wakeText(event.wake)}`;
    case "in_doubt":
      return event.untilAtMs === null ? `parked: ${clean(event.why)}` : `not known yet: ${clean(event.why)}`;
    case "paused":
      return `paused: ${clean(event.reason)}`;
    case "resumed":
      return "resumed";
    case "cancel_requested":
      return `cancel requested: ${clean(event.reason)}`;
    case "redriven":
      return `redriven: ${clean(event.note)}`;
    case "migrated":
      return `carried over from engine version ${event.from} to ${event.to}`;
    case "recovering":
      return `recover has its turn: ${causeText(event.cause)}`;
    case "refused":
      return event.command === "resume"
        ? `resume had nothing to do: it was ${statusWord(event.status)}`
        : `${event.command} refused: it was ${statusWord(event.status)}`;
    case "ended":
      return `${statusWord(event.status)}${event.cause === null || event.cause.kind === "cancelled" ? "" : `: ${causeText(event.cause)}`}`;
    default:
      return assertNever(event);
  }
}
function again(attempt: number): string {
  return attempt > 1 ? `, attempt ${attempt}` : "";
}
function retryText({ retryAtMs, atMs }: Extract<JournalEvent, { kind: "failed" }>): string {
  return retryAtMs === null ? "; not tried again" : `; again ${relative(retryAtMs, atMs)}`;
}

const TINTS: Partial<Record<JournalEvent["kind"], Tint>> = {
  failed: "red",
  taken_over: "yellow",
  recovering: "yellow",
  refused: "yellow",
  in_doubt: "magenta",
  paused: "magenta",
  cancel_requested: "magenta",
};
export function eventTint(event: JournalEvent): Tint | null {
  if (event.kind === "ended") return event.status === "completed" ? "green" : "red";
  return TINTS[event.kind] ?? null;
}
