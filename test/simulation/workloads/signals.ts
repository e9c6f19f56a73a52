/** Mailboxes: several senders, in order each, race with waits, their timeouts and the end. */
import { z } from "zod";
import { defineContract, defineEngine } from "../../../src/index.ts";
import type { Caller } from "../callers.ts";
import { between, type Workload } from "./workload.ts";

const Mailbox = defineContract({
  id: "mailbox",
  payload: z.object({
    until: z.number(),
    ifUnread: z.enum(["step", "drop"]),
    timeoutMs: z.number(),
    takes: z.boolean(),
    large: z.boolean(),
  }),
  result: z.array(z.string()),
  signals: { note: z.object({ text: z.string(), pad: z.string() }), close: z.object({}) },
});

const STATE = z.object({ got: z.array(z.string()), closed: z.boolean() });

export const signals: Workload = ({ stage }, draw) => {
  const sent: { readonly sender: number; readonly id: string; accepted: boolean }[] = [];
  const options = {
    until: between(draw, 1, 8),
    ifUnread: draw() < 0.6 ? ("step" as const) : ("drop" as const),
    timeoutMs: [700, 60_000, 3_600_000][between(draw, 0, 2)] ?? 700,
    takes: draw() < 0.5,
    large: draw() < 0.2,
  };
  const key = "mailbox";
  const senders = between(draw, 1, 3);
  const withStart = draw() < 0.3;
  let got: readonly string[] | null = null;
  let sending = senders;
  const hasEnded = (status: string): boolean =>
    !["open", "queued", "running", "sleeping", "waiting", "closing", "paused"].includes(status);

  async function send(caller: Caller, sender: number): Promise<void> {
    const each = between(draw, 2, 6);
    for (let i = 0; i < each; i++) {
      await caller.sleep(caller.draw() ** 2 * 30_000);
      const id = `s${sender}-${i}`;
      const payload = { text: id, pad: options.large ? "y".repeat(9_000) : "" };
      const one = { sender, id, accepted: false };
      sent.push(one);
      const ref = { contract: Mailbox, key };
      const say = (): Promise<{ accepted: boolean; status: string }> =>
        caller.call((client) => client.signal(Mailbox, ref, "note", payload, { id }));
      // Some say everything twice.
      const [{ accepted, status }] = await Promise.all([
        say(),
        ...(caller.draw() < 0.3 ? [caller.sleep(caller.draw() * 100).then(say)] : []),
      ]);
      one.accepted = accepted;
      if (hasEnded(status)) break;
    }
    sending -= 1;
  }
  return {
    engines: ({ sleep, draw: chance }) => [
      defineEngine(Mailbox, {
        version: 1,
        state: STATE,
        init: { got: [], closed: false },
        retry: { unknown: { attempts: 1_000 }, transient: { attempts: 1_000 } },
        limits: { crashes: 1_000 },
        step: async (state, ctx) => {
          const { until, ifUnread, timeoutMs, takes } = ctx.payload;
          const { wake } = ctx;
          const woken = wake.kind === "signal" && wake.signal.name === "note" ? [wake.signal.payload.text] : [];
          const taken = takes ? (await ctx.take("note", 3)).map(({ payload }) => payload.text) : [];
          const closed = state.closed || (wake.kind === "signal" && wake.signal.name === "close");
          const all = [...state.got, ...woken, ...taken];
          if (chance() < 0.2) await sleep(chance() * 2_000);
          if (chance() < 0.05) throw new Error("now and then");
          // What an end that looks once more has read itself is gone with its result: it is committed first.
          const isOver = closed || all.length >= until;
          if (isOver && all.length === state.got.length && closed === state.closed) return ctx.complete(all, { ifUnread });
          if (isOver) return ctx.next({ got: all, closed });
          return ctx.waitFor({ got: all, closed }, { signals: ["note", "close"], timeoutMs });
        },
      }),
    ],
    callers: [
      {
        name: "mailbox",
        act: async (caller) => {
          const signal = { name: "note" as const, payload: { text: "first", pad: "" }, id: "first" };
          const start = withStart ? { signal } : {};
          const { workId } = await caller.call((client) => client.enqueue(Mailbox, options, { key, ...start }));
          for (let i = 0; ; i++) {
            const ended = await caller.call((client) => client.result(Mailbox, workId, { timeoutMs: 0 }));
            if (ended.status === "completed") {
              got = ended.result;
              return;
            }
            if (ended.status !== "open") throw new Error(`mailbox ended ${ended.status}`);
            await caller.sleep(20_000);
            if (sending === 0 && i > 5)
              await caller.call((client) => client.signal(Mailbox, workId, "close", {}, { id: "close" }));
          }
        },
      },
      ...Array.from({ length: senders }, (_, i) => ({
        name: `sender-${i}`,
        act: async (caller: Caller) => {
          const { workId } = await caller.call((client) => client.enqueue(Mailbox, options, { key }));
          void workId;
          await send(caller, i);
        },
      })),
    ],
    check: () => {
      const list = got ?? [];
      if (new Set(list).size !== list.length) stage.breakInvariant("signals: each is delivered once", list.join(" "));
      for (let sender = 0; sender < senders; sender++) {
        const mine = list.filter((id) => id.startsWith(`s${sender}-`));
        const inOrder = mine.toSorted((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
        if (mine.join() !== inOrder.join()) stage.breakInvariant("signals: of one sender they come in order", mine.join(" "));
      }
      for (const { id, accepted } of sent) {
        if (!accepted && list.includes(id)) stage.breakInvariant("signals: what is not accepted is not delivered", id);
        if (accepted && options.ifUnread === "step" && !list.includes(id))
          stage.breakInvariant("signals: an accepted signal is never dropped", `${id} is not in ${list.join(" ")}`);
      }
    },
  };
};
