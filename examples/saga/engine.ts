import { defineContract, defineEngine } from "rookery";
import { z } from "zod";
import type { Office } from "./office.ts";

const LEGS = ["hotel", "flight", "car"] as const;

export const Trip = defineContract({
  id: "trip",
  payload: z.object({ who: z.string() }),
  result: z.object({ ids: z.array(z.string()) }),
});

/**
 * Books one leg a step. When one cannot be had, or the trip is cancelled, `recover` says so in the state, and the steps that
 * follow give back what was booked, the last one first.
 */
export function createTrip({ book, unbook }: Office) {
  return defineEngine(Trip, {
    version: 1,
    state: z.object({ ids: z.array(z.string()), undoing: z.string().nullable() }),
    init: { ids: [], undoing: null },
    retry: { unknown: { attempts: 3 } },
    async step({ ids, undoing }, ctx) {
      if (undoing !== null) {
        const last = ids.at(-1);
        if (last === undefined) return ctx.fail(new Error(`all given back: ${undoing}`));
        await ctx.effect("give back", { id: last }, unbook);
        return ctx.next({ ids: ids.slice(0, -1), undoing }, { at: "give back" });
      }
      const leg = LEGS[ids.length];
      if (leg === undefined) return ctx.complete({ ids });
      const id = await ctx.effect("book", { leg, who: ctx.payload.who }, book);
      return ctx.next({ ids: [...ids, id], undoing }, { at: "book" });
    },
    async recover(state, cause, ctx) {
      return ctx.next({ ...state, undoing: cause.kind }, { at: "give back" });
    },
  });
}
