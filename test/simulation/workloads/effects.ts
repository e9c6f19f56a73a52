/** Side effects of each kind, some of one step side by side; a person answers for those that are parked. */
import { z } from "zod";
import { DidNotHappen, defineContract, defineEngine, type Fence } from "../../../src/index.ts";
import { ACT_MS, createOutside } from "../outside.ts";
import { between, type Workload } from "./workload.ts";

const KINDS = ["rerun", "park", "ask"] as const;
type Kind = (typeof KINDS)[number];
const Acting = defineContract({
  id: "acting",
  payload: z.object({ steps: z.number(), kinds: z.array(z.enum(KINDS)), inTurn: z.boolean() }),
  result: z.array(z.number()),
});
const STATE = z.object({ n: z.number(), results: z.array(z.number()) });

async function oneByOne(kinds: readonly Kind[], act: (kind: Kind, i: number) => Promise<number>): Promise<number[]> {
  const made: number[] = [];
  for (const [i, kind] of kinds.entries()) made.push(await act(kind, i));
  return made;
}

export const effects: Workload = (theatre, draw) => {
  const outside = createOutside(theatre);
  const used = new Map<string, Kind>();
  const { witness } = theatre;
  const payload = {
    steps: between(draw, 1, 3),
    kinds: Array.from({ length: between(draw, 1, 3) }, () => KINDS[between(draw, 0, 2)] ?? "ask"),
    inTurn: draw() < 0.5,
  };
  let ended = false;
  return {
    engines: (place) => [
      defineEngine(Acting, {
        version: 1,
        state: STATE,
        init: { n: 0, results: [] },
        retry: { unknown: { attempts: 1_000 }, transient: { attempts: 1_000 } },
        limits: { crashes: 1_000 },
        step: async ({ n, results }, ctx) => {
          const { steps, kinds, inTurn } = ctx.payload;
          if (place.draw() < 0.3) await place.sleep(place.draw() * 6_000);
          const act = async (kind: Kind, i: number): Promise<number> => {
            const seen = (fence: Fence): void => {
              used.set(fence.idempotencyKey, kind);
            };
            const result = await ctx.effect(
              `${i}-${kind}`,
              { n },
              {
                timeoutMs: ACT_MS,
                run: async (_input, fence) => {
                  seen(fence);
                  return outside.act(place, fence);
                },
                ifInDoubt:
                  kind === "ask"
                    ? async (_input, fence) => {
                        seen(fence);
                        await place.sleep(50);
                        return outside.ask(fence.idempotencyKey, "runtime");
                      }
                    : kind,
              },
            );
            outside.given(`${ctx.workId}/${ctx.step}/${i}`, result);
            return result;
          };
          const made = await (inTurn ? oneByOne(kinds, act) : Promise.all(kinds.map(act))).catch((error: unknown) => {
            if (error instanceof DidNotHappen) throw Object.assign(new Error("refused"), { status: 503 });
            throw error;
          });
          const all = [...results, ...made];
          return n + 1 < steps ? ctx.next({ n: n + 1, results: all }) : ctx.complete(all);
        },
      }),
    ],
    callers: [
      {
        name: "effects",
        act: async (caller) => {
          const { workId } = await caller.call((client) => client.enqueue(Acting, payload, { key: "acting" }));
          for (;;) {
            const { status } = await caller.call((client) => client.result(Acting, workId, { timeoutMs: 0 }));
            if (status !== "open") {
              if (status !== "completed") throw new Error(`effects ended ${status}`);
              ended = true;
              return;
            }
            await caller.sleep(30_000);
          }
        },
      },
      {
        name: "person",
        act: async (caller) => {
          while (!ended) {
            await caller.sleep(60_000);
            for (const { head, item, workId } of witness.items.values()) {
              if (head?.status.kind !== "paused" || item?.engine !== Acting.id) continue;
              const inDoubt = (await caller.call((client) => client.effects(workId))).filter(({ state }) => state === "in_doubt");
              for (const { key, step, sinceMs } of inDoubt) {
                const answer = outside.ask(`${workId}/${step}/${key}`, "person");
                // Somebody may have said so before, in a call whose answer was lost.
                await caller
                  .call((client) => client.resolve(workId, key, answer, { step, ...(sinceMs === null ? {} : { sinceMs }) }))
                  .catch(() => undefined);
              }
            }
          }
        },
      },
    ],
    check: () => {
      for (const [key, kind] of used) outside.check(key, kind);
    },
  };
};
