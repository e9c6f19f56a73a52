/** An engine that listens: works a little on every note, takes what else is there, and ends when nobody has spoken for a while. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { defineContract, defineEngine, type Engine } from "../../src/index.ts";

const Note = z.object({ sender: z.int(), n: z.int() });
export type Note = z.infer<typeof Note>;

export const Listener = defineContract({
  id: "listener",
  payload: z.object({ quietMs: z.number() }),
  result: z.number(),
  signals: { note: Note },
});

const WORK_MS = 2;
const quick = { attempts: 1_000, minMs: 1, maxMs: 5 };

export const listener = defineEngine(Listener, {
  version: 1,
  state: z.object({ heard: z.int() }),
  log: Note,
  init: { heard: 0 },
  limits: { crashes: 1_000 },
  retry: { unknown: quick, transient: quick },
  async step({ heard }, ctx) {
    const { quietMs } = ctx.payload;
    if (ctx.wake.kind === "timeout") return ctx.complete(heard, { ifUnread: "step" });
    if (ctx.wake.kind !== "signal") return ctx.waitFor({ heard }, { signals: ["note"], timeoutMs: quietMs });
    const notes = [ctx.wake.signal];
    // Now and then it takes more, fails, or goes on without a wait.
    if (heard % 3 === 0) notes.push(...(await ctx.take("note", 4)));
    await sleep(WORK_MS, undefined, { signal: ctx.abortSignal });
    if (heard % 5 === 1 && ctx.attempt === 1) throw new Error("not at the first attempt");
    const append = notes.map(({ payload }) => payload);
    const next = { heard: heard + notes.length };
    return heard % 4 === 0 ? ctx.next(next, { append }) : ctx.waitFor(next, { signals: ["note"], timeoutMs: quietMs, append });
  },
});

export const engines: readonly Engine[] = [listener];
