import { defineContract, defineEngine } from "rookery";
import { z } from "zod";
import type { Office } from "./office.ts";

const LEGS = ["hotel", "flight", "car"] as const;

export const Trip = defineContract({
  id: "trip",
  payload: z.object({ who: z.string() }),
  result: z.object({ ids: z.array(z.string()) }),
});

/** Books one leg a step. When one cannot be had, or the trip is cancelled, what was booked is given back, the last one first. */
export function createTrip({ book, unbook }: Office) {
  return defineEngine(Trip, {
    version: 1,
    state: z.object({ ids: z.array(z.string()) }),
    init: { ids: [] },
    retry: { unknown: { attempts: 3 } },
    async step({ ids }, ctx) {
      const leg = LEGS[ids.length];
      if (leg === undefined) return ctx.complete({ ids });
      const id = await ctx.effect("book", { leg, who: ctx.payload.who }, book);
      return ctx.next({ ids: [...ids, id] }, { at: "book" });
    },
    async recover({ ids }, cause, ctx) {
      const id = ids.at(-1);
      if (id === undefined) return ctx.fail(new Error(`all given back: ${cause.kind}`));
      await ctx.effect("give back", { id }, unbook);
      return ctx.next({ ids: ids.slice(0, -1) }, { at: "give back" });
    },
  });
}
