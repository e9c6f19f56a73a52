import type { LanguageModel } from "ai";
import { defineContract, defineEngine, type StepCtx } from "rookery";
import { z } from "zod";
import { ask, type Task } from "./model.ts";

const HOUR_MS = 3_600_000;
const BREADTH = 3;
const AT_ONCE = 2;

const Answer = z.object({ answer: z.string(), sources: z.array(z.string()) });
type Answer = z.infer<typeof Answer>;

export const Research = defineContract({
  id: "research",
  payload: z.object({
    question: z.string(),
    /** How often the question may be split: 0 looks it up. */
    depth: z.int().min(0).max(3),
    /** Where in the tree: "2.1" is the first part of the second. None at the root. */
    path: z.string().exactOptional(),
  }),
  result: Answer,
});

export interface Note {
  readonly source: string;
  readonly text: string;
}
export type LookUp = (question: string, abortSignal: AbortSignal) => Promise<Note[]>;

/** Splits its question, has each part researched by a child of its own kind, and makes one answer of theirs. */
export function createResearch({ model, lookUp }: { model: LanguageModel; lookUp: LookUp }) {
  /** Remembered once it has answered, and so paid for once: the meter is in the memo. */
  function think(ctx: StepCtx, task: Task, text: string): Promise<string> {
    return ctx.once(task, async () => {
      const answer = await ask(model, task, text, ctx.abortSignal);
      ctx.meter("tokens", answer.tokens);
      return answer.text;
    });
  }
  async function split(ctx: StepCtx, question: string): Promise<string[]> {
    const lines = (await think(ctx, "split", question)).split("\n").map((line) => line.trim());
    return [...new Set(lines)].filter((line) => line.endsWith("?") && line !== question).slice(0, BREADTH);
  }
  async function lookItUp(ctx: StepCtx, question: string): Promise<Answer> {
    ctx.write(`looking up: ${question}\n`);
    const notes = await ctx.once("look up", () => lookUp(question, ctx.abortSignal));
    if (notes.length === 0) return { answer: "Nothing is known about that.", sources: [] };
    const answer = await think(
      ctx,
      "answer",
      textOf(
        question,
        notes.map(({ text }) => text),
      ),
    );
    return { answer, sources: notes.map(({ source }) => source) };
  }
  /** A part that could not be researched is a gap, and no reason to have nothing. */
  async function combine(ctx: StepCtx, question: string): Promise<Answer> {
    const answers: string[] = [];
    const sources = new Set<string>();
    let gaps = 0;
    for await (const part of ctx.results(Research, "parts")) {
      if (part.status !== "completed") gaps += 1;
      else {
        answers.push(part.result.answer);
        for (const source of part.result.sources) sources.add(source);
      }
    }
    ctx.write(`combining ${answers.length} answers, ${gaps} missing\n`);
    const answer = answers.length === 0 ? "Nothing was found." : await think(ctx, "combine", textOf(question, answers));
    return { answer, sources: [...sources].sort() };
  }
  return defineEngine(Research, {
    version: 1,
    state: z.null(),
    init: null,
    limits: { meters: { tokens: 50_000 } },
    async step(state, ctx) {
      const { question, depth, path } = ctx.payload;
      let found: Answer;
      if (ctx.wake.kind === "children") found = await combine(ctx, question);
      else if (ctx.wake.kind === "timeout") return ctx.fail(new Error(`not researched in an hour: ${question}`));
      else {
        const parts = depth === 0 ? [] : await split(ctx, question);
        if (parts.length > 0) {
          ctx.write(`asking ${parts.length} questions\n`);
          for (const [i, part] of parts.entries()) {
            const child = { question: part, depth: depth - 1, path: `${path === undefined ? "" : `${path}.`}${i + 1}` };
            await ctx.start(Research, child, { key: child.path, group: "parts", limit: AT_ONCE });
          }
          return ctx.waitFor(state, { group: "parts", timeoutMs: HOUR_MS, at: "combine" });
        }
        found = await lookItUp(ctx, question);
      }
      if (path === undefined) await ctx.artifacts.put("report.md", reportOf(question, found), { mediaType: "text/markdown" });
      return ctx.complete(found);
    },
  });
}

function textOf(question: string, notes: readonly string[]): string {
  return [question, ...notes.map((note) => `- ${note}`)].join("\n");
}
function reportOf(question: string, { answer, sources }: Answer): string {
  return `# ${question}\n\n${answer}\n\n${sources.map((source) => `- ${source}`).join("\n")}\n`;
}
