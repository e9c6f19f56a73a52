/** Commands from outside. One that the status does not allow is on record and changes nothing else. */
import { at, endBadly, type From, type Transition } from "./ends.ts";
import { assertNever } from "./errors.ts";
import { type Head, isEnded, requireOpen, STEP_NAME, type Status, woken } from "./head.ts";
import type { Command, CommandKind } from "./inbox.ts";

/** Why the command cannot be applied: what was expected; null when it can. */
export function refusal(command: CommandKind, head: Head, nowMs: number): string | null {
  const { status } = head;
  switch (command) {
    case "cancel":
      if (head.recovery !== null || status.kind === "closing") return "an item that is not ending already";
      return isEnded(status) ? "an item that has not ended" : null;
    case "pause":
      return status.kind === "ready" || status.kind === "sleeping" || status.kind === "waiting"
        ? null
        : "an item that is queued, running, sleeping or waiting";
    case "resume":
      return status.kind === "paused" ? null : "an item that is paused";
    case "redrive":
      return redriveRefusal(status, head.rememberedUntilAtMs, nowMs);
    case "children":
      return null;
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
    case "children":
      return { next: withChildren(head, command, nowMs), changes: [] };
    default:
      return assertNever(command);
  }
}

function unpaused(head: Head): Head {
  return head.status.kind === "paused" ? { ...head, status: head.status.beneath } : head;
}
/** Only the wait that it was sent for: another one of the same group has a version of its own. */
function withChildren(head: Head, told: Command & { kind: "children" }, nowMs: number): Head {
  const { group, version, succeeded, failed } = told;
  const { status } = head;
  const open = status.kind === "paused" ? status.beneath : status;
  if (open.kind !== "waiting" || open.group?.name !== group || head.version !== version) return head;
  const next = { ...woken(head, { kind: "children", group, succeeded, failed }), updatedAtMs: nowMs };
  return status.kind === "paused" ? { ...next, status: { ...status, beneath: { kind: "ready" } } } : next;
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
