import type { LanguageModelV4Prompt, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { type LanguageModel, simulateReadableStream } from "ai";
import { MockLanguageModelV4 } from "ai/test";

/** A real one by its name (`ROOKERY_MODEL=openai/gpt-5`, through the AI SDK's gateway), or one that knows its lines. */
export const model: LanguageModel = process.env["ROOKERY_MODEL"] ?? scripted();

function scripted(): LanguageModel {
  return new MockLanguageModelV4({
    modelId: "scripted",
    doStream: async ({ prompt }) => ({
      stream: simulateReadableStream({ chunks: answer(prompt), initialDelayInMs: null, chunkDelayInMs: null }),
    }),
  });
}

/** Looks the order up, pays it back if that was asked, and says what it did. */
function answer(prompt: LanguageModelV4Prompt): LanguageModelV4StreamPart[] {
  const asked = prompt.flatMap((message) => (message.role === "user" ? message.content : []));
  const words = asked.map((part) => (part.type === "text" ? part.text : "")).join(" ");
  const order = Number(words.match(/\d+/)?.[0] ?? 0);
  const results = prompt.flatMap((message) => (message.role === "tool" ? message.content : []));
  const used = results.flatMap((part) => (part.type === "tool-result" ? [part] : []));
  const refunded = used.find(({ toolName }) => toolName === "refund");
  if (used.length === 0) return [...text("Let me look. "), ...call("findOrder", { order })];
  if (/refund/i.test(words) && refunded === undefined) return call("refund", { order, cents: order * 100 });
  if (refunded === undefined) return [...text(`Order ${order} was delivered.`), finish("stop")];
  const denied = refunded.output.type === "execution-denied";
  return [...text(denied ? `Order ${order} cannot be refunded.` : `Order ${order} is refunded.`), finish("stop")];
}
function text(words: string): LanguageModelV4StreamPart[] {
  return [
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: words },
    { type: "text-end", id: "1" },
  ];
}
function call(toolName: string, input: object): LanguageModelV4StreamPart[] {
  return [{ type: "tool-call", toolCallId: crypto.randomUUID(), toolName, input: JSON.stringify(input) }, finish("tool-calls")];
}
function finish(unified: "stop" | "tool-calls"): LanguageModelV4StreamPart {
  const tokens = { total: 20, noCache: 20, cacheRead: 0, cacheWrite: 0, text: 20, reasoning: 0 };
  return { type: "finish", finishReason: { unified, raw: undefined }, usage: { inputTokens: tokens, outputTokens: tokens } };
}
