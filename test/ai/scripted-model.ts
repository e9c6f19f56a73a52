/** A language model that says what it is told to, by how far the conversation has come. */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";

/** A text, or calls of tools. */
export type Line =
  | string
  | {
      readonly text?: string;
      readonly calls: readonly { readonly id: string; readonly tool: string; readonly input: unknown }[];
    };

export interface ScriptedModel extends LanguageModelV4 {
  /** Every question it was asked. */
  readonly asked: LanguageModelV4CallOptions[];
}

const USAGE = {
  inputTokens: { total: 10, noCache: 10, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 3, text: 3, reasoning: undefined },
};

/** `say` is given how often it was asked before (by anyone), and the question. A throw is a failed call. */
export function scriptedModel(say: (n: number, options: LanguageModelV4CallOptions) => Line): ScriptedModel {
  const asked: LanguageModelV4CallOptions[] = [];
  const answer = (options: LanguageModelV4CallOptions) => {
    asked.push(options);
    const line = say(asked.length - 1, options);
    return typeof line === "string" ? { text: line, calls: [] } : { text: "", ...line };
  };
  const finishOf = (calls: readonly unknown[]) =>
    ({ unified: calls.length > 0 ? "tool-calls" : "stop", raw: undefined }) as const;
  return {
    specificationVersion: "v4",
    provider: "scripted",
    modelId: "scripted",
    supportedUrls: {},
    asked,
    async doGenerate(options) {
      const { text, calls } = answer(options);
      const content: LanguageModelV4Content[] = text === "" ? [] : [{ type: "text", text }];
      for (const call of calls) content.push(toolCall(call));
      const response = {
        id: "r",
        timestamp: new Date(0),
        modelId: "scripted",
        headers: { secret: "cookie" },
        body: { big: "body" },
      };
      return { content, finishReason: finishOf(calls), usage: USAGE, warnings: [], request: { body: "prompt" }, response };
    },
    async doStream(options) {
      const { text, calls } = answer(options);
      const parts: LanguageModelV4StreamPart[] = [
        { type: "stream-start", warnings: [] },
        { type: "response-metadata", id: "r", timestamp: new Date(0), modelId: "scripted" },
      ];
      if (text !== "") {
        parts.push({ type: "text-start", id: "t" });
        for (const word of text.split(/(?<= )/)) parts.push({ type: "text-delta", id: "t", delta: word });
        parts.push({ type: "text-end", id: "t" });
      }
      for (const call of calls) parts.push(toolCall(call));
      parts.push({ type: "finish", usage: USAGE, finishReason: finishOf(calls) });
      return { stream: ReadableStream.from(parts) };
    },
  };
}
function toolCall({ id, tool, input }: { id: string; tool: string; input: unknown }) {
  return { type: "tool-call", toolCallId: id, toolName: tool, input: JSON.stringify(input) } as const;
}
