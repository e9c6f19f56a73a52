/** Stands for the systems of a shop: a payment provider that knows idempotency keys, and keeps its books in a file. */
import { appendFile, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export interface Refund {
  readonly key: string;
  readonly order: number;
  readonly cents: number;
}
const BOOKS = "refunds.jsonl";

export async function findOrder(order: number): Promise<{ order: number; cents: number; state: string }> {
  return { order, cents: order * 100, state: "delivered" };
}

/** Takes its time, so that there is some to kill the worker in. */
export async function refund(key: string, what: Omit<Refund, "key">): Promise<Refund> {
  const before = await findRefund(key);
  if (before !== undefined) return before;
  await appendFile(BOOKS, `${JSON.stringify({ key, ...what })}\n`);
  await sleep(Number(process.env["SHOP_DELAY_MS"] ?? 0));
  return { key, ...what };
}

export async function findRefund(key: string): Promise<Refund | undefined> {
  const books = await readFile(BOOKS, "utf8").catch(() => "");
  const refunds = books.split("\n").flatMap((line): Refund[] => (line === "" ? [] : [JSON.parse(line)]));
  return refunds.find((one) => one.key === key);
}
