import { defineContract, defineEngine } from "rookery";
import { z } from "zod";
import type { Farm } from "./farm.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

export const Poll = defineContract({ id: "poll", payload: z.object({ job: z.string() }), result: z.string() });

/** Looks after 1, 2, 4 … seconds, at last every hour, for five days. Between two looks it costs nothing but a few records. */
export function createPoll(farm: Farm) {
  return defineEngine(Poll, {
    version: 1,
    state: z.object({ looks: z.number() }),
    limits: { totalMs: 5 * 24 * HOUR_MS },
    journal: "compact",
    init: { looks: 0 },
    async step({ looks }, ctx) {
      const status = await farm.statusOf(ctx.payload.job, ctx.abortSignal);
      if (status === "done") return ctx.complete(`done after ${looks + 1} looks`);
      return ctx.next({ looks: looks + 1 }, { at: "look", delayMs: Math.min(HOUR_MS, SECOND_MS * 2 ** looks) });
    },
  });
}
