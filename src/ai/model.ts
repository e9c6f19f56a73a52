/**
 * A language model whose answers are remembered by the step that asks. An attempt that comes after a crash is given the
 * answers that the one before it was given, and so the tool calls in them, with their ids: that is what lets a tool's
 * effect be found again (G6). The n-th call of a step is the n-th call of its every attempt.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from "@ai-sdk/provider";
import { gateway, type LanguageModel, wrapLanguageModel } from "ai";
import { EffectConflictError, InvalidArgumentError, type StepCtx } from "../index.ts";
import { type Answer, generated, generatedAnswer, streamed, streamedAnswer, usageOf } from "./answer.ts";
import { attemptOf, halt, throwIfHalted } from "./attempt.ts";
import { digestOf, toStored } from "./stored.ts";

export interface DurableModelOptions {
  /** Tells conversations apart that one step holds at the same time. Default "model". */
  readonly name?: string;
  /** Whether its text goes to the item's output stream. Default true. */
  readonly write?: boolean;
}

/** Either what was just said, part by part, or what was remembered. */
interface Asked {
  readonly answer: Answer;
  readonly fresh: boolean;
}

/**
 * The model, for use within one step: each call is a `ctx.once`, its text goes to `ctx.write`, and its usage to the meters
 * `inputTokens` and `outputTokens` (counted when the model is asked; an answer that is remembered costs nothing).
 *
 * What a conversation is made of must be the same on every attempt: payload, state, log, signals, results of `ctx.once` and
 * of durable tools are. Only system messages and settings may differ, such as after a deployment. An answer without tool
 * calls to another conversation is asked for anew; one with tool calls, which may have begun, is an EffectConflictError.
 *
 * @throws InvalidArgumentError when two calls of one name are under way at once.
 */
export function durableModel(ctx: StepCtx, model: LanguageModel, options: DurableModelOptions = {}): LanguageModelV4 {
  const { name = "model", write = true } = options;
  const output = (text: string, begins: boolean): void => {
    if (write) writeText(ctx, text, begins);
  };
  return wrapLanguageModel({
    model: typeof model === "string" ? (globalThis.AI_SDK_DEFAULT_PROVIDER ?? gateway).languageModel(model) : model,
    middleware: {
      specificationVersion: "v4",
      wrapGenerate: async ({ doGenerate, params }) => {
        const { answer } = await ask(ctx, name, "generate", params, async (digest) => {
          const result = await doGenerate();
          addUsage(ctx, result.usage);
          return generatedAnswer(digest, result);
        });
        const result = generated(answer);
        for (const part of result.content) if (part.type === "text") output(part.text, true);
        return result;
      },
      wrapStream: async ({ doStream, params }) => {
        const opened = Promise.withResolvers<ReadableStream<LanguageModelV4StreamPart>>();
        const live = createLive(output, opened.resolve);
        const asked = ask(ctx, name, "stream", params, async (digest) => {
          const { stream } = await doStream();
          live.open();
          const parts = await live.follow(stream);
          addUsage(ctx, usageOf(parts));
          return streamedAnswer(digest, parts);
        });
        asked.then(live.finish, (error: unknown) => {
          // Before the stream is open the caller may try again; after that it is part of the stream.
          if (!live.fail(error)) opened.reject(error);
        });
        return { stream: await opened.promise };
      },
    },
  });
}

async function ask(
  ctx: StepCtx,
  name: string,
  kind: "generate" | "stream",
  params: LanguageModelV4CallOptions,
  run: (digest: string) => Promise<Answer>,
): Promise<Asked> {
  throwIfHalted(ctx);
  const { models } = attemptOf(ctx);
  const calls = models.get(name) ?? { answered: 0, busy: false };
  models.set(name, calls);
  if (calls.busy) {
    const expected = "one call at a time (give those of a step that are under way at once names of their own)";
    throw new InvalidArgumentError(`durableModel ${JSON.stringify(name)}`, expected, "a second call");
  }
  calls.busy = true;
  try {
    const digest = await digestOf(toStored([kind, params.prompt.filter(({ role }) => role !== "system")]));
    const asked = await recall(ctx, `${name}/${calls.answered}`, digest, () => run(digest));
    // A call that failed has no number: the next one may try again.
    calls.answered++;
    return asked;
  } finally {
    calls.busy = false;
  }
}

async function recall(ctx: StepCtx, key: string, digest: string, run: () => Promise<Answer>): Promise<Asked> {
  let fresh = false;
  const asking = (): Promise<Answer> => {
    fresh = true;
    return run();
  };
  const answer = await ctx.once(`ai/${key}`, asking);
  if (answer.digest === digest) return { answer, fresh };
  if (answer.callsTools) {
    const error = new EffectConflictError(ctx.workId, "conversation of model call", key, answer.digest, digest);
    halt(ctx, error);
    throw error;
  }
  ctx.logger.warn("a model call's conversation differs from the one of an earlier attempt: it is asked anew", { call: key });
  return { answer: await ctx.once(`ai/${key}/${digest}`, asking), fresh };
}

/** The stream that a caller reads while the answer is still being given. */
function createLive(
  output: (text: string, begins: boolean) => void,
  opened: (stream: ReadableStream<LanguageModelV4StreamPart>) => void,
) {
  let controller: ReadableStreamDefaultController<LanguageModelV4StreamPart> | null = null;
  const pass = (part: LanguageModelV4StreamPart): void => {
    if (part.type === "text-start") output("", true);
    if (part.type === "text-delta") output(part.delta, false);
    try {
      controller?.enqueue(part);
    } catch {
      // The reader has turned away; the answer is remembered all the same.
    }
  };
  const close = (): void => {
    try {
      controller?.close();
    } catch {
      // As above.
    }
  };
  const open = (): void => {
    opened(
      new ReadableStream({
        start: (own) => {
          controller = own;
        },
      }),
    );
  };
  return {
    open,
    /** Passes parts on up to the first tool call: a tool may begin only once the answer that calls it is remembered. */
    async follow(stream: ReadableStream<LanguageModelV4StreamPart>): Promise<LanguageModelV4StreamPart[]> {
      const parts: LanguageModelV4StreamPart[] = [];
      let held = false;
      for await (const part of stream) {
        if (part.type === "error") throw part.error;
        held ||= part.type === "tool-call" || part.type === "finish";
        if (!held) pass(part);
        parts.push(part);
      }
      if (usageOf(parts) === undefined) throw new Error("the model's stream ended before the answer did");
      return parts;
    },
    finish({ answer, fresh }: Asked): void {
      if (!fresh) open();
      for (const part of fresh ? heldParts(streamed(answer)) : streamed(answer)) pass(part);
      close();
    },
    fail(error: unknown): boolean {
      if (controller === null) return false;
      pass({ type: "error", error });
      close();
      return true;
    },
  };
}
/** The same rule that `follow` has. */
function heldParts(parts: readonly LanguageModelV4StreamPart[]): readonly LanguageModelV4StreamPart[] {
  const first = parts.findIndex((part) => part.type === "tool-call" || part.type === "finish");
  return first < 0 ? [] : parts.slice(first);
}

/** Texts of one step are set apart by an empty line. */
function writeText(ctx: StepCtx, text: string, begins: boolean): void {
  const attempt = attemptOf(ctx);
  if (begins && attempt.wrote) ctx.write("\n\n");
  if (text === "") return;
  attempt.wrote = true;
  ctx.write(text);
}

function addUsage(ctx: StepCtx, usage: LanguageModelV4Usage | undefined): void {
  const meters = { inputTokens: usage?.inputTokens.total, outputTokens: usage?.outputTokens.total };
  for (const [name, amount] of Object.entries(meters)) if (amount !== undefined && amount > 0) ctx.meter(name, amount);
}
