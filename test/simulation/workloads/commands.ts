/** Cancels, pauses, resumes and redrives race with commits and with each other. */
import { z } from "zod";
import { defineContract, defineEngine, RookeryError } from "../../../src/index.ts";
import { between, type Workload } from "./workload.ts";

const Victim = defineContract({
  id: "victim",
  payload: z.object({ steps: z.number(), delayMs: z.number(), dies: z.boolean(), recovers: z.boolean() }),
  result: z.number(),
});
const COMMANDS = ["pause", "resume", "cancel", "redrive", "pause", "resume"] as const;

const STATE = z.number();

export const commands: Workload = ({ stage }, draw) => {
  const wanted = {
    steps: between(draw, 2, 8),
    delayMs: draw() < 0.5 ? 0 : 4_000,
    dies: draw() < 0.3,
    recovers: draw() < 0.5,
  };
  let compensated = 0;
  let cancelled = false;
  let end: string | null = null;
  return {
    engines: ({ sleep, draw: chance }) => [
      defineEngine(Victim, {
        version: 1,
        state: STATE,
        init: 0,
        retry: { unknown: { attempts: 1_000 }, transient: { attempts: 1_000 } },
        limits: { crashes: 1_000 },
        step: async (n, ctx) => {
          const { steps, delayMs, dies } = ctx.payload;
          if (chance() < 0.5) await sleep(chance() * 5_000);
          if (dies && n === 1 && ctx.wake.kind !== "resumed") throw new TypeError("until it is redriven");
          return n + 1 < steps ? ctx.next(n + 1, { delayMs }) : ctx.complete(n + 1);
        },
        recover: async (_n, _cause, ctx) => {
          if (!ctx.payload.recovers) return ctx.fail(new Error("nothing to undo"));
          compensated += 1;
          return ctx.fail(new Error("undone"));
        },
      }),
    ],
    callers: [
      {
        name: "commander",
        act: async (caller) => {
          const { workId } = await caller.call((client) => client.enqueue(Victim, wanted, { key: "victim" }));
          const orders = between(draw, 1, 6);
          for (let i = 0; i < orders; i++) {
            await caller.sleep(caller.draw() ** 2 * 20_000);
            const order = COMMANDS[Math.floor(caller.draw() * COMMANDS.length)] ?? "pause";
            await say(order, `order-${i}`);
          }
          // In the end it may go on: a resume until it has ended, and a redrive of one that died.
          for (let i = 0; ; i++) {
            const { status } = await caller.call((client) => client.status(workId));
            if (status === "paused") await say("resume", `resume-${i}`);
            // One that was read after an earlier pause has come to nothing.
            else if (status === "dead_lettered" && wanted.dies) await say("redrive", `redrive-${i}`);
            else if (["completed", "failed", "cancelled", "dead_lettered"].includes(status)) {
              end = status;
              return;
            }
            await caller.sleep(20_000);
          }
          async function say(order: (typeof COMMANDS)[number], id: string): Promise<void> {
            try {
              await caller.call((client) =>
                order === "cancel" || order === "pause" || order === "redrive"
                  ? client[order](workId, "simulated", { id })
                  : client.resume(workId, { id }),
              );
              if (order === "cancel") cancelled = true;
            } catch (error) {
              if (!(error instanceof RookeryError) || error.code !== "refused") throw error;
            }
          }
        },
      },
    ],
    check: () => {
      if (end === "cancelled" && !cancelled) stage.breakInvariant("commands: nothing is cancelled unasked", String(end));
      if (!cancelled && !wanted.dies && end !== "completed")
        stage.breakInvariant("commands: what nobody cancels completes", String(end));
      void compensated;
    },
  };
};
