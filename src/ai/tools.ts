/**
 * Tools whose calls are effects: reserved before they run, confirmed after, and never quietly run twice or skipped (G6).
 *
 * What a tool throws is one of three things. An *answer*: the call has failed for good, the model is told, and so it is on
 * every later attempt. *Surely not done* (DidNotHappen, if it is no answer): the attempt fails and the step's retry policy
 * tries the call again. *In doubt*, everything else: `ifInDoubt` decides.
 */
import type { InferToolInput, InferToolOutput, Tool, ToolExecutionOptions, ToolSet } from "ai";
import {
  type Effect,
  EffectFailedError,
  type Fence,
  InvalidArgumentError,
  type Json,
  type StepCtx,
  type Verdict,
} from "../index.ts";
import { attemptOf, halt, throwIfHalted } from "./attempt.ts";
import { fromStored, toStored } from "./stored.ts";

export interface ToolFence extends Fence {
  readonly toolCallId: string;
}
/**
 * What to do about a call of which nobody knows whether it happened: run it again (it is safe to repeat), wait for a
 * person, or ask the outside system.
 */
export type IfInDoubt<I, O> = "rerun" | "park" | ((input: I, fence: ToolFence) => Promise<Verdict<O>>);

type ChoiceOf<T> = T extends Tool ? IfInDoubt<InferToolInput<T>, InferToolOutput<T>> : never;
/** Names of the tools that have an `execute`. */
type Executable<T extends ToolSet> = { [K in keyof T]: T[K] extends { execute: NonNullable<unknown> } ? K : never }[keyof T];

export interface DurableToolsOptions<T extends ToolSet> {
  /** The choice everyone must make: for all tools, or for each that has an `execute`. */
  readonly ifInDoubt: "rerun" | "park" | { readonly [K in Executable<T>]: ChoiceOf<T[K]> };
  /** How long a call may take; after it the call is in doubt. Default 1 min. */
  readonly timeoutMs?: number | { readonly [K in keyof T]?: number };
  /**
   * Whether an error is the tool's answer, which the model is told. Default: DidNotHappen is; other errors are answers of
   * tools that are safe to repeat (`"rerun"`), whatever an earlier try of the call did, and leave all others in doubt.
   */
  readonly isAnswer?: (error: unknown, toolName: string) => boolean;
}

const fences = new WeakMap<object, Fence>();

/** Within `execute`: what a durable tool may hand to the outside system. Undefined when the tool is not durable. */
export function fenceOf(options: ToolExecutionOptions<never> | object): Fence | undefined {
  return fences.get(options);
}

/**
 * The same tools, for use within one step: `execute` becomes `ctx.effect`, keyed by the tool call's id, which a durable
 * model gives again on every attempt. Tools without `execute` stay as they are. Results come back as stored JSON (Dates,
 * URLs and bytes survive), of an `execute` that yields several the last.
 *
 * @throws InvalidArgumentError when `ifInDoubt` leaves out a tool.
 */
export function durableTools<T extends ToolSet>(ctx: StepCtx, tools: T, options: DurableToolsOptions<T>): T {
  const durable = Object.entries(tools).map(([name, tool]) => [name, durableTool(ctx, name, tool, options)]);
  // The names and types of the tools are the ones that came in.
  return Object.fromEntries(durable) as T;
}

type AnyTool = ToolSet[string];
type Choice = IfInDoubt<unknown, unknown>;

function durableTool<T extends ToolSet>(ctx: StepCtx, name: string, tool: AnyTool, options: DurableToolsOptions<T>): AnyTool {
  const { execute } = tool;
  if (execute === undefined) return tool;
  const ifInDoubt = choiceFor(name, options.ifInDoubt);
  const { timeoutMs: limit } = options;
  const timeoutMs = typeof limit === "number" ? limit : limit?.[name];
  const isAnswer = options.isAnswer ?? ((error: unknown) => ifInDoubt === "rerun" || isDidNotHappen(error));
  const durable = async (input: unknown, given: ToolExecutionOptions<never>): Promise<unknown> => {
    const { toolCallId } = given;
    const effect: Effect<Json, Json> = {
      run: (_stored, fence) =>
        answerOf(
          () => lastOf(execute(input, fenced(given, fence))),
          (error) => isAnswer(error, name),
          AbortSignal.any([fence.abortSignal, ...(given.abortSignal === undefined ? [] : [given.abortSignal])]),
        ),
      ifInDoubt:
        typeof ifInDoubt === "string" ? ifInDoubt : (_stored, fence) => verdictOf(ifInDoubt(input, { ...fence, toolCallId })),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
    return reveal(await perform(ctx, keyOf(ctx, name, toolCallId), toStored(input ?? null), effect));
  };
  // Of a tool whose own types are not known here: it takes and gives what `execute` did.
  return { ...tool, execute: durable } as AnyTool;
}

/** Also of another copy of this package, as the ledger sees it. */
function isDidNotHappen(error: unknown): boolean {
  return error instanceof Error && error.name === "DidNotHappen";
}

function choiceFor(name: string, ifInDoubt: string | object): Choice {
  const choice: unknown =
    typeof ifInDoubt === "object" && Object.hasOwn(ifInDoubt, name) ? Reflect.get(ifInDoubt, name) : ifInDoubt;
  if (choice === "rerun" || choice === "park") return choice;
  // Whoever wrote it for this tool had its types.
  if (typeof choice === "function") return choice as Choice;
  throw new InvalidArgumentError(
    `durableTools: ifInDoubt of ${name}`,
    '"rerun", "park" or a function',
    choice === ifInDoubt ? undefined : choice,
  );
}

/** Some providers number their calls anew with every answer. */
function keyOf(ctx: StepCtx, name: string, toolCallId: string): string {
  const { calls } = attemptOf(ctx);
  const key = `tool/${name}/${toolCallId}`;
  const before = calls.get(key) ?? 0;
  calls.set(key, before + 1);
  return before === 0 ? key : `${key}#${before + 1}`;
}

async function perform(ctx: StepCtx, key: string, input: Json, effect: Effect<Json, Json>): Promise<Json> {
  throwIfHalted(ctx);
  try {
    return await ctx.effect(key, input, effect);
  } catch (error) {
    // An operator's word is on record: every attempt hears it, so the model may.
    if (!(error instanceof EffectFailedError)) halt(ctx, error);
    throw error;
  }
}

function fenced(given: ToolExecutionOptions<never>, fence: Fence): ToolExecutionOptions<never> {
  const signals = given.abortSignal === undefined ? [fence.abortSignal] : [fence.abortSignal, given.abortSignal];
  const own = { ...given, abortSignal: AbortSignal.any(signals) };
  fences.set(own, fence);
  return own;
}

/** Of an `execute` that yields, the last value. */
async function lastOf(made: unknown): Promise<unknown> {
  const result: unknown = await made;
  if (typeof result !== "object" || result === null || !(Symbol.asyncIterator in result)) return result;
  let last: unknown;
  for await (const value of result as AsyncIterable<unknown>) last = value;
  return last;
}

const FAILED = "$toolError";

/** What an error was that the model is told. */
class ToolFailure extends Error {}

async function answerOf(run: () => Promise<unknown>, isAnswer: (error: unknown) => boolean, aborted: AbortSignal): Promise<Json> {
  let result: unknown;
  try {
    result = await run();
  } catch (error) {
    // Broken off is not answered.
    if (aborted.aborted || !isAnswer(error)) throw error;
    return failure(error);
  }
  return storable(result);
}
/** It has happened: a result that cannot be kept is told as that, never as in doubt. */
function storable(result: unknown): Json {
  try {
    const text: unknown = JSON.stringify(toStored(result));
    return typeof text === "string" ? (JSON.parse(text) as Json) : null;
  } catch (error) {
    return failure(new Error("the tool was run, but its result cannot be stored", { cause: error }));
  }
}
function failure(error: unknown): Json {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  return { [FAILED]: { name, message } };
}

async function verdictOf(asked: Promise<Verdict<unknown>>): Promise<Verdict<Json>> {
  const verdict = await asked;
  return "happened" in verdict && verdict.happened ? { happened: true, result: storable(verdict.result) } : verdict;
}

/** The result, or the throw, that was recorded. */
function reveal(stored: Json): unknown {
  const failed = typeof stored === "object" && stored !== null && FAILED in stored ? stored[FAILED] : undefined;
  if (typeof failed !== "object" || failed === null || !("message" in failed)) return fromStored(stored);
  const error = new ToolFailure(String(failed["message"]));
  error.name = String(failed["name"]);
  throw error;
}
