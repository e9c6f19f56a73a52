import { tool } from "ai";
import { defineEngine } from "rookery";
import { durableAgent, fenceOf } from "rookery/ai";
import { z } from "zod";
import { Support } from "./contract.ts";
import { model } from "./model.ts";
import { findOrder, findRefund, refund } from "./shop.ts";

/** Tools as the AI SDK has them. `fenceOf` gives a call's idempotency key, the same however often it is tried. */
const tools = {
  findOrder: tool({
    description: "Looks up an order by its number.",
    inputSchema: z.object({ order: z.number() }),
    execute: async ({ order }) => findOrder(order),
  }),
  refund: tool({
    description: "Pays an order back.",
    inputSchema: z.object({ order: z.number(), cents: z.number() }),
    execute: async ({ order, cents }, options) =>
      refund(fenceOf(options)?.idempotencyKey ?? options.toolCallId, { order, cents }),
  }),
};

export const support = defineEngine(Support, {
  ...durableAgent({
    model,
    instructions: "You help the customers of a small shop. Look an order up before you say anything about it.",
    tools,
    // Large refunds wait for a person, for a day.
    toolApproval: { refund: ({ cents }) => (cents > 5_000 ? "user-approval" : undefined) },
    approvalTimeoutMs: 24 * 60 * 60 * 1_000,
    // The choice everyone must make: what if the worker died in the middle of a call?
    ifInDoubt: {
      findOrder: "rerun",
      refund: async (_input, { idempotencyKey }) => {
        const found = await findRefund(idempotencyKey);
        return found === undefined ? { happened: false } : { happened: true, result: found };
      },
    },
  }),
  limits: { meters: { outputTokens: 50_000 } },
});
