/** Engines whose every attempt is checked as it begins, and what of it can be seen at the end. */
import { z } from "zod";
import { defineContract } from "../../src/domain/contract.ts";
import { type Ctx, defineEngine, type Engine, type EngineCode, type Outcome } from "../../src/domain/engine.ts";
import type { Json } from "../../src/domain/json.ts";
import { type Client, createClient } from "../../src/runtime/client.ts";
import type { Deps } from "../../src/runtime/deps.ts";
import { checkAttempt, itemsOf } from "./properties.ts";
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

/** The one item that there is. */
export function itemOf(world: World): string {
  const [item] = itemsOf(world);
  if (item === undefined) throw new Violation("there is no item");
  return item.workId;
}

/** What a sender of a signal, named for it, is told of it. */
export function sender(id: string): (deps: Deps, world: World) => Promise<unknown> {
  return async (deps, world) => (await createClient(deps).signal(Small, itemOf(world), "go", id, { id })).accepted;
}
/** Its hint is lost, and so much time has passed when that is done. */
export function unheard(id: string, ms: number): (deps: Deps, world: World) => Promise<unknown> {
  return (deps, world) => {
    const send = async (): Promise<void> => world.clock.advance(ms);
    return sender(id)({ ...deps, queue: { ...deps.queue, send } }, world);
  };
}
/** Is told `true` once the call went through. */
export function caller(
  act: (client: Client, workId: string) => Promise<unknown>,
): (deps: Deps, world: World) => Promise<unknown> {
  return async (deps, world) => {
    await act(createClient(deps), itemOf(world));
    return true;
  };
}
/** Null for one that is dead. */
export function told(world: World, name: string): unknown {
  const actor = world.actors.get(name);
  if (actor?.state !== "done") return null;
  return actor.told;
}
export function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new Violation(otherwise);
}
