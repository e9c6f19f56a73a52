/**
 * What a supervisor and its children say to each other, over the channel that `fork` gives them. A supervisor is at work
 * before its children are: it loads no schema library.
 */
import type { Lane } from "../../ports/work-queue.ts";
import type { Settings } from "../../runtime/settings.ts";

/** A child leaves to be replaced: a step in it did not heed its abort signal. */
export const LEAVING_EXIT = 75;

/** Where a child works: a folder, or a stack in AWS. */
export type At = { readonly kind: "home"; readonly home: string } | { readonly kind: "stack"; readonly stack: string };
/** What a child works with, as it found it. */
export interface Place {
  readonly at: At;
  readonly namespace: string;
  readonly engines: readonly string[];
}
export interface Failure {
  readonly message: string;
  readonly hint: string | null;
  readonly exit: number;
}
/** How the work on one item is over. */
export type Over = "ended" | "reached" | "paused" | "stopped";

export type FromChild =
  | { readonly kind: "alive" }
  | ({ readonly kind: "ready" } & Place)
  /** It takes nothing new: its replacement may start. */
  | { readonly kind: "leaving"; readonly workId: string }
  /** It could not start, or what it was started for failed. */
  | ({ readonly kind: "failed" } & Failure)
  /** What it was started for is over: no replacement. */
  | { readonly kind: "over"; readonly how: Over };
export interface FromSupervisor {
  readonly kind: "stop";
}

/** Null for what is none of ours: an engine may have found the channel, too. */
export function readFromChild(message: unknown): FromChild | null {
  if (!isObject(message)) return null;
  const { kind, workId, namespace, engines, message: text, hint, exit, how } = message;
  if (kind === "alive") return { kind };
  if (kind === "leaving" && typeof workId === "string") return { kind, workId };
  const at = atIn(message["at"]);
  if (kind === "ready" && at !== null && typeof namespace === "string" && Array.isArray(engines))
    return { kind, at, namespace, engines: engines.map(String) };
  if (kind === "failed" && typeof text === "string" && typeof exit === "number")
    return { kind, message: text, hint: typeof hint === "string" ? hint : null, exit };
  const over = OVERS.find((one) => one === how);
  return kind === "over" && over !== undefined ? { kind, how: over } : null;
}
function atIn(value: unknown): At | null {
  if (!isObject(value)) return null;
  const { kind, home, stack } = value;
  if (kind === "home" && typeof home === "string") return { kind, home };
  return kind === "stack" && typeof stack === "string" ? { kind, stack } : null;
}
const OVERS: readonly Over[] = ["ended", "reached", "paused", "stopped"];

export function isStop(message: unknown): boolean {
  return isObject(message) && message["kind"] === "stop";
}
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** What a child is started for: one argument, written by the supervisor and by nobody else. */
export interface ChildSpec {
  readonly aliveMs: number;
  readonly graceMs: number;
  readonly settings: Partial<Settings>;
  readonly work:
    | { readonly kind: "queue"; readonly concurrency: number; readonly lanes: readonly Lane[] | null }
    | { readonly kind: "item"; readonly workId: string; readonly untilVersion: number | null };
}
export function encodeChildSpec(spec: ChildSpec): string {
  return JSON.stringify(spec);
}
/** @throws SyntaxError */
export function decodeChildSpec(text: string): ChildSpec {
  const spec: ChildSpec = JSON.parse(text);
  return spec;
}

const SETTINGS = [
  "leaseDurationMs",
  "heartbeatMs",
  "visibilityMs",
  "abandonMs",
  "retentionMs",
  "patienceMs",
] satisfies (keyof Settings)[];

/** Null when a field is none, or no number of milliseconds. */
export function parseSettings(text: string): Partial<Settings> | null {
  const entries = entriesIn(text);
  const isFine = entries.every(
    ([name, value]) => SETTINGS.some((one) => one === name) && typeof value === "number" && value >= 0,
  );
  return isFine ? Object.fromEntries(entries) : null;
}
function entriesIn(text: string): [string, unknown][] {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return Object.entries(value);
  } catch {
    // Said below.
  }
  return [["", null]];
}
