/** Columns as what the schema says they are. */
import type { SQLOutputValue } from "node:sqlite";
import { invariant } from "../../domain/errors.ts";

export type Row = Readonly<Record<string, SQLOutputValue>>;
type Column = SQLOutputValue | undefined;

export function textOf(column: Column): string {
  invariant(typeof column === "string", "a text column holds text");
  return column;
}
export function numberOf(column: Column): number {
  invariant(typeof column === "number", "a number column holds a number");
  return column;
}
export function bytesOf(column: Column): Uint8Array {
  invariant(column instanceof Uint8Array, "a blob column holds bytes");
  return column;
}
export function orNull<T>(column: Column, read: (column: Column) => T): T | null {
  return column === null ? null : read(column);
}
