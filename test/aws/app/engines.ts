/** What the deployed worker runs for the end-to-end suite. */
import { z } from "zod";
import { defineContract, defineEngine } from "../../../src/index.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const number = z.object({ number: z.int() });

/** Ends at once, with the number that it was given. */
export const Leg = defineContract({ id: "leg", payload: number, result: number });
export const leg = defineEngine(Leg, {
  version: 1,
  state: z.null(),
  init: null,
  step: async (_state, ctx) => ctx.complete(ctx.payload),
});

/** Step by step gives the baton to a child and waits for it: from message to message, twice a step. */
export const Relay = defineContract({ id: "relay", payload: z.object({ legs: z.int() }), result: z.object({ legs: z.int() }) });
export const relay = defineEngine(Relay, {
  version: 1,
  state: z.object({ started: z.int() }),
  init: { started: 0 },
  async step({ started }, ctx) {
    if (started >= ctx.payload.legs) return ctx.complete({ legs: started });
    const group = `leg ${started + 1}`;
    await ctx.start(Leg, { number: started }, { key: group, group });
    return ctx.waitFor({ started: started + 1 }, { group, at: group });
  },
});

/** Starts its children in one step and waits for all of them. */
export const Family = defineContract({
  id: "family",
  payload: z.object({ children: z.int() }),
  result: z.object({ sum: z.int() }),
});
export const family = defineEngine(Family, {
  version: 1,
  state: z.enum(["start", "gather"]),
  init: "start",
  async step(state, ctx) {
    if (state === "start") {
      const numbers = Array.from({ length: ctx.payload.children }, (_, n) => n + 1);
      await Promise.all(numbers.map((n) => ctx.start(Leg, { number: n }, { key: String(n), group: "legs" })));
      return ctx.waitFor("gather", { group: "legs", at: "gather" });
    }
    let sum = 0;
    for await (const one of ctx.results(Leg, "legs")) sum += one.status === "completed" ? one.result.number : 0;
    return ctx.complete({ sum });
  },
});

/** Sleeps once; tells when it was to wake, and when it did. */
const instants = z.object({ wakeAtMs: z.number(), wokeAtMs: z.number() });
export const Sleeper = defineContract({ id: "sleeper", payload: z.object({ sleepMs: z.int() }), result: instants });
export const sleeper = defineEngine(Sleeper, {
  version: 1,
  state: z.object({ wakeAtMs: z.number() }),
  init: { wakeAtMs: 0 },
  async step({ wakeAtMs }, ctx) {
    if (wakeAtMs > 0) return ctx.complete({ wakeAtMs, wokeAtMs: ctx.now() });
    const untilAtMs = ctx.now() + ctx.payload.sleepMs;
    return ctx.next({ wakeAtMs: untilAtMs }, { at: "awake", untilAtMs });
  },
});

/** Takes down what it is told until it is told "that is all". */
const told = z.object({ told: z.array(z.string()) });
export const Desk = defineContract({
  id: "desk",
  payload: z.object({}),
  result: told,
  signals: { say: z.object({ text: z.string() }) },
});
export const desk = defineEngine(Desk, {
  version: 1,
  state: told,
  init: { told: [] },
  async step({ told: before }, ctx) {
    const { wake } = ctx;
    const now = wake.kind === "signal" ? [...before, wake.signal.payload.text] : before;
    if (now.at(-1) === "that is all") return ctx.complete({ told: now });
    return ctx.waitFor({ told: now }, { signals: ["say"], at: "listen" });
  },
});

/** Pays once; its first attempt fails after the effect, its second gets what the first was answered. */
export const Payer = defineContract({
  id: "payer",
  payload: z.object({ url: z.url(), cents: z.int() }),
  result: z.object({ receipt: z.string() }),
});
export const payer = defineEngine(Payer, {
  version: 1,
  state: z.null(),
  init: null,
  retry: { unknown: { attempts: 2, minMs: 0, maxMs: 0 } },
  async step(_state, ctx) {
    const { url, cents } = ctx.payload;
    const receipt = await ctx.effect(
      "pay",
      { cents },
      {
        run: async (input, { idempotencyKey, abortSignal }) => {
          const headers = { "idempotency-key": idempotencyKey };
          const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(input), signal: abortSignal });
          return await answer.text();
        },
        ifInDoubt: async (_input, { idempotencyKey, abortSignal }) => {
          const answer = await fetch(url, { headers: { "idempotency-key": idempotencyKey }, signal: abortSignal });
          return answer.ok ? { happened: true, result: await answer.text() } : { happened: false };
        },
      },
    );
    if (ctx.attempt === 1) throw new Error("failed once it was paid");
    return ctx.complete({ receipt });
  },
});

/** The first step is done by all of a batch; what the second does is in the payload. */
const doing = z.enum(["work", "exit", "hang", "bug"]);
export type Doing = z.infer<typeof doing>;
export const BatchMember = defineContract({
  id: "batch-member",
  payload: z.object({ doing }),
  result: z.object({ processes: z.array(z.int()) }),
});
export const batchMember = defineEngine(BatchMember, {
  version: 1,
  /** In which processes its steps began. */
  state: z.object({ processes: z.array(z.int()) }),
  init: { processes: [] },
  limits: { crashes: 1, stepMs: 2_000 },
  retry: { unknown: { attempts: 2, minMs: 1_000, maxMs: 1_000 }, transient: { attempts: 2, minMs: 1_000, maxMs: 1_000 } },
  async step({ processes }, ctx) {
    const now = [...processes, process.pid];
    if (processes.length === 0) return ctx.next({ processes: now }, { at: ctx.payload.doing });
    // By then the others are in the middle of their work.
    await sleep(ctx.payload.doing === "work" ? 800 : 1_000);
    if (ctx.payload.doing === "exit") process.exit(1);
    if (ctx.payload.doing === "hang") await new Promise(() => undefined);
    if (ctx.payload.doing === "bug") Reflect.get(Object(undefined), "nothing").call();
    return processes.length > 1 ? ctx.complete({ processes: now }) : ctx.next({ processes: now }, { at: "more work" });
  },
});

/** Says a word a step. */
export const Talker = defineContract({ id: "talker", payload: z.object({ words: z.array(z.string()) }), result: z.object({}) });
export const talker = defineEngine(Talker, {
  version: 1,
  state: z.object({ said: z.int() }),
  init: { said: 0 },
  async step({ said }, ctx) {
    const word = ctx.payload.words[said];
    if (word === undefined) return ctx.complete({});
    ctx.write(word);
    return ctx.next({ said: said + 1 });
  },
});

/** Counts without end, until a later version counts on and ends. */
const name = z.object({ name: z.string() });
export const Growing = defineContract({
  id: "growing",
  payload: name,
  result: z.object({ counted: z.int(), before: z.int(), name: z.string() }),
});
export const growing = defineEngine(Growing, {
  version: 1,
  state: z.object({ count: z.int() }),
  init: { count: 0 },
  async step({ count }, ctx) {
    await sleep(2_000);
    return ctx.next({ count: count + 1 });
  },
});
const counted = z.object({ counted: z.int(), before: z.int() });
export const grown = defineEngine(Growing, {
  version: 2,
  state: counted,
  init: { counted: 0, before: 0 },
  migrate({ payload, state }) {
    const { count } = z.object({ count: z.int() }).parse(state);
    return { payload: name.parse(payload), state: { counted: count, before: count } };
  },
  async step(state, ctx) {
    if (state.counted > state.before + 1) return ctx.complete({ ...state, name: ctx.payload.name });
    return ctx.next({ ...state, counted: state.counted + 1 });
  },
});
