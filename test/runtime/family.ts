/** Parents and children in a few lines. */
import { expect } from "vitest";
import { z } from "zod";
import { defineContract, type NoSignals } from "../../src/domain/contract.ts";
import {
  type ChildOptions,
  type Ctx,
  defineEngine,
  type Engine,
  type EngineCode,
  type Outcome,
} from "../../src/domain/engine.ts";
import type { GroupCount } from "../../src/domain/group.ts";
import type { Json } from "../../src/domain/json.ts";
import { pause } from "../../src/runtime/deps.ts";
import type { World } from "../support/world.ts";

/** What a child is to do. */
export type Order = { readonly end: "ok" | "fail" | "sleep"; readonly afterMs?: number };
export type FamilyCtx<P extends Json> = Ctx<P, Json, NoSignals, Json, Json>;
type More<P extends Json> = Partial<EngineCode<P, Json, NoSignals, Json, Json>>;

const anything = z.any();
export const Child = defineContract<Order, Json>({
  id: "child",
  payload: z.object({ end: z.enum(["ok", "fail", "sleep"]), afterMs: z.number().exactOptional() }),
  result: anything,
});
export const Parent = defineContract<Json, Json>({ id: "parent", payload: anything, result: anything });

/** State starts at 0. */
export function parentOf(step: (state: Json, ctx: FamilyCtx<Json>) => Promise<Outcome>, more: More<Json> = {}): Engine {
  return defineEngine(Parent, { version: 1, state: anything, init: 0, step, ...more });
}
/** Does what its order says, or what `onStep` says instead, and knows how many of them were at work at once. */
export function childOf(
  world: World,
  onStep: (ctx: FamilyCtx<Order>) => Order["end"] | undefined = () => undefined,
): Engine & { readonly atWork: { most: number } } {
  const atWork = { now: 0, most: 0 };
  const engine = defineEngine<Order, Json, NoSignals, Json>(Child, {
    version: 1,
    state: anything,
    init: 0,
    async step(_state, ctx) {
      const { afterMs = 0 } = ctx.payload;
      const end = onStep(ctx) ?? ctx.payload.end;
      atWork.now += 1;
      atWork.most = Math.max(atWork.most, atWork.now);
      try {
        if (afterMs > 0) await pause(world.clock, afterMs, ctx.abortSignal);
      } finally {
        atWork.now -= 1;
      }
      if (end === "sleep") return ctx.next(1, { delayMs: 100 * 86_400_000 });
      return end === "fail" ? ctx.fail(new Error("told to")) : ctx.complete(`done ${ctx.workId}`);
    },
  });
  return { ...engine, atWork };
}

/** One child for each order, with keys 0, 1, 2… */
export function startAll(
  ctx: FamilyCtx<Json>,
  orders: readonly Order[],
  options: Omit<ChildOptions, "key"> = {},
  firstKey = 0,
): Promise<string[]> {
  return Promise.all(orders.map((order, i) => ctx.start(Child, order, { ...options, key: String(firstKey + i) })));
}
export async function enqueueParent(world: World, payload: Json = null): Promise<string> {
  return (await world.client.enqueue(Parent, payload)).workId;
}
/** What the parent was told: a `woken` event for each time. */
export async function toldOf(world: World, workId: string): Promise<Pick<GroupCount, "succeeded" | "failed">[]> {
  const events = await world.events(workId);
  return events.flatMap((event) => {
    if (event.kind !== "woken" || event.wake.kind !== "children") return [];
    const { succeeded, failed } = event.wake;
    return [{ succeeded, failed }];
  });
}
/** Counts, then ends with what it was told. */
export function waiting(
  orders: readonly Order[],
  until: NonNullable<Parameters<FamilyCtx<Json>["waitFor"]>[1]["until"]> = "all",
  options: Omit<ChildOptions, "key"> = {},
): Engine {
  return parentOf(async (_state, ctx) => {
    const { wake } = ctx;
    if (wake.kind !== "go") return ctx.complete(wake.kind === "children" ? [wake.succeeded, wake.failed] : wake.kind);
    await startAll(ctx, orders, { group: "g", ...options });
    return ctx.waitFor(1, { group: "g", until });
  });
}
export async function expectResult(world: World, workId: string, result: Json): Promise<void> {
  expect(await world.end(workId)).toMatchObject({ status: "completed" });
  expect(await world.client.resultJson(workId)).toEqual(result);
}
