/** An engine that asks before it goes on, and says what it does. */
import { z } from "zod";
import { defineContract, defineEngine } from "../../src/index.ts";

const Approvals = defineContract({
  id: "approvals",
  payload: z.object({ timeoutMs: z.number().optional(), failFirst: z.boolean().optional() }),
  result: z.json(),
  signals: { approved: z.object({ by: z.string() }), refused: z.object({ why: z.string() }), note: z.string() },
});

export const approvals = defineEngine(Approvals, {
  version: 1,
  state: z.object({ token: z.string() }),
  init: { token: "" },
  retry: { unknown: { attempts: 2, minMs: 1, maxMs: 1 } },
  async step(state, ctx) {
    if (ctx.wake.kind === "signal") {
      ctx.write("Thank you.\n");
      return ctx.complete([ctx.wake.signal.name, ctx.wake.signal.payload]);
    }
    ctx.write(`May I? \u001b[31mRed\u001b[0m\u0007 \u001b]0;title\u0007(attempt ${ctx.attempt})`);
    if (ctx.payload.failFirst === true && ctx.attempt === 1) throw new Error("not yet");
    const token = state.token === "" ? await ctx.callbackToken("approved", { expiresMs: 3_600_000 }) : state.token;
    return ctx.waitFor({ token }, { signals: ["approved", "refused"], timeoutMs: ctx.payload.timeoutMs ?? 7_200_000 });
  },
});
