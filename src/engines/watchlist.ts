/**
 * Watches a page for a claim: one look a step, a wait between looks, and at the end the evidence as an artifact.
 *
 * What a look finds is data, whatever it is: an error status, a refused connection, a redirect loop or no answer in time
 * is an observation, and the work goes on. Observations go to the log, so the state stays a counter.
 */
import { z } from "zod";
import { defineContract, defineEngine, type StepCtx, StepTimeoutError } from "../index.ts";
import { type Observation, observation, observe } from "./observe.ts";

const MAX_CHECKS = 10_000;
const MAX_DELAY_SECONDS = 366 * 86_400;
const MAX_URL_CHARS = 2_048;
const MAX_CLAIM_CHARS = 2_000;
/** One look: connection, answer and body. */
const LOOK_MS = 20_000;
const REPORT_NAME = "evidence.json";

const counts = z.object({
  checks: z.int(),
  /** Answered with a status from 200 to 299. */
  served: z.int(),
  /** Of these, the ones that hold the claim. */
  found: z.int(),
  /** Answered with another status, or not at all. */
  failed: z.int(),
});
/** `found`: in every page that was served; `not_found`: in none; `changed`: in some. `no_answer`: no page was served. */
const verdict = z.enum(["found", "not_found", "changed", "no_answer"]);
type Counts = z.infer<typeof counts>;

const payload = z.object({
  url: z.url({ protocol: /^https?$/ }).max(MAX_URL_CHARS),
  /** The text to look for; upper and lower case and white space do not matter. */
  claim: z.string().trim().min(1).max(MAX_CLAIM_CHARS),
  checksRequired: z.int().min(1).max(MAX_CHECKS),
  delaySeconds: z.number().min(0).max(MAX_DELAY_SECONDS),
});
type Payload = z.infer<typeof payload>;

export const Watchlist = defineContract({
  id: "watchlist",
  payload,
  result: z.object({
    verdict,
    ...counts.shape,
    report: z.object({ name: z.string(), digest: z.string(), bytes: z.int() }),
  }),
});

export const watchlist = defineEngine(Watchlist, {
  version: 1,
  state: z.object({ checked: z.int() }),
  log: observation,
  init: { checked: 0 },
  limits: { stepMs: LOOK_MS },
  // A look that took too long is tried again at once, only to commit that there was no answer.
  retry: { unknown: { attempts: 5, minMs: 0, maxMs: 0 } },
  async step({ checked }, ctx) {
    const { checksRequired, delaySeconds } = ctx.payload;
    if (checked >= checksRequired) {
      const observations = await ctx.readLog();
      const summary = summarize(observations);
      const report = await ctx.artifacts.putJson(REPORT_NAME, evidence(ctx.payload, summary, observations));
      return ctx.complete({ ...summary, report: { name: report.name, digest: report.digest, bytes: report.bytes } });
    }
    const done = checked + 1;
    const append = [await look(ctx, ctx.payload, done)];
    if (done >= checksRequired) return ctx.next({ checked: done }, { at: "report", append });
    return ctx.next({ checked: done }, { at: `check ${done + 1}`, append, delayMs: delaySeconds * 1_000 });
  },
});

/** An attempt whose time is over commits nothing, so it leaves "no answer" in a memo, which the next attempt takes. */
async function look(ctx: StepCtx, { url, claim }: Payload, check: number): Promise<Observation> {
  const startedAtMs = ctx.now();
  const run = () => observe({ check, url, claim, abortSignal: ctx.abortSignal, now: () => ctx.now() });
  try {
    return ctx.attempt === 1 ? await run() : await ctx.once("observation", run);
  } catch (error) {
    if (ctx.abortSignal.reason instanceof StepTimeoutError) {
      const error = `no answer within ${LOOK_MS / 1_000} s`;
      await ctx.once("observation", async () => ({ check, atMs: startedAtMs, latencyMs: LOOK_MS, error }));
    }
    throw error;
  }
}

function summarize(observations: readonly Observation[]): Counts & { verdict: z.infer<typeof verdict> } {
  const served = observations.filter((one) => "ok" in one && one.ok);
  const found = served.filter((one) => "claimFound" in one && one.claimFound);
  const tally = { checks: observations.length, served: served.length, found: found.length };
  return { ...tally, failed: observations.length - served.length, verdict: judge(served.length, found.length) };
}
function judge(served: number, found: number): z.infer<typeof verdict> {
  if (served === 0) return "no_answer";
  if (found === served) return "found";
  return found === 0 ? "not_found" : "changed";
}

function evidence(
  { url, claim }: Payload,
  { verdict: judged, ...tally }: ReturnType<typeof summarize>,
  observations: readonly Observation[],
) {
  return { url, claim, verdict: judged, ...tally, observations: observations.map(dated) };
}
function dated({ check, atMs, ...rest }: Observation) {
  return { check, at: new Date(atMs).toISOString(), ...rest };
}
