/** One kind of work in the simulated world: engines, who calls them, and what must have come of it. */
import type { Engine } from "../../../src/index.ts";
import type { SimProcess } from "../../../src/testing/simulator/sim-process.ts";
import type { Theatre } from "../../../src/testing/simulator/world.ts";
import type { Caller } from "../callers.ts";

/** What an engine's code has of the process that it runs in. */
export interface Place {
  readonly process: SimProcess;
  readonly release: number;
  /** So much time passes, by the process's own timers. */
  sleep(ms: number): Promise<void>;
  /** A number from 0 to 1. */
  draw(): number;
  isCalm(): boolean;
}
export interface Part {
  engines(place: Place): readonly Engine[];
  readonly callers: readonly { readonly name: string; readonly act: (caller: Caller) => Promise<void> }[];
  /** How long it may take when nothing fails; default a few days. */
  readonly lastsMs?: number;
  /** Throws what is wrong. */
  check?(): void;
}
/** Makes its part of the world; `draw` decides how much of it there is. */
export type Workload = (theatre: Theatre, draw: () => number) => Part;

export function expectEqual(what: string, got: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(got), JSON.stringify(expected)];
  if (is !== should) throw new Error(`${what}: expected ${should}, got ${is}`);
}
export function between(draw: () => number, least: number, most: number): number {
  return least + Math.floor(draw() * (most - least + 1));
}
