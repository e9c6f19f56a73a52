/**
 * What durable models and tools of one attempt know of each other. The AI SDK turns whatever a tool throws into an answer
 * for the model; what Rookery throws must end the attempt instead: a model that is told "error" of an effect in doubt would
 * call the tool again, and nobody would have decided that (G6).
 */
import type { StepCtx } from "../index.ts";

interface Attempt {
  /** Why nothing more is asked or begun. */
  halt: { readonly error: unknown } | null;
  /** Model calls that were answered, by the name of their model. */
  readonly models: Map<string, { answered: number; busy: boolean }>;
  /** How often a tool call of an id was begun. */
  readonly calls: Map<string, number>;
  /** Something was written to the output stream. */
  wrote: boolean;
}

const attempts = new WeakMap<StepCtx, Attempt>();

export function attemptOf(ctx: StepCtx): Attempt {
  const known = attempts.get(ctx);
  if (known !== undefined) return known;
  const attempt: Attempt = { halt: null, models: new Map(), calls: new Map(), wrote: false };
  attempts.set(ctx, attempt);
  return attempt;
}

/** The first reason stands. */
export function halt(ctx: StepCtx, error: unknown): void {
  attemptOf(ctx).halt ??= { error };
}
export function throwIfHalted(ctx: StepCtx): void {
  const { halt: halted } = attemptOf(ctx);
  if (halted !== null) throw halted.error;
}
