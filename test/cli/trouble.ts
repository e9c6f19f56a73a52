/** An engine that does what it is told: some good steps, then the trouble that its payload names. */
import { z } from "zod";
import { defineContract, defineEngine } from "../../src/index.ts";

const TroubleContract = defineContract({
  id: "trouble",
  payload: z.object({ after: z.number(), how: z.enum(["bug", "network", "exit", "fail", "sleep", "end", "slow"]) }),
  result: z.object({ steps: z.number() }),
});

export const trouble = defineEngine(TroubleContract, {
  version: 3,
  state: z.object({ n: z.number() }),
  log: z.object({ said: z.string() }),
  init: { n: 0 },
  journal: "full",
  retry: { transient: { attempts: 2, minMs: 20, maxMs: 50 } },
  async step(state, ctx) {
    const { after, how } = ctx.payload;
    ctx.meter("tokens", 12);
    if (state.n >= after) {
      if (how === "bug") throw new TypeError("x is not a function");
      if (how === "network") throw new TypeError("fetch failed");
      if (how === "exit") process.exit(3);
      if (how === "fail") return ctx.fail(new Error("no\nmoney \u001b[31mleft"));
      if (how === "end") return ctx.complete({ steps: state.n });
      if (how === "sleep") return ctx.next({ n: state.n + 1 }, { delayMs: 3_600_000, at: "wait for spring" });
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    await ctx.artifacts.putJson(`report ${state.n}.json`, { n: state.n });
    await ctx.artifacts.put("raw.bin", new Uint8Array([1, 2, 3, 255]));
    return ctx.next({ n: state.n + 1 }, { at: `work ${state.n + 1}`, append: [{ said: `hello ${state.n}` }] });
  },
});
