/** Asking a language model, word by word. */
import type { LanguageModelV4, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { type LanguageModel, streamText } from "ai";
import { z } from "zod";

export const Message = z.object({ role: z.enum(["user", "assistant"]), content: z.string() });
export type Message = z.infer<typeof Message>;

export async function ask(
  model: LanguageModel,
  messages: readonly Message[],
  { onText, abortSignal }: { onText: (text: string) => void; abortSignal: AbortSignal },
): Promise<string> {
  let text = "";
  const answer = streamText({ model, messages: [...messages], abortSignal, maxRetries: 0, onError: () => undefined });
  for await (const part of answer.stream) {
    if (part.type === "error") throw part.error;
    if (part.type !== "text-delta") continue;
    text += part.text;
    onText(part.text);
  }
  return text;
}

/** Stands for a model: it says how often it was spoken to. */
export function createScriptedModel(): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: "scripted",
    modelId: "scripted",
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error("this model only streams")),
    async doStream({ prompt }) {
      const count = prompt.filter(({ role }) => role === "user").length;
      return { stream: ReadableStream.from(say(`You have said ${count} ${count === 1 ? "thing" : "things"} so far.`)) };
    },
  };
}
function say(text: string): LanguageModelV4StreamPart[] {
  const words = text.split(/(?<= )/).map((delta) => ({ type: "text-delta" as const, id: "text", delta }));
  const usage = {
    inputTokens: { total: 50, noCache: 50, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 10, text: 10, reasoning: 0 },
  };
  const end = { type: "finish" as const, usage, finishReason: { unified: "stop" as const, raw: undefined } };
  return [{ type: "text-start", id: "text" }, ...words, { type: "text-end", id: "text" }, end];
}
