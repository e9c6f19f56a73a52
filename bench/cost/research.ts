/** An agent that does research, as far as its snapshots go: what it costs is what its size and its steps say. */
import { z } from "zod";
import { defineContract, defineEngine, type Engine } from "../../src/index.ts";
import { stateOf } from "./notes.ts";

export const plan = z.object({
  /** Of the state, as JSON text. */
  bytes: z.number(),
  steps: z.number(),
  /** Steps that go on at once, before the item rests. */
  inline: z.number(),
  rest: z.enum(["delay", "signal"]),
  delayMs: z.number(),
  /** Each step has a side effect. */
  effects: z.boolean(),
  /** Started by the first step, and waited for. */
  children: z.number(),
});
export type Plan = z.infer<typeof plan>;

export const Research = defineContract({
  id: "research",
  payload: plan,
  result: z.number(),
  signals: { answer: z.object({ to: z.string(), text: z.string() }) },
});
const state = z.object({ n: z.number(), topic: z.string(), notes: z.array(z.record(z.string(), z.json())) });

/** `work` lets the time of a step pass that begins now. */
export function researchEngine(work: (nowMs: number) => Promise<void>): Engine {
  return defineEngine(Research, {
    version: 1,
    state,
    init: ({ bytes }) => stateOf(0, bytes),
    async step({ n }, ctx) {
      const { bytes, steps, inline, rest, delayMs, effects, children } = ctx.payload;
      await work(ctx.now());
      if (effects)
        await ctx.effect("publish", { n }, { run: async () => ({ url: `https://example.com/${n}` }), ifInDoubt: "park" });
      const next = stateOf(n + 1, bytes);
      if (children > 0 && n === 0) {
        const own = { ...ctx.payload, steps: 1, children: 0 };
        const keys = Array.from({ length: children }, (_, i) => `source-${i}`);
        await Promise.all(keys.map((key) => ctx.start(Research, own, { key, group: "sources" })));
        return ctx.waitFor(next, { group: "sources" });
      }
      if (n + 1 >= steps) return ctx.complete(n + 1);
      if ((n + 1) % inline !== 0) return ctx.next(next);
      return rest === "signal" ? ctx.waitFor(next, { signals: ["answer"] }) : ctx.next(next, { delayMs });
    },
  });
}
