import type { LanguageModel } from "ai";
import { defineContract, defineEngine } from "rookery";
import { z } from "zod";
import { ask, Message } from "./model.ts";

const PATIENCE_MS = 14 * 86_400_000;

export const Chat = defineContract({
  id: "chat",
  payload: z.object({ user: z.string() }),
  result: z.null(),
  signals: { message: z.object({ text: z.string() }) },
});

/** A conversation is an item, and a message a signal to it. It ends after two weeks of silence, and never with one unread. */
export function createChat(model: LanguageModel) {
  return defineEngine(Chat, {
    version: 1,
    state: z.null(),
    log: Message,
    init: null,
    async step(state, ctx) {
      const listen = { signals: ["message" as const], timeoutMs: PATIENCE_MS };
      if (ctx.wake.kind === "timeout") return ctx.complete(null, { ifUnread: "step" });
      if (ctx.wake.kind !== "signal") return ctx.waitFor(state, listen);
      const said: Message = { role: "user", content: ctx.wake.signal.payload.text };
      const asked = { onText: (text: string) => ctx.write(text), abortSignal: ctx.abortSignal };
      const before = await ctx.readLog({ last: 50 });
      const content = await ctx.once("model", () => ask(model, [...before, said], asked));
      return ctx.waitFor(state, { ...listen, append: [said, { role: "assistant", content }] });
    },
  });
}
