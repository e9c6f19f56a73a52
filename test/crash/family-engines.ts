/** A parent of many, started a page a step. Where gc is exposed, it leaves samples of its memory in a file outside the store. */
import { appendFileSync } from "node:fs";
import { z } from "zod";
import { defineContract, defineEngine, type Engine } from "../../src/index.ts";

const MIB = 1_048_576;
/** One in so many ends badly. */
export const BAD_EVERY = 50;

export const Leaf = defineContract({ id: "leaf", payload: z.object({ n: z.int() }), result: z.object({ n: z.int() }) });
const leaf = defineEngine(Leaf, {
  version: 1,
  state: z.object({}),
  init: {},
  limits: { crashes: 1_000 },
  async step(_state, ctx) {
    const { n } = ctx.payload;
    return n % BAD_EVERY === 0 ? ctx.fail(new Error("told to")) : ctx.complete({ n });
  },
});

export const Crowd = defineContract({
  id: "crowd",
  payload: z.object({ count: z.int(), page: z.int(), ledger: z.string() }),
  result: z.object({ told: z.array(z.tuple([z.int(), z.int()])), results: z.int(), sum: z.int(), bad: z.int() }),
});
const crowd = defineEngine(Crowd, {
  version: 1,
  state: z.object({ started: z.int(), told: z.array(z.tuple([z.int(), z.int()])) }),
  init: { started: 0, told: [] },
  limits: { crashes: 1_000, stepMs: 30 * 60_000 },
  journal: "compact",
  async step({ started, told }, ctx) {
    const { count, page, ledger } = ctx.payload;
    const sample = (): void => {
      if (globalThis.gc === undefined) return;
      globalThis.gc();
      appendFileSync(ledger, `${process.memoryUsage().rss / MIB}\n`);
    };
    if (ctx.wake.kind === "children") {
      let [results, sum, bad] = [0, 0, 0];
      for await (const end of ctx.results(Leaf, "all")) {
        if (results++ % 5_000 === 0) sample();
        if (end.status === "completed") sum += end.result.n;
        else bad += 1;
      }
      sample();
      return ctx.complete({ told: [...told, [ctx.wake.succeeded, ctx.wake.failed]], results, sum, bad });
    }
    const until = Math.min(count, started + page);
    for (let from = started; from < until; from += 100) {
      const keys = Array.from({ length: Math.min(100, until - from) }, (_, i) => from + i);
      await Promise.all(keys.map((n) => ctx.start(Leaf, { n }, { key: `leaf ${n}`, group: "all" })));
    }
    sample();
    return until < count ? ctx.next({ started: until, told }) : ctx.waitFor({ started: until, told }, { group: "all" });
  },
});

export const engines: readonly Engine[] = [leaf, crowd];
