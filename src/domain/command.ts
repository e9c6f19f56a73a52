/** Commands from outside. One that the status does not allow is on record and changes nothing else. */
import { at, endBadly, type From, type Transition } from "./ends.ts";
import { assertNever } from "./errors.ts";
import { type Head, isEnded, requireOpen, STEP_NAME, type Status } from "./head.ts";
import type { Command, CommandKind } from "./inbox.ts";

/** Why the command cannot be applied: what was expected; null when it can. */
export function refusal(command: CommandKind, head: Head, nowMs: number): string | null {
  const { status } = head;
  switch (command) {
    case "cancel":
      if (head.recovery !== null) return "an item that is not ending already";
      return isEnded(status) ? "an item that has not ended" : null;
    case "pause":
      return status.kind === "ready" || status.kind === "sleeping" ? null : "an item that is queued, running or sleeping";
    case "resume":
      return status.kind === "paused" ? null : "an item that is paused";
    case "redrive":
      return redriveRefusal(status, head.rememberedUntilAtMs, nowMs);
    default:
      return assertNever(command);
  }
}
function redriveRefusal(status: Status, rememberedUntilAtMs: number | null, nowMs: number): string | null {
  if (status.kind !== "failed" && status.kind !== "dead_lettered") return "an item that is failed or dead-lettered";
  return rememberedUntilAtMs !== null && rememberedUntilAtMs <= nowMs ? "an item that is still remembered" : null;
}

export function applyCommand(from: From, command: Command): Transition {
  const { head, nowMs } = from;
  if (refusal(command.kind, head, nowMs) !== null) {
    return { next: head, changes: [{ kind: "refused", ...at(from, head), command: command.kind, status: head.status.kind }] };
  }
  switch (command.kind) {
    case "cancel":
      return endBadly(from, unpaused(head), { kind: "cancelled", reason: command.reason }, [
        { kind: "cancel_requested", ...at(from, head), reason: command.reason },
      ]);
    case "pause":
      return pause(from, command.reason);
    case "resume":
      return { next: { ...unpaused(head), updatedAtMs: nowMs }, changes: [{ kind: "resumed", ...at(from, head) }] };
    case "redrive":
      return redrive(from, command.note);
    default:
      return assertNever(command);
  }
}

function unpaused(head: Head): Head {
  return head.status.kind === "paused" ? { ...head, status: head.status.beneath } : head;
}
function pause(from: From, reason: string): Transition {
  const { head, nowMs } = from;
  const status: Status = { kind: "paused", sinceMs: nowMs, reason, beneath: requireOpen(head) };
  return { next: { ...head, status, updatedAtMs: nowMs }, changes: [{ kind: "paused", ...at(from, head), reason }] };
}

/**
 * A new budget from the last snapshot: attempts, limits and deadline start again, and `recover` is armed. The name that
 * recover's steps had is not that of the step to come.
 */
function redrive(from: From, note: string): Transition {
  const { head, nowMs, rules } = from;
  const next: Head = {
    ...head,
    status: { kind: "ready" },
    step: head.recovered ? STEP_NAME : head.step,
    wake: { kind: "resumed", note },
    attempt: 0,
    failures: 0,
    crashes: 0,
    budget: { sinceVersion: head.version, sinceMs: nowMs, meters: head.meters },
    recovery: null,
    recovered: false,
    deadlineAtMs: rules.deadlineMs === null ? null : nowMs + rules.deadlineMs,
    rememberedUntilAtMs: null,
    updatedAtMs: nowMs,
  };
  return { next, changes: [{ kind: "redriven", ...at(from, head), note }] };
}
