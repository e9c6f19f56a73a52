/** Asking a language model, in the words of this agent's log. */
import type { LanguageModelV4, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { type LanguageModel, type ModelMessage, streamText, type ToolSet } from "ai";
import { z } from "zod";

export const Call = z.object({
  id: z.string(),
  tool: z.enum(["email", "search"]),
  args: z.record(z.string(), z.string()),
});
export type Call = z.infer<typeof Call>;
export const Message = z.discriminatedUnion("role", [
  z.object({ role: z.literal("user"), text: z.string() }),
  z.object({ role: z.literal("assistant"), text: z.string(), calls: z.array(Call) }),
  z.object({ role: z.literal("tool"), call: Call, text: z.string() }),
]);
export type Message = z.infer<typeof Message>;
export interface Answer {
  readonly text: string;
  readonly calls: Call[];
  readonly tokens: number;
}

/** Without `execute`: calls are the engine's business. */
const tools: ToolSet = {
  search: { description: "Search the web", inputSchema: z.object({ query: z.string() }) },
  email: { description: "Send an email", inputSchema: z.object({ to: z.string(), text: z.string() }) },
};

export async function ask(
  model: LanguageModel,
  messages: readonly Message[],
  { onText, abortSignal }: { onText: (text: string) => void; abortSignal: AbortSignal },
): Promise<Answer> {
  const answer = streamText({
    model,
    messages: messages.map(toModel),
    tools,
    abortSignal,
    maxRetries: 0,
    onError: () => undefined,
  });
  const calls: Call[] = [];
  let text = "";
  for await (const part of answer.stream) {
    if (part.type === "error") throw part.error;
    if (part.type === "text-delta") {
      text += part.text;
      onText(part.text);
    }
    if (part.type === "tool-call") calls.push(Call.parse({ id: part.toolCallId, tool: part.toolName, args: part.input }));
  }
  return { text, calls, tokens: (await answer.usage).totalTokens ?? 0 };
}

function toModel(message: Message): ModelMessage {
  switch (message.role) {
    case "user":
      return { role: "user", content: message.text };
    case "assistant": {
      const calls = message.calls.map(({ id, tool, args }) => {
        return { type: "tool-call" as const, toolCallId: id, toolName: tool, input: args };
      });
      return { role: "assistant", content: message.text === "" ? calls : [{ type: "text", text: message.text }, ...calls] };
    }
    case "tool": {
      const output = { type: "text" as const, value: message.text };
      const { id, tool } = message.call;
      return { role: "tool", content: [{ type: "tool-result", toolCallId: id, toolName: tool, output }] };
    }
  }
}

/** Stands for a model: it searches, then writes an email, then is done. It goes by how far the conversation has come. */
export function createScriptedModel(): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: "scripted",
    modelId: "scripted",
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error("this model only streams")),
    async doStream({ prompt }) {
      const results = prompt.filter(({ role }) => role === "tool").length;
      return { stream: ReadableStream.from(SCRIPT[results] ?? say("I am done.")) };
    },
  };
}
const SCRIPT: readonly LanguageModelV4StreamPart[][] = [
  call("search-1", "search", { query: "rooks" }, "Let me look that up. "),
  call("email-1", "email", { to: "ada@example.org", text: "Rooks nest in colonies." }, "I would like to send this. "),
  say("I have told Ada that rooks nest in colonies."),
];

function say(text: string): LanguageModelV4StreamPart[] {
  const words = text.split(/(?<= )/).map((delta) => ({ type: "text-delta" as const, id: "text", delta }));
  return [{ type: "text-start", id: "text" }, ...words, { type: "text-end", id: "text" }, finish("stop")];
}
function call(id: string, tool: string, input: object, text: string): LanguageModelV4StreamPart[] {
  const parts = say(text).slice(0, -1);
  return [...parts, { type: "tool-call", toolCallId: id, toolName: tool, input: JSON.stringify(input) }, finish("tool-calls")];
}
function finish(unified: "stop" | "tool-calls"): LanguageModelV4StreamPart {
  const inputTokens = { total: 50, noCache: 50, cacheRead: 0, cacheWrite: 0 };
  const outputTokens = { total: 10, text: 10, reasoning: 0 };
  return { type: "finish", usage: { inputTokens, outputTokens }, finishReason: { unified, raw: undefined } };
}
