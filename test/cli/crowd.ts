/** An engine with children: they end, fail or sleep as their names say. */
import { z } from "zod";
import { defineContract, defineEngine } from "../../src/index.ts";

const Member = defineContract({ id: "member", payload: z.enum(["ends", "fails", "sleeps"]), result: z.string() });
export const member = defineEngine(Member, {
  version: 1,
  state: z.number(),
  init: 0,
  async step(_state, ctx) {
    if (ctx.payload === "fails") return ctx.fail(new Error("told to"));
    return ctx.payload === "ends" ? ctx.complete("done") : ctx.next(1, { delayMs: 3_600_000 });
  },
});

export const Crowd = defineContract({ id: "crowd", payload: z.object({ each: z.number() }), result: z.null() });
export const crowd = defineEngine(Crowd, {
  version: 1,
  state: z.number(),
  init: 0,
  async step(_state, ctx) {
    for (let i = 0; i < ctx.payload.each; i++)
      for (const kind of ["ends", "fails", "sleeps"] as const) {
        const key = `${kind} and has a rather long key, für Ü 日本 ${i}`;
        await ctx.start(Member, kind, { key, group: "members of the \u001b[31mcrowd", limit: 50 });
      }
    return ctx.waitFor(1, { group: "members of the \u001b[31mcrowd" });
  },
});
