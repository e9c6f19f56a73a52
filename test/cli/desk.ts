/** The engines that the pages on HTTP speak of: the one of docs/steps.md, and one that leaves an artifact. */
import { z } from "zod";
import { defineContract, defineEngine } from "../../src/index.ts";

const Deploy = defineContract({
  id: "deploy",
  payload: z.object({ version: z.string() }),
  result: z.enum(["deployed", "refused"]),
  signals: { approval: z.object({ yes: z.boolean() }) },
});
export const deploy = defineEngine(Deploy, {
  version: 1,
  state: z.null(),
  init: null,
  async step(state, ctx) {
    if (ctx.wake.kind === "signal") return ctx.complete(ctx.wake.signal.payload.yes ? "deployed" : "refused");
    return ctx.waitFor(state, { signals: ["approval"] });
  },
});

const Briefing = defineContract({ id: "briefing", payload: z.object({ topics: z.array(z.string()) }), result: z.null() });
export const briefing = defineEngine(Briefing, {
  version: 1,
  state: z.null(),
  init: null,
  async step(_state, ctx) {
    await ctx.artifacts.put("briefing.md", ctx.payload.topics.join("\n"), { mediaType: "text/markdown" });
    return ctx.complete(null);
  },
});
