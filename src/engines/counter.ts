/** Adds the whole numbers up to `upTo`, one a step: for trying out the CLI, and for benchmarks. */
import { z } from "zod";
import { defineContract, defineEngine } from "../index.ts";

const MAX_UP_TO = 10_000_000;

export const Counter = defineContract({
  id: "counter",
  payload: z.object({
    upTo: z.int().min(1).max(MAX_UP_TO),
    /** Between two steps. Default none: they follow inline. */
    delayMs: z.number().min(0).optional(),
  }),
  result: z.object({ sum: z.number() }),
});

export const counter = defineEngine(Counter, {
  version: 1,
  state: z.object({ added: z.int(), sum: z.number() }),
  init: { added: 0, sum: 0 },
  async step(state, ctx) {
    const added = state.added + 1;
    const sum = state.sum + added;
    if (added >= ctx.payload.upTo) return ctx.complete({ sum });
    return ctx.next({ added, sum }, { at: `add ${added + 1}`, delayMs: ctx.payload.delayMs ?? 0 });
  },
});
