import { defineContract, defineEngine } from "rookery";
import { z } from "zod";
import type { Customers } from "./customers.ts";

const HOUR_MS = 3_600_000;

const Bill = defineContract({
  id: "bill",
  payload: z.object({ customer: z.string() }),
  result: z.object({ cents: z.number() }),
});
export const bill = defineEngine(Bill, {
  version: 1,
  state: z.null(),
  init: null,
  async step(_state, ctx) {
    const number = Number(ctx.payload.customer.slice(-4));
    if (number % 1_000 === 13) return ctx.fail(new Error(`${ctx.payload.customer} has no address`));
    return ctx.complete({ cents: 100 * number });
  },
});

export const Nightly = defineContract({
  id: "nightly",
  payload: z.object({ day: z.string() }),
  result: z.object({ cents: z.number(), failed: z.number() }),
});

/** Starts a child for each customer, a page a step, and waits for all: at most six hours, or until too many have failed. */
export function createNightly(customers: Customers, failedAtMost = 50) {
  return defineEngine(Nightly, {
    version: 1,
    state: z.object({ after: z.string().nullable() }),
    init: { after: null },
    async step({ after }, ctx) {
      if (ctx.wake.kind === "timeout") return ctx.fail(new Error("bills not done in six hours"));
      if (ctx.wake.kind === "children") {
        if (ctx.wake.failed > failedAtMost) return ctx.fail(new Error(`too many bills have failed: ${ctx.wake.failed}`));
        let [cents, failed] = [0, 0];
        for await (const child of ctx.results(Bill, "bills")) {
          if (child.status === "completed") cents += child.result.cents;
          else failed += 1;
        }
        return ctx.complete({ cents, failed });
      }
      const { ids, last } = await customers.page(after);
      await Promise.all(ids.map((id) => ctx.start(Bill, { customer: id }, { key: id, group: "bills", tenant: id })));
      if (last !== null) return ctx.next({ after: last }, { at: "start" });
      return ctx.waitFor({ after }, { group: "bills", until: { failedAtMost }, timeoutMs: 6 * HOUR_MS, at: "add up" });
    },
  });
}
