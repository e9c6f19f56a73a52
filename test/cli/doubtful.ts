/** An engine that books one seat, which is left in doubt the first time. */
import { z } from "zod";
import { defineContract, defineEngine, type Effect } from "../../src/index.ts";

const DoubtfulContract = defineContract({
  id: "doubtful",
  payload: z.object({ ifInDoubt: z.enum(["park", "ask"]) }),
  result: z.string(),
});

const lookUp: Effect<null, string[]> = { run: async () => ["1A", "1B"], ifInDoubt: "rerun", scope: "item" };
/** Whoever runs it for the second time has better luck. */
function booking(ifInDoubt: "park" | "ask"): Effect<{ seat: string }, string> {
  return {
    run: async ({ seat }, { idempotencyKey }) => {
      if (lost.has(idempotencyKey)) return `booked ${seat}`;
      lost.add(idempotencyKey);
      throw new Error("socket\nhang \u001b[31mup");
    },
    ifInDoubt: ifInDoubt === "park" ? "park" : async () => ({ askAgainMs: 3_600_000 }),
  };
}
const lost = new Set<string>();

export const doubtful = defineEngine(DoubtfulContract, {
  version: 1,
  state: z.null(),
  init: null,
  async step(_state, ctx) {
    const [seat = ""] = await ctx.effect("look at seats of 日本", null, lookUp);
    return ctx.complete(await ctx.effect("book it's", { seat }, booking(ctx.payload.ifInDoubt)));
  },
});
