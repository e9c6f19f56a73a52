/** Engines that do next to nothing, so that what is measured is Rookery. */
import { z } from "zod";
import { defineContract, defineEngine, type JournalPolicy } from "../src/index.ts";

const payload = z.object({ steps: z.number() });
const state = z.object({ n: z.number() });

function counting(id: string, journal: JournalPolicy) {
  const contract = defineContract({ id, payload, result: z.number() });
  const engine = defineEngine(contract, {
    version: 1,
    state,
    journal,
    init: { n: 0 },
    async step({ n }, ctx) {
      return n + 1 >= ctx.payload.steps ? ctx.complete(n + 1) : ctx.next({ n: n + 1 }, { at: "count" });
    },
  });
  return { contract, engine };
}

export const counters = {
  steps: counting("bench-steps", "steps"),
  full: counting("bench-full", "full"),
  compact: counting("bench-compact", "compact"),
  interval: counting("bench-interval", { interval: 100 }),
};
export type CounterName = keyof typeof counters;
