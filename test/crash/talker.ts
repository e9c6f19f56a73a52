/** An engine that says a sentence word by word; every attempt has a sentence of its own. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { defineContract, defineEngine } from "../../src/index.ts";

/** The first sentence is long, so that one can be killed in it. */
const WORDS = 6;
const FIRST_WORDS = 40;

export const talker = defineEngine(
  defineContract({
    id: "talker",
    payload: z.object({ steps: z.int(), wordMs: z.number() }),
    /** What was said, by the attempts that counted. */
    result: z.string(),
  }),
  {
    version: 1,
    state: z.object({ said: z.string() }),
    init: { said: "" },
    async step({ said }, ctx) {
      let sentence = "";
      const words = ctx.step === 0 ? FIRST_WORDS : WORDS;
      for (let i = 0; i < words; i++) {
        const word = `${ctx.step}.${ctx.attempt}.${i}@${Date.now()} `;
        ctx.write(word);
        sentence += word;
        await sleep(ctx.payload.wordMs, undefined, { signal: ctx.abortSignal });
      }
      const all = said + sentence;
      return ctx.step + 1 >= ctx.payload.steps ? ctx.complete(all) : ctx.next({ said: all });
    },
  },
);
