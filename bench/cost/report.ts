/** What was measured, as rows: dollars for a million, by part. */
import { type Bill, dollarsOfBill, type Line } from "../../src/adapters/metering/bill.ts";
import { INVOCATION } from "../../src/adapters/metering/meter.ts";
import { PRICED_AT } from "../../src/domain/prices.ts";
import type { Cost } from "./scenarios.ts";

export const PARTS = ["writes", "indexes", "reads", "SQS", "Lambda", "S3"] as const;
export type Part = (typeof PARTS)[number];

export interface Row {
  readonly of: string;
  readonly name: string;
  /** For a million. */
  readonly dollars: number;
  readonly parts: Readonly<Record<Part, number>>;
  /** Of one, by unit and operation. */
  readonly units: Readonly<Record<string, number>>;
  readonly measured: number;
  /** The design's target, in dollars for a million; null where it has none. */
  readonly atMost: number | null;
  readonly ok: boolean;
}

const MILLION = 1_000_000;

export function rowOf(of: string, name: string, { bill, measured }: Cost, atMost: number | null = null): Row {
  const parts = Object.fromEntries(PARTS.map((part) => [part, million(bill.filter((line) => partOf(line) === part))]));
  const dollars = million(bill);
  return {
    of,
    name,
    dollars,
    parts: parts as Row["parts"],
    units: Object.fromEntries(bill.map(({ unit, of, count }) => [`${unit} ${of}`, rounded(count)])),
    measured,
    atMost,
    ok: atMost === null || dollars <= atMost,
  };
}
function million(bill: Bill): number {
  return rounded(dollarsOfBill(bill) * MILLION);
}
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000 + 0;
}

function partOf({ unit, of }: Line): Part {
  if (unit === "request") return "SQS";
  if (unit === "invocation" || unit === "gbSecond") return "Lambda";
  if (unit === "put" || unit === "get" || unit === "free") return "S3";
  if (unit === "read") return "reads";
  return of === "table" ? "writes" : "indexes";
}

/** What the numbers rest on. */
export const NOTES: readonly string[] = [
  `list prices of us-east-1, ${PRICED_AT}; no free tiers, storage, transfer or logs`,
  "writes and reads of DynamoDB; indexes are its index writes, and the reads of indexes are reads",
  `Lambda by assumption: ${INVOCATION.gb * 1_024} MB, ${INVOCATION.firstStepMs} ms and ${INVOCATION.furtherStepMs} ms for each further step inline; the items of a batch run side by side`,
  "a step: (an item of many steps - an item of one) / the steps more, so with its share of the journal",
  "enqueue and end: an item of one step - a step with a hop",
  "a sleep and a signal: with the step that they end in, and what the sweeper does for them, 10 at once in a shard",
  "a child: its enqueue, step and end, and what it is to its parent, of 10 in a group",
  "an effect: on top of its step",
  "what goes on while nothing is at work: 32 reads of the due index a minute",
];

const LABEL = 24;
const COLUMN = 8;

/** Fits 80 columns. */
export function tableOf(rows: readonly Row[]): string {
  const lines: string[] = [];
  let of = "";
  for (const row of rows) {
    if (row.of !== of) lines.push("", line(row.of, ["total", ...PARTS]));
    of = row.of;
    lines.push(line(`  ${row.name}`, [row.dollars, ...PARTS.map((part) => row.parts[part])].map(money)));
  }
  const targets = rows.filter(({ atMost }) => atMost !== null);
  const targetLines = targets.map(({ of, name, dollars, atMost, ok }) => {
    const what = `  ${of}: ${name}`.padEnd(LABEL + 3 * COLUMN);
    return `${what}${money(dollars).padStart(COLUMN)}  of ${money(atMost ?? 0)} at most: ${ok ? "ok" : "MISSED"}`;
  });
  return [
    "Dollars for a million:",
    ...lines,
    "",
    "Targets:",
    ...targetLines,
    "",
    ...NOTES.flatMap((note) => wrapped(`- ${note}`)),
    "",
  ].join("\n");
}
function line(label: string, columns: readonly string[]): string {
  return label.padEnd(LABEL) + columns.map((text) => text.padStart(COLUMN)).join("");
}
function money(dollars: number): string {
  return dollars.toFixed(2);
}
function wrapped(text: string): string[] {
  const found: string[] = [];
  let current = "";
  for (const word of text.split(" ")) {
    if (current !== "" && current.length + 1 + word.length > LABEL + 7 * COLUMN) {
      found.push(current);
      current = ` ${word}`;
    } else current = current === "" ? word : `${current} ${word}`;
  }
  return [...found, current];
}
