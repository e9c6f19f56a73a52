/** What is billed, line by line: how many of which unit, and for what. */
import { PRICES, type Priced } from "../../domain/prices.ts";

/** `free` is counted, and costs nothing. */
export type Unit = Priced | "free";

export interface Line {
  readonly unit: Unit;
  /** The operation, or which part of a table: `SendMessageBatch`, `table`, `index due`. */
  readonly of: string;
  readonly count: number;
}
export type Bill = readonly Line[];

/** What came to a bill since it was `before`. */
export function billSince(before: Bill, after: Bill): Bill {
  const known = new Map<string, number>();
  for (const line of before) known.set(nameOf(line), (known.get(nameOf(line)) ?? 0) + line.count);
  return after.flatMap((line) => {
    const count = line.count - (known.get(nameOf(line)) ?? 0);
    return count === 0 ? [] : [{ ...line, count }];
  });
}

export function nameOf({ unit, of }: Line): string {
  return `${unit} ${of}`;
}

export function dollarsOfBill(bill: Bill): number {
  return bill.reduce((sum, { unit, count }) => sum + (unit === "free" ? 0 : count * PRICES[unit]), 0);
}
