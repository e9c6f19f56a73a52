/** Items that must have ended by an instant: in time they complete, and else they end at it, whatever they are at. */
import { z } from "zod";
import { MINUTE_MS } from "../../../src/domain/limits.ts";
import { defineContract, defineEngine } from "../../../src/index.ts";
import { between, expectEqual, type Workload } from "./workload.ts";

const Hurried = defineContract({
  id: "hurried",
  payload: z.object({ steps: z.number(), delayMs: z.number(), waits: z.boolean() }),
  result: z.number(),
  signals: { never: z.object({}) },
});
const STATE = z.number();
const STEP_MS = 20 * MINUTE_MS;
/** Far more than any fault holds an item up by. */
const LONG_MS = 3 * 24 * 60 * MINUTE_MS;

export const deadlines: Workload = ({ stage }, draw) => {
  const steps = between(draw, 2, 4);
  const isLate = draw() < 0.6;
  const payload = { steps, delayMs: STEP_MS, waits: isLate && draw() < 0.3 };
  const deadlineMs = isLate ? STEP_MS * 0.5 : LONG_MS;
  let ended: { readonly status: string } | null = null;
  let tookMs = 0;
  return {
    engines: () => [
      defineEngine(Hurried, {
        version: 1,
        state: STATE,
        init: 0,
        retry: { unknown: { attempts: 1_000 }, transient: { attempts: 1_000 } },
        limits: { crashes: 1_000 },
        step: async (n, ctx) => {
          if (n + 1 >= ctx.payload.steps) return ctx.complete(n + 1);
          if (ctx.payload.waits) return ctx.waitFor(n + 1, { signals: ["never"] });
          return ctx.next(n + 1, { delayMs: ctx.payload.delayMs });
        },
        recover: async (_n, cause, ctx) => ctx.fail(new Error(cause.kind)),
      }),
    ],
    callers: [
      {
        name: "hurry",
        act: async (caller) => {
          const beganAtMs = stage.nowMs();
          const { workId } = await caller.call((client) => client.enqueue(Hurried, payload, { key: "hurried", deadlineMs }));
          for (;;) {
            const found = await caller.call((client) => client.result(Hurried, workId, { timeoutMs: 0 }));
            if (found.status !== "open") {
              ended = found;
              tookMs = stage.nowMs() - beganAtMs;
              return;
            }
            await caller.sleep(MINUTE_MS);
          }
        },
      },
    ],
    check: () => {
      expectEqual("one with a deadline", ended?.status, isLate ? "failed" : "completed");
      if (isLate && tookMs < deadlineMs - MINUTE_MS)
        stage.breakInvariant("G7: nothing ends by a deadline that has not passed", `${deadlineMs - tookMs} ms before`);
    },
  };
};
