/** What happened to an item, in order: one entry per attempt with an outcome, per death, per command. */
import type { JournalPolicy } from "./engine.ts";
import { assertNever } from "./errors.ts";
import type { StoredCause } from "./head.ts";
import type { Stored } from "./item.ts";
import type { StoredError } from "./stored-error.ts";
import type { StoredWake } from "./wake.ts";

interface At {
  /** HEAD's version after it. */
  readonly version: number;
  readonly atMs: number;
}
export type JournalEvent = At &
  (
    | {
        readonly kind: "step";
        readonly step: string;
        readonly attempt: number;
        readonly durationMs: number;
        readonly state: Stored | null;
      }
    /** What ended the wait before the step that follows. */
    | { readonly kind: "woken"; readonly step: string; readonly wake: StoredWake }
    | {
        readonly kind: "failed";
        readonly step: string;
        readonly attempt: number;
        readonly durationMs: number;
        readonly error: StoredError;
        readonly retryAtMs: number | null;
      }
    /** A worker took over from one that left no outcome; `alone` when that counts against limits.crashes. */
    | { readonly kind: "taken_over"; readonly step: string; readonly attempt: number; readonly alone: boolean }
    /** A worker that shut down gave the step back; the attempt is not spent. */
    | { readonly kind: "given_back"; readonly step: string; readonly attempt: number }
    /** Whether an effect happened is not known; asked again at `untilAtMs`, or (null) by a person. */
    | {
        readonly kind: "in_doubt";
        readonly step: string;
        readonly key: string;
        readonly why: string;
        readonly untilAtMs: number | null;
      }
    | { readonly kind: "paused"; readonly reason: string }
    | { readonly kind: "resumed" }
    | { readonly kind: "cancel_requested"; readonly reason: string }
    | { readonly kind: "redriven"; readonly note: string }
    | { readonly kind: "migrated"; readonly from: number; readonly to: number }
    | { readonly kind: "recovering"; readonly cause: StoredCause }
    /** A command that the status did not allow. */
    | { readonly kind: "refused"; readonly command: string; readonly status: string }
    | { readonly kind: "ended"; readonly status: string; readonly cause: StoredCause | null }
  );

/** What a policy keeps of an event, or null; failures, deaths, commands and ends are always kept. */
export function kept(event: JournalEvent, policy: JournalPolicy): JournalEvent | null {
  if (event.kind === "woken") return policy === "compact" ? null : event;
  if (event.kind !== "step") return event;
  if (policy === "compact") return event.attempt > 1 ? { ...event, state: null } : null;
  return keepsState(policy, event.version) ? event : { ...event, state: null };
}
export function keepsState(policy: JournalPolicy, version: number): boolean {
  if (policy === "full") return true;
  if (policy === "steps" || policy === "compact") return false;
  if (typeof policy === "object") return version % policy.interval === 0;
  return assertNever(policy);
}
