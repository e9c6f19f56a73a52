/** Parents and children: groups, limits, waits for all, some or the first of them. */
import { z } from "zod";
import { isEnded } from "../../../src/domain/head.ts";
import { defineContract, defineEngine } from "../../../src/index.ts";
import { between, expectEqual, type Workload } from "./workload.ts";

const Leaf = defineContract({
  id: "leaf",
  payload: z.object({ n: z.number(), fails: z.boolean(), steps: z.number() }),
  result: z.number(),
});
const Tree = defineContract({
  id: "tree",
  payload: z.object({
    children: z.number(),
    failing: z.number(),
    limit: z.number(),
    rounds: z.number(),
    until: z.enum(["all", "any", "failed"]),
  }),
  result: z.object({ succeeded: z.number(), failed: z.number(), sum: z.number() }),
});

const STATE = z.number();
const TREE_STATE = z.object({ round: z.number(), waits: z.boolean(), succeeded: z.number(), failed: z.number() });

export const families: Workload = ({ stage, witness }, draw) => {
  const children = between(draw, 1, 8);
  const wanted = {
    children,
    failing: draw() < 0.3 ? between(draw, 0, Math.min(2, children)) : 0,
    limit: draw() < 0.4 ? between(draw, 1, 3) : 0,
    rounds: between(draw, 1, 2),
    until: draw() < 0.7 ? ("all" as const) : draw() < 0.5 ? ("any" as const) : ("failed" as const),
  };
  let got: { status: string; result?: unknown } | null = null;

  /** Of the children that have begun and not ended, never more than the limit. */
  function checkLimit(): void {
    if (wanted.limit === 0) return;
    const begun = new Map<string, number>();
    for (const { item, head, steps } of witness.items.values()) {
      const parent = item?.parent;
      if (parent?.group === undefined || parent.group === null || steps === 0 || (head !== null && isEnded(head.status)))
        continue;
      const group = `${parent.workId} ${parent.group.name}`;
      begun.set(group, (begun.get(group) ?? 0) + 1);
    }
    for (const [group, count] of begun) {
      if (count > wanted.limit) stage.breakInvariant("children: never more at work than the limit", `${count} of ${group}`);
    }
  }
  return {
    engines: ({ sleep, draw: chance }) => [
      defineEngine(Leaf, {
        version: 1,
        state: STATE,
        init: 0,
        retry: { unknown: { attempts: 1_000 }, transient: { attempts: 1_000 } },
        limits: { crashes: 1_000 },
        step: async (done, ctx) => {
          const { n, fails, steps } = ctx.payload;
          checkLimit();
          if (chance() < 0.3) await sleep(chance() * 3_000);
          if (chance() < 0.05) throw new Error("now and then");
          if (fails) return ctx.fail(new Error("as it was told"));
          return done + 1 < steps ? ctx.next(done + 1, chance() < 0.2 ? { delayMs: 1_000 } : {}) : ctx.complete(n);
        },
      }),
      defineEngine(Tree, {
        version: 1,
        state: TREE_STATE,
        init: { round: 0, waits: false, succeeded: 0, failed: 0 },
        retry: { unknown: { attempts: 1_000 }, transient: { attempts: 1_000 } },
        limits: { crashes: 1_000 },
        step: async (state, ctx) => {
          const { children: count, failing, limit, rounds, until } = ctx.payload;
          const group = `round-${state.round}`;
          if (!state.waits) {
            const options = { group, ...(limit === 0 ? {} : { limit }) };
            const start = (i: number): Promise<string> =>
              ctx.start(Leaf, { n: i + 1, fails: i < failing, steps: 1 + (i % 3) }, { key: `${group}-${i}`, ...options });
            if (chance() < 0.5) await Promise.all(Array.from({ length: count }, (_, i) => start(i)));
            else for (let i = 0; i < count; i++) await start(i);
            if (chance() < 0.1) throw new Error("now and then");
            const wait = until === "failed" ? { failedAtMost: 0 } : until;
            return ctx.waitFor({ ...state, waits: true }, { group, until: wait });
          }
          if (ctx.wake.kind !== "children") throw new TypeError(`woken by ${ctx.wake.kind}`);
          const { succeeded, failed } = ctx.wake;
          const next = { round: state.round + 1, waits: false, succeeded, failed };
          if (next.round < rounds) return ctx.next(next);
          let sum = 0;
          for await (const end of ctx.results(Leaf, group)) if (end.status === "completed") sum += end.result;
          return ctx.complete({ succeeded, failed, sum });
        },
      }),
    ],
    callers: [
      {
        name: "family",
        act: async (caller) => {
          const { workId } = await caller.call((client) => client.enqueue(Tree, wanted, { key: "tree" }));
          for (;;) {
            const ended = await caller.call((client) => client.result(Tree, workId, { timeoutMs: 0 }));
            if (ended.status !== "open") {
              got = ended;
              return;
            }
            await caller.sleep(30_000);
          }
        },
      },
    ],
    check: () => {
      expectEqual("the tree", got?.status, "completed");
      if (wanted.until !== "all") return;
      const succeeded = children - wanted.failing;
      const sum = (children * (children + 1)) / 2 - (wanted.failing * (wanted.failing + 1)) / 2;
      expectEqual("the tree", got?.result, { succeeded, failed: wanted.failing, sum });
    },
  };
};
