import type { LanguageModel } from "ai";
import { DidNotHappen, defineContract, defineEngine, type Effect, type StepCtx } from "rookery";
import { z } from "zod";
import { ask, Call, Message } from "./model.ts";

const DAY_MS = 86_400_000;

export const Agent = defineContract({
  id: "agent",
  payload: z.object({ goal: z.string() }),
  result: z.object({ ok: z.boolean(), answer: z.string() }),
  signals: { approval: z.object({ yes: z.boolean() }), steer: z.object({ text: z.string() }) },
});

/** A model that searches as it likes, and sends an email only when somebody has said yes. */
export function createAgent({ model, mailUrl }: { model: LanguageModel; mailUrl: string }) {
  const email = emailBy(mailUrl);
  async function perform(call: Call, ctx: StepCtx): Promise<Message> {
    const text = call.tool === "email" ? await ctx.effect(call.id, call.args, email) : search(call.args);
    return { role: "tool", call, text };
  }
  return defineEngine(Agent, {
    version: 1,
    state: z.object({ pending: z.array(Call) }),
    log: Message,
    limits: { steps: 3_000, meters: { tokens: 200_000 } },
    init: { pending: [] },
    async step({ pending }, ctx) {
      if (ctx.wake.kind === "timeout") return ctx.complete({ ok: false, answer: "nobody said yes or no" });
      if (ctx.wake.kind === "signal" && ctx.wake.signal.name === "approval" && !ctx.wake.signal.payload.yes)
        return ctx.complete({ ok: false, answer: "somebody said no" });
      if (pending.length > 0) {
        const results = await Promise.all(pending.map((call) => perform(call, ctx)));
        return ctx.next({ pending: [] }, { at: "think", append: results });
      }

      const before = await ctx.readLog();
      const said: Message[] = before.length === 0 ? [{ role: "user", text: ctx.payload.goal }] : [];
      const steers = await ctx.take("steer");
      for (const { payload } of steers) said.push({ role: "user", text: payload.text });
      const asked = { onText: (text: string) => ctx.write(text), abortSignal: ctx.abortSignal };
      // A later attempt may take more: an answer is remembered together with what it is an answer to.
      const { text, calls } = await ctx.once(`model ${steers.map(({ id }) => id).join()}`, async () => {
        const answer = await ask(model, [...before, ...said], asked);
        // In here: a later attempt that is given the remembered answer has not paid for it again.
        ctx.meter("tokens", answer.tokens);
        return answer;
      });
      const append: Message[] = [...said, { role: "assistant", text, calls }];
      if (calls.length === 0) return ctx.complete({ ok: true, answer: text }, { append });
      return calls.some((call) => call.tool === "email")
        ? ctx.waitFor({ pending: calls }, { signals: ["approval"], timeoutMs: DAY_MS, at: "act", append })
        : ctx.next({ pending: calls }, { at: "act", append });
    },
  });
}

/** The key makes a second try harmless, and lets us ask what became of the first. */
function emailBy(url: string): Effect<Call["args"], string> {
  const at = (key: string) => `${url}/${encodeURIComponent(key)}`;
  return {
    async run(mail, { idempotencyKey, abortSignal }) {
      const answer = await fetch(at(idempotencyKey), { method: "PUT", body: JSON.stringify(mail), signal: abortSignal });
      if (!answer.ok) throw new DidNotHappen(`the mail server said ${answer.status}`);
      return "sent";
    },
    async ifInDoubt(_mail, { idempotencyKey, abortSignal }) {
      const { status } = await fetch(at(idempotencyKey), { signal: abortSignal });
      if (status === 200) return { happened: true, result: "sent" };
      return status === 404 ? { happened: false } : { askAgainMs: 5_000 };
    },
  };
}
function search({ query = "" }: Call["args"]): string {
  return `There is much to read about ${query}.`;
}
