/** One key, several lives: whoever asks at the same time gets the same item, and a new life begins with nothing of the old. */
import { z } from "zod";
import { isEnded } from "../../../src/domain/head.ts";
import { DAY_MS, RETENTION_MS } from "../../../src/domain/limits.ts";
import { defineContract, defineEngine, KeyConflictError, SchemaError, UnknownWorkItemError } from "../../../src/index.ts";
import type { Caller } from "../callers.ts";
import { between, type Workload } from "./workload.ts";

const Life = defineContract({ id: "life", payload: z.object({ x: z.number() }), result: z.string() });

const STATE = z.object({});
/** More than any two clocks are apart. */
const CLOCKS_MS = 60_000;

export const lives: Workload = ({ stage, witness }, draw) => {
  const key = "cat";
  const count = between(draw, 1, 4);
  const made = new Map<string, number>();
  const results = new Map<string, string>();
  /** What an outside system was asked to do, by the key that it was given. */
  const outside = new Map<string, string>();
  let memo = 0;
  const rule = (holds: boolean, name: string, text: string): void => {
    if (!holds) stage.breakInvariant(name, text);
  };
  return {
    engines: () => [
      defineEngine(Life, {
        version: 1,
        state: STATE,
        init: {},
        retry: { unknown: { attempts: 1_000 }, transient: { attempts: 1_000 } },
        limits: { crashes: 1_000 },
        step: async (_state, ctx) => {
          const open = [...witness.items.values()].filter(
            ({ item, head }) => item?.engine === Life.id && item.key === key && !(head !== null && isEnded(head.status)),
          );
          rule(open.length <= 1, "G5: a life begins only when the last has ended", `${open.length} are open`);
          const name = await ctx.once("name", async () => `life-${++memo}`);
          const made = await ctx.effect("greet", null, {
            run: async (_input, { idempotencyKey }) => {
              const known = outside.get(idempotencyKey) ?? name;
              outside.set(idempotencyKey, known);
              return known;
            },
            ifInDoubt: "rerun",
          });
          rule(made === name, "G5: a new life has nothing of the old", `the effect of ${name} answers ${made}`);
          const before = results.get(ctx.workId);
          rule(before === undefined || before === name, "G5: a memo gives the same result", `${before}, then ${name}`);
          for (const [workId, other] of results)
            rule(workId === ctx.workId || other !== name, "G5: a new life has nothing of the old", `${workId} and ${ctx.workId}`);
          results.set(ctx.workId, name);
          return ctx.complete(name);
        },
      }),
    ],
    callers: [
      ...["one", "other"].map((name) => ({
        name: `lives-${name}`,
        act: async (caller: Caller) => {
          for (let life = 0; life < count; life++) {
            await caller.sleep(caller.draw() * 20_000);
            const { workId } = await caller.call((client) => client.enqueue(Life, { x: 1 }, { key, ifEnded: "again" }));
            made.set(workId, (made.get(workId) ?? 0) + 1);
            const other = await caller.call((client) => client.enqueue(Life, { x: 1 }, { key }));
            rule(other.workId === workId || made.size > 0, "G5: a key names one item", `${other.workId} instead of ${workId}`);
            for (;;) {
              const ended = await caller.call((client) => client.result(Life, workId, { timeoutMs: 0 }));
              if (ended.status !== "open") {
                rule(ended.status === "completed", "G5: every life completes", ended.status);
                break;
              }
              await caller.sleep(10_000);
            }
          }
        },
      })),
      {
        name: "vandal",
        act: async (caller) => {
          await caller.sleep(caller.draw() * 30_000);
          const wrong: unknown = { x: "no number" };
          const said = async (
            what: string,
            act: () => Promise<unknown>,
            expected: readonly (new (...args: never[]) => Error)[],
          ) => {
            const error: unknown = await act().catch((thrown: unknown) => thrown);
            rule(
              expected.some((one) => error instanceof one),
              "G8: bad input is refused at the door",
              `${what}: ${String(error)}`,
            );
          };
          await said("payload", () => caller.call((client) => client.enqueue(Life, wrong as { x: number })), [SchemaError]);
          await said("item", () => caller.call((client) => client.status("0123456789abcdefghjk")), [UnknownWorkItemError]);
          await caller.call((client) => client.enqueue(Life, { x: 1 }, { key }));
          await said("key", () => caller.call((client) => client.enqueue(Life, { x: 2 }, { key })), [KeyConflictError]);
        },
      },
      {
        name: "elephant",
        act: async (caller) => {
          const call = () => caller.call((client) => client.enqueue(Life, { x: 1 }, { key: "elephant" }));
          const { workId } = await call();
          let until: number | null = null;
          while (until === null) {
            await caller.sleep(60_000);
            until = (await caller.call((client) => client.status(workId))).rememberedUntilAtMs;
          }
          await caller.sleep(until - caller.nowMs() - 2 * CLOCKS_MS);
          const before = await call();
          // Whoever was held up asked too late.
          const isInTime = caller.nowMs() < until - CLOCKS_MS;
          rule(before.workId === workId || !isInTime, "G5: a key names its item as long as it is remembered", before.workId);
          await caller.sleep(until - caller.nowMs() + CLOCKS_MS + caller.draw() ** 3 * 3 * DAY_MS);
          const after = await call();
          rule(after.workId !== workId, "G7: a key is remembered until its instant, and no longer", workId);
        },
      },
    ],
    lastsMs: RETENTION_MS + 7 * DAY_MS,
  };
};
