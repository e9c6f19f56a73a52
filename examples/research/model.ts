/** Asking a language model, for one of three things. */
import type { LanguageModelV4 } from "@ai-sdk/provider";
import { generateText, type LanguageModel } from "ai";

const TASKS = {
  split: "Split the question into at most three smaller ones that can be looked up, one a line. Say nothing when it is small.",
  answer: "Answer the question in the first line from the notes below it, in at most two sentences.",
  combine: "Answer the question in the first line from the answers below it, in one paragraph.",
} as const;
export type Task = keyof typeof TASKS;

export async function ask(
  model: LanguageModel,
  task: Task,
  prompt: string,
  abortSignal: AbortSignal,
): Promise<{ text: string; tokens: number }> {
  const { text, usage } = await generateText({ model, instructions: TASKS[task], prompt, abortSignal, maxRetries: 0 });
  return { text, tokens: usage.totalTokens ?? 0 };
}

/** Stands for a model: it knows how to split two questions, and repeats what it was told. */
export function createScriptedModel(): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: "scripted",
    modelId: "scripted",
    supportedUrls: {},
    doStream: () => Promise.reject(new Error("this model does not stream")),
    async doGenerate({ prompt }) {
      const texts = prompt.flatMap(({ role, content }) =>
        role === "system" ? [content] : content.flatMap((part) => (part.type === "text" ? [part.text] : [])),
      );
      const [task = "", text = ""] = texts;
      const [question = "", ...notes] = text.split("\n");
      const said = task === TASKS.split ? (PARTS.get(question) ?? []).join("\n") : notes.map((note) => note.slice(2)).join(" ");
      return {
        content: [{ type: "text", text: said }],
        finishReason: { unified: "stop", raw: undefined },
        usage: {
          inputTokens: { total: 40, noCache: 40, cacheRead: 0, cacheWrite: 0 },
          outputTokens: { total: 10, text: 10, reasoning: 0 },
        },
        warnings: [],
      };
    },
  };
}
const PARTS: ReadonlyMap<string, readonly string[]> = new Map([
  ["How do rooks live?", ["What do rooks eat?", "Where do rooks nest?", "How do rooks get on with each other?"]],
  ["How do rooks get on with each other?", ["How do rooks court?", "How do rooks share food?"]],
]);
