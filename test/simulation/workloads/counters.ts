/** They count, inline, with delays or over days; some states are large; some steps fail now and then. */
import { z } from "zod";
import { defineContract, defineEngine } from "../../../src/index.ts";
import { between, expectEqual, type Workload } from "./workload.ts";

const payload = z.object({ to: z.number(), pauseMs: z.number(), bytes: z.number(), fails: z.number() });
const Counter = defineContract({ id: "counter", payload, result: z.number() });
const state = z.object({ n: z.number(), release: z.number(), pad: z.string() });

export const counters: Workload = (_theatre, draw) => {
  const results = new Map<string, { expected: number; got: unknown }>();
  const PAUSES = [0, 0, 0, 500, 90_000, 40 * 60_000, 3 * 86_400_000];
  return {
    engines: ({ sleep, draw: chance, isCalm, release }) => [
      defineEngine(Counter, {
        version: 1 + release,
        state,
        init: { n: 0, release: 0, pad: "" },
        migrate: (old) => ({ payload: payload.parse(old.payload), state: { ...state.parse(old.state), release } }),
        retry: { unknown: { attempts: 1_000 }, transient: { attempts: 1_000 } },
        limits: { crashes: 1_000 },
        step: async ({ n: before }, ctx) => {
          const { to, pauseMs, bytes, fails } = ctx.payload;
          if (chance() < 0.3) await sleep(chance() * 6_000);
          if (!isCalm() && chance() < fails) throw new Error("now and then");
          const n = before + 1;
          if (n >= to) return ctx.complete(n);
          return ctx.next({ n, release, pad: "x".repeat(bytes) }, { delayMs: pauseMs });
        },
      }),
    ],
    callers: Array.from({ length: between(draw, 1, 3) }, (_, i) => {
      const wanted = {
        to: between(draw, 1, 12),
        pauseMs: PAUSES[between(draw, 0, PAUSES.length - 1)] ?? 0,
        bytes: draw() < 0.2 ? 9_000 : 0,
        fails: draw() < 0.5 ? 0 : 0.3,
      };
      const key = `counter-${i}`;
      return {
        name: `caller-${key}`,
        act: async (caller) => {
          await caller.sleep(caller.draw() * 10_000);
          const { workId } = await caller.call((client) => client.enqueue(Counter, wanted, { key }));
          for (;;) {
            const ended = await caller.call((client) => client.result(Counter, workId, { timeoutMs: 0 }));
            if (ended.status !== "open") {
              results.set(key, { expected: wanted.to, got: ended.status === "completed" ? ended.result : ended.status });
              return;
            }
            await caller.sleep(60_000 + wanted.pauseMs);
          }
        },
      };
    }),
    check: () => {
      for (const [key, { expected, got }] of results) expectEqual(key, got, expected);
    },
  };
};
