/** Engines whose every attempt is checked as it begins, and what of it can be seen at the end. */
import { z } from "zod";
import { defineContract } from "../../src/domain/contract.ts";
import { type Ctx, defineEngine, type Engine, type EngineCode, type Outcome } from "../../src/domain/engine.ts";
import type { Json } from "../../src/domain/json.ts";
import { checkAttempt } from "./properties.ts";
import { Violation, type World } from "./world.ts";

type Said = { go: string };
export const Small = defineContract<Json, Json, Said>({
  id: "small",
  payload: z.any(),
  result: z.any(),
  signals: { go: z.string() },
});
export type SmallCtx = Ctx<Json, Json, Said, Json, Json>;
export type SmallStep = (state: Json, ctx: SmallCtx) => Promise<Outcome>;

/** State starts as an empty list. */
export function checked(world: World, step: SmallStep, more: Partial<EngineCode<Json, Json, Said, Json, Json>> = {}): Engine {
  return defineEngine<Json, Json, Said, Json, Json>(Small, {
    version: 1,
    state: z.any(),
    init: [],
    step: async (state, ctx) => {
      try {
        checkAttempt(world, ctx);
      } catch (error) {
        if (!(error instanceof Violation)) throw error;
        world.broken ??= error;
      }
      return step(state, ctx);
    },
    ...more,
  });
}
export function list(state: Json): string[] {
  return Array.isArray(state) ? state.map(String) : [];
}
/** What was completed with. */
export async function resultOf(world: World, workId: string): Promise<Json> {
  const end = await world.client.result(Small, workId, { timeoutMs: 0 });
  return end.status === "completed" ? end.result : end.status;
}
