/** Engines in a few lines: any JSON is payload, state, log entry and result. */
import { expect } from "vitest";
import { z } from "zod";
import { defineContract, type NoSignals } from "../../src/domain/contract.ts";
import { type Ctx, defineEngine, type Engine, type EngineCode, type Outcome } from "../../src/domain/engine.ts";
import type { Json } from "../../src/domain/json.ts";
import type { World } from "../support/world.ts";

export const Work = defineContract<Json, Json>({ id: "work", payload: z.any(), result: z.any() });

export type AnyCtx = Ctx<Json, Json, NoSignals, Json, Json>;
export type Step = (state: Json, ctx: AnyCtx) => Promise<Outcome>;
export type More = Partial<EngineCode<Json, Json, NoSignals, Json, Json>>;

/** State starts at 0. */
export function engineOf(step: Step, more: More = {}): Engine {
  return defineEngine<Json, Json, NoSignals, Json, Json>(Work, {
    version: 1,
    state: z.any(),
    log: z.any(),
    init: 0,
    step,
    ...more,
  });
}
/** Counts to `to`, a step each. */
export function counter(to: number, more: More = {}): Engine {
  return engineOf(async (state, ctx) => (Number(state) + 1 >= to ? ctx.complete(to) : ctx.next(Number(state) + 1)), more);
}

export async function enqueue(world: World, payload: Json = null): Promise<string> {
  return (await world.client.enqueue(Work, payload)).workId;
}
export async function kinds(world: World, workId: string): Promise<string[]> {
  return (await world.events(workId)).map((event) => event.kind);
}
/** G1: one "step" event per version, in order, none missing. */
export async function expectOneLine(world: World, workId: string): Promise<void> {
  const { version } = await world.client.status(workId);
  const steps = (await world.events(workId)).filter((event) => event.kind === "step");
  expect(steps.map((event) => event.version)).toEqual(Array.from({ length: version }, (_, i) => i + 1));
}

/** What was run, as steps see it: `step.attempt`. */
export interface Ledger {
  readonly runs: string[];
  /**
   * Called first in a step: it must be the step that HEAD stands at, at an attempt that is on record and is new, under a
   * token that no other process had.
   */
  enter(world: World, ctx: AnyCtx): Promise<void>;
}
export function createLedger(): Ledger {
  const runs: string[] = [];
  const wrong: string[] = [];
  const holders = new Map<number, string>();
  return {
    runs,
    enter: async (world, ctx) => {
      const name = `${ctx.step}.${ctx.attempt}`;
      if (runs.includes(name)) wrong.push(`${name} ran twice`);
      runs.push(name);
      const status = await world.client.status(ctx.workId);
      if (status.version !== ctx.step) wrong.push(`${name} ran at version ${status.version}`);
      if (status.attempt < ctx.attempt) wrong.push(`${name} ran with ${status.attempt} attempts on record`);
      const { process: holder = "nobody", fencingToken = 0 } = status.holder ?? {};
      if (fencingToken <= Math.max(0, ...[...holders].filter(([, other]) => other !== holder).map(([token]) => token)))
        wrong.push(`${name} ran in ${holder} under token ${fencingToken}`);
      holders.set(fencingToken, holder);
      expect(wrong).toEqual([]);
    },
  };
}
