/** The engines that a worker has loaded, by id. */

import type { Rules } from "../domain/ends.ts";
import type { Engine } from "../domain/engine.ts";
import { InvalidArgumentError } from "../domain/errors.ts";
import type { Item } from "../domain/item.ts";
import { CRASHES } from "../domain/limits.ts";

export interface Engines {
  readonly all: readonly Engine[];
  find(id: string): Engine | null;
}

/** @throws InvalidArgumentError when two engines have the same id. */
export function createEngines(all: readonly Engine[]): Engines {
  const byId = new Map<string, Engine>();
  for (const engine of all) {
    const other = byId.get(engine.id);
    if (other !== undefined && other !== engine) throw new InvalidArgumentError("engines", "each id once", engine.id);
    byId.set(engine.id, engine);
  }
  return { all: [...byId.values()], find: (id) => byId.get(id) ?? null };
}

export function rulesOf(engine: Engine, item: Item, retentionMs: number): Rules {
  const { limits = {}, recover } = engine.code;
  return {
    hasRecover: recover !== undefined,
    limits: { steps: limits.steps ?? null, crashes: limits.crashes ?? CRASHES, meters: limits.meters ?? {} },
    deadlineMs: shorter(item.deadlineMs, limits.totalMs ?? null),
    retentionMs,
  };
}

export function shorter(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
