/** What happened, call by call: the same for the same seed, to the byte. */
import type { PortCall } from "../../adapters/memory/intercept.ts";
import type { StoredRecord } from "../../ports/record-store.ts";

export interface TraceEntry {
  readonly atMs: number;
  readonly who: string;
  /** A call with its answer, or a text. */
  readonly call: PortCall | null;
  readonly answer: unknown;
  readonly text: string;
}
export interface Trace {
  add(entry: TraceEntry): void;
  /** The last ones, oldest first. */
  lines(): string[];
  /** Of everything that was added; empty unless asked for. */
  digest(): string;
}

/** Keeps the last `most`; they are put into words when they are read. */
export function createTrace(most: number, digested: boolean): Trace {
  let kept: TraceEntry[] = [];
  let low = 0x811c9dc5;
  let high = 0x1000193;
  function digest(line: string): void {
    for (let i = 0; i < line.length; i++) {
      low = Math.imul(low ^ line.charCodeAt(i), 0x01000193);
      high = Math.imul(high ^ low, 0x85ebca6b);
    }
  }
  return {
    add(entry) {
      if (digested) digest(lineOf(entry));
      kept.push(entry);
      if (kept.length >= 2 * most) kept = kept.slice(-most);
    },
    digest: () => (digested ? `${(low >>> 0).toString(16)}${(high >>> 0).toString(16)}` : ""),
    lines: () => kept.slice(-most).map(lineOf),
  };
}
function lineOf({ atMs, who, call, answer, text }: TraceEntry): string {
  const what = call === null ? text : describeCall(call);
  const outcome = call === null ? "" : `${describeAnswer(call, answer)}${text}`;
  return `${(atMs / 1_000).toFixed(6).padStart(14)} ${who.padEnd(12)} ${what}${outcome === "" ? "" : `  ${outcome}`}`;
}

/** A call in one line: whose record or message, and what of it tells where the item stands. */
export function describeCall({ port, method, args }: PortCall): string {
  const [first, second] = args;
  if (port === "records" && (method === "write" || method === "remove")) {
    return `${method} ${placeOf(first)} if ${String(second)}${method === "write" ? standingOf(first) : ""}`;
  }
  if (port === "records" && method === "read") return `read ${String(first)}${rangeOf(second)}`;
  if (method === "send") return `send ${String(first)} in ${String(fieldOf(second, "delayMs"))} ms`;
  if (port === "queue" && method !== "receive") return `${method} ${String(fieldOf(first, "id"))} ${describe(second)}`;
  return `${method} ${args.map(describe).join(" ")}`.trim();
}

/** What a call was answered. */
function describeAnswer({ port, method }: PortCall, answer: unknown): string {
  if (port === "records" && (method === "write" || method === "remove")) {
    if (fieldOf(answer, "ok") === true) return "";
    const current = fieldOf(answer, "current");
    return current === null ? "missed: absent" : `missed: at ${String(fieldOf(current, "revision"))}`;
  }
  if (!Array.isArray(answer)) return "";
  if (method === "receive") return answer.map((message) => `${fieldOf(message, "id")}=${fieldOf(message, "body")}`).join(" ");
  if (method === "due") return answer.map((entry) => String(fieldOf(entry, "partition"))).join(" ");
  return answer.map((record: StoredRecord) => `${record.sort.replace("LIVE/", "")}@${record.revision}`).join(" ");
}

const SHOWN = ["version", "token", "released", "attempt", "failures", "why", "holder", "message", "expires", "alone", "consumed"];
function standingOf(draft: unknown): string {
  const body = fieldOf(draft, "body");
  if (typeof body !== "object" || body === null) return "";
  const status = fieldOf(fieldOf(body, "status"), "kind");
  const state = fieldOf(fieldOf(body, "state"), "kind");
  const due = fieldOf(fieldOf(draft, "due"), "atMs");
  const told = [status, state].filter((one) => one !== undefined).map((one) => ` ${String(one)}`);
  const fields = SHOWN.flatMap((name) => (fieldOf(body, name) === undefined ? [] : [` ${name}=${String(fieldOf(body, name))}`]));
  return [...told, ...fields, due === undefined ? "" : ` at=${String(due)}`].join("");
}
function placeOf(key: unknown): string {
  return `${String(fieldOf(key, "partition"))} ${String(fieldOf(key, "sort"))}`;
}
function rangeOf(range: unknown): string {
  const from = fieldOf(range, "from");
  return from === undefined ? "" : ` ${String(from)}`;
}
function describe(value: unknown): string {
  if (typeof value === "string" || typeof value === "number") return String(value);
  return Array.isArray(value) ? `[${value.map(describe).join(" ")}]` : "";
}
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
