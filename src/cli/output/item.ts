/** A work item in words. */
import { assertNever } from "../../domain/errors.ts";
import { STEP_NAME, type StoredCause } from "../../domain/head.ts";
import { SECOND_MS } from "../../domain/limits.ts";
import type { StoredError } from "../../domain/stored-error.ts";
import type { StoredWake } from "../../domain/wake.ts";
import type { ItemStatus, ItemUnits, ShownStatus } from "../../runtime/inspect.ts";
import type { GroupStatus } from "../../runtime/tree.ts";
import type { Tint } from "./style.ts";
import { clean } from "./text.ts";
import { relative } from "./time.ts";

export const STATUS_TINTS: Readonly<Record<ShownStatus, Tint>> = {
  queued: "yellow",
  running: "cyan",
  sleeping: "blue",
  waiting: "blue",
  closing: "cyan",
  paused: "magenta",
  completed: "green",
  failed: "red",
  cancelled: "gray",
  dead_lettered: "red",
};

export function statusWord(status: string): string {
  return status.replaceAll("_", "-");
}

/** Short, for a table. */
export function statusBrief(item: ItemStatus, nowMs: number): string {
  if (item.status !== "sleeping" || item.wakeAtMs === null || item.wakeAtMs - nowMs < SECOND_MS) return statusWord(item.status);
  return item.retrying ? `retry ${relative(item.wakeAtMs, nowMs)}` : `sleeping, ${relative(item.wakeAtMs, nowMs)}`;
}

/** Null where the engine gave it none of its own. */
export function stepName({ step }: ItemStatus): string | null {
  return step === STEP_NAME ? null : clean(step);
}

/** A sentence, for one item. `missing`: what keeps the workers of this place from it. */
export function statusSentence(item: ItemStatus, nowMs: number, missing: string | null): string {
  const sentence = sentenceOf(item, nowMs);
  if (missing === null) return sentence;
  return item.status === "queued" ? missing : `${sentence}; ${missing}`;
}
function sentenceOf(item: ItemStatus, nowMs: number): string {
  switch (item.status) {
    case "queued":
      return item.suspect ? "waits to run alone: its worker died in it" : "waits for a worker";
    case "running":
      return item.recovering === null ? "a worker is on it" : "a worker lets its recover have its turn";
    case "sleeping":
      if (item.findingOut) return `what became of an effect is not known; asked again ${wakes(item, nowMs)}`;
      return item.retrying
        ? `the last attempt failed; tried again ${wakes(item, nowMs)}`
        : `goes on by itself ${wakes(item, nowMs)}`;
    case "waiting":
      return waitText(item, nowMs);
    case "closing":
      return "has its result, and looks for signals that nobody has read";
    case "paused":
      return `${(item.pausedBecause ?? "").replace(/^paused /, "")}${wouldWake(item, nowMs)}`;
    case "completed":
    case "failed":
    case "cancelled":
    case "dead_lettered":
      return item.endedAtMs === null ? "" : relative(item.endedAtMs, nowMs);
    default:
      return assertNever(item.status);
  }
}
function waitText({ waitsFor, wakeAtMs }: ItemStatus, nowMs: number): string {
  const whats = waitsFor === null ? "" : waitsText(waitsFor);
  const until = wakeAtMs === null ? "" : `, until ${relative(wakeAtMs, nowMs)}`;
  return whats === "" ? `for its timeout ${relative(wakeAtMs ?? nowMs, nowMs)}` : `for ${whats}${until}`;
}
/** Empty when it is only its timeout. */
export function waitsText({ signals, group }: NonNullable<ItemStatus["waitsFor"]>): string {
  const whats = signals.map((name) => `signal ${clean(name)}`);
  return (group === null ? whats : [...whats, `children of group ${clean(group)}`]).join(" or ");
}
export function groupText({ name, total, succeeded, failed, limit }: GroupStatus): string {
  const ended = `${digits(succeeded + failed)} of ${digits(total)} ${total === 1 ? "has" : "have"} ended`;
  const badly = failed === 0 ? "" : `, ${failed} badly`;
  return `${clean(name)}: ${ended}${badly}${limit === null ? "" : `, at most ${digits(limit)} at once`}`;
}
export function digits(count: number): string {
  return count.toLocaleString("en-US");
}
export function wakeText(wake: StoredWake): string {
  switch (wake.kind) {
    case "go":
      return "itself";
    case "timeout":
      return "its timeout";
    case "resumed":
      return `a redrive: ${clean(wake.note)}`;
    case "signal":
      return `signal ${clean(wake.name)}`;
    case "children":
      return `children of group ${clean(wake.group)}: ${wake.succeeded} completed, ${wake.failed} did not`;
    default:
      return assertNever(wake);
  }
}
function wouldWake({ wakeAtMs }: ItemStatus, nowMs: number): string {
  return wakeAtMs === null || wakeAtMs <= nowMs ? "" : `; would wake ${relative(wakeAtMs, nowMs)}`;
}
function wakes(item: ItemStatus, nowMs: number): string {
  return item.wakeAtMs === null ? "soon" : relative(item.wakeAtMs, nowMs);
}

export function errorText(error: StoredError): string {
  const code = error.code === null ? "" : `, ${error.code}`;
  return clean(`${error.name}: ${error.message} (${error.class}${code})`);
}
export function causeText(cause: StoredCause): string {
  switch (cause.kind) {
    case "exhausted":
      return `out of attempts, ${errorText(cause.error)}`;
    case "crashed":
      return `its worker died too often while nothing else was at work, the last time in attempt ${cause.attempts}; the worker's log may say why`;
    case "cancelled":
      return `cancelled: ${clean(cause.reason)}`;
    case "deadline":
      return "the deadline passed";
    case "limit":
      return `over the limit ${clean(cause.name)}`;
    default:
      return assertNever(cause);
  }
}

/** `linux/<machine>/<boot>/<namespace>/<pid>/<start>` and `other/<host>/<pid>`. */
export function holderText(holder: string): string {
  const parts = holder.split("/");
  const pid = parts[0] === "linux" ? parts[4] : parts[2];
  return pid === undefined ? clean(holder) : `process ${pid}`;
}

/** What it used of AWS, and what that comes to. */
export function unitsText({ writes, reads, requests, puts, gets, dollars }: ItemUnits): string {
  const counts: readonly (readonly [count: number, what: string])[] = [
    [writes, "writes"],
    [reads, "reads"],
    [requests, "requests to the queue"],
    [puts, "puts"],
    [gets, "gets"],
  ];
  const used = counts.filter(([count]) => count > 0).map(([count, what]) => `${digits(count)} ${what}`);
  const left = "its enqueue, what came after it was last saved, sweeps, Lambda's time";
  return `about ${dollarText(dollars)} of AWS: ${used.join(", ")}; not in it: ${left}`;
}
/** To two digits that say something. */
function dollarText(dollars: number): string {
  const places = dollars >= 0.1 || dollars <= 0 ? 2 : 1 - Math.floor(Math.log10(dollars));
  return `$${dollars.toFixed(Math.min(places, 12))}`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];
export function bytesText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const count = bytes / 1_000 ** power;
  return `${power === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)} ${UNITS[power]}`;
}
