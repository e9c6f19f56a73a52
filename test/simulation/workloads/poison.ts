/** Steps that throw, kill their process or never end: they use up their attempts, take nobody along, and are recovered from. */
import { z } from "zod";
import { defineContract, defineEngine } from "../../../src/index.ts";
import { between, expectEqual, type Workload } from "./workload.ts";

const HOW = ["throws", "bug", "exits", "hangs", "fails", "heals"] as const;
const Poison = defineContract({
  id: "poison",
  payload: z.object({ how: z.enum(HOW), recovers: z.boolean() }),
  result: z.string(),
});
/** More than any kind of end allows, deaths in company and those of others included. */
const MOST_BEGINS = 60;

const STATE = z.number();

export const poison: Workload = ({ stage }, draw) => {
  const how = HOW[between(draw, 0, HOW.length - 1)] ?? "throws";
  const recovers = draw() < 0.5;
  let begins = 0;
  let recoveries = 0;
  let status: string | null = null;
  return {
    engines: ({ process }) => [
      defineEngine(Poison, {
        version: 1,
        state: STATE,
        init: 0,
        limits: { stepMs: 4_000 },
        retry: { unknown: { attempts: 3 }, transient: { attempts: 1_000 } },
        step: async (n, ctx) => {
          begins += 1;
          if (begins > MOST_BEGINS) stage.breakInvariant("G2: a poisonous step uses up its attempts", `it began ${begins} times`);
          if (n < 2) return ctx.next(n + 1);
          switch (ctx.payload.how) {
            case "throws":
              throw new Error("always");
            case "bug":
              throw new TypeError("always");
            case "exits":
              stage.inject("dies", process.name, `step of ${ctx.workId}`);
              process.die();
              return new Promise(() => undefined);
            case "hangs":
              return new Promise(() => undefined);
            case "fails":
              return ctx.fail(new Error("its own word"));
            default:
              if (ctx.attempt < 3) throw new Error("at first");
              return ctx.complete("healed");
          }
        },
        recover: async (_n, cause, ctx) => {
          recoveries += 1;
          return ctx.payload.recovers ? ctx.complete(cause.kind) : ctx.fail(new Error("nothing to recover"));
        },
      }),
    ],
    callers: [
      {
        name: "poison",
        act: async (caller) => {
          const { workId } = await caller.call((client) => client.enqueue(Poison, { how, recovers }, { key: "poison" }));
          for (;;) {
            const ended = await caller.call((client) => client.result(Poison, workId, { timeoutMs: 0 }));
            if (ended.status !== "open") {
              status = ended.status === "completed" ? `completed: ${ended.result}` : ended.status;
              return;
            }
            await caller.sleep(30_000);
          }
        },
      },
    ],
    check: () => {
      if (how === "heals") return;
      if (how === "fails") expectEqual("the end of a poison", status, "failed");
      else if (!recovers) expectEqual("the end of a poison", status, "dead_lettered");
      // Deaths that are injected add to its own.
      else if (status !== "completed: crashed") expectEqual("the end of a poison", status, "completed: exhausted");
      if (how === "fails" && recoveries > 0) throw new Error("it recovered from its own word");
    },
  };
};
