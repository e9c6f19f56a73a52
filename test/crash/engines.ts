/** Engines that behave and misbehave on request. Every execution of a step leaves a line in a file outside the store. */
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Ctx, defineContract, defineEngine, type Engine, type EngineLimits, type NoSignals } from "../../src/index.ts";

/** What the step `badStep` does, in its first `badAttempts` attempts. */
const MISDEEDS = ["none", "exit", "stray", "spin", "hang", "deaf", "sleep"] as const;

const payload = z.object({
  ledger: z.string(),
  steps: z.int().min(1),
  stepMs: z.number(),
  /** Between steps. */
  delayMs: z.number().optional(),
  misdeed: z.enum(MISDEEDS).optional(),
  badStep: z.int().optional(),
  badAttempts: z.int().optional(),
});
const state = z.object({ committed: z.int() });
export type TrialPayload = z.infer<typeof payload>;
type Context = Ctx<TrialPayload, number, NoSignals, z.infer<typeof state>, never>;

/** One line of the ledger: written when a step begins, and by `deaf` once more when it goes on after its abort. */
export interface Execution {
  readonly workId: string;
  readonly version: number;
  readonly attempt: number;
  readonly pid: number;
  readonly late?: boolean;
}

async function step({ committed }: z.infer<typeof state>, ctx: Context) {
  const { ledger, steps, stepMs, delayMs = 0, misdeed = "none", badStep = 0, badAttempts = 1 } = ctx.payload;
  const line: Execution = { workId: ctx.workId, version: ctx.step, attempt: ctx.attempt, pid: process.pid };
  appendFileSync(ledger, `${JSON.stringify(line)}\n`);
  if (ctx.step === badStep && ctx.attempt <= badAttempts)
    await misbehave(misdeed, ctx, () => appendFileSync(ledger, `${JSON.stringify({ ...line, late: true })}\n`));
  await sleep(stepMs, undefined, { signal: ctx.abortSignal });
  const next = committed + 1;
  return next >= steps ? ctx.complete(next) : ctx.next({ committed: next }, { delayMs });
}

async function misbehave(misdeed: (typeof MISDEEDS)[number], ctx: Context, late: () => void): Promise<void> {
  if (misdeed === "exit") process.exit(3);
  if (misdeed === "stray") {
    void Promise.reject(new Error("nobody looked"));
    await sleep(5_000);
  }
  if (misdeed === "spin") for (;;);
  if (misdeed === "hang") await new Promise(() => undefined);
  if (misdeed === "deaf") {
    while (!ctx.abortSignal.aborted) await sleep(10);
    await sleep(30_000);
    late();
  }
  if (misdeed === "sleep") await sleep(60_000, undefined, { signal: ctx.abortSignal });
}

function trial(id: string, limits: EngineLimits) {
  const contract = defineContract({ id, payload, result: z.number() });
  const quick = { attempts: 5, minMs: 10, maxMs: 50 };
  return defineEngine(contract, {
    version: 1,
    state,
    init: { committed: 0 },
    step,
    limits,
    retry: { unknown: quick, transient: quick },
  });
}

/** Survives any number of deaths. */
export const tough = trial("tough", { crashes: 100 });
/** Is taken for the killer after three deaths alone. */
export const frail = trial("frail", { crashes: 2 });
/** Its steps have half a second. */
export const hasty = trial("hasty", { stepMs: 500 });

export type Trial = typeof tough;
export const engines: readonly Engine[] = [tough, frail, hasty];
