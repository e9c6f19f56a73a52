/**
 * An agent as an engine: a step is one turn, which is one answer of the model and the tool calls in it. The log is the
 * conversation, and all that an attempt does follows from log, payload and wake, so that a repeated attempt asks what the
 * first one asked. Messages that came meanwhile are taken after the turn, never before it, for the same reason.
 */
import { isStepCount, type ModelMessage, ToolLoopAgent, type ToolLoopAgentSettings, type ToolSet } from "ai";
import { z } from "zod";
import type { Ctx, EngineCode, Outcome } from "../index.ts";
import { attemptOf, throwIfHalted } from "./attempt.ts";
import { classifyModelError } from "./classify.ts";
import type { AgentPayload, AgentResult, AgentSignals } from "./contract.ts";
import { gathered, readMessages, requestsIn, respond, type StoredMessage, storedMessage, storeMessages } from "./messages.ts";
import { durableModel } from "./model.ts";
import { type DurableToolsOptions, durableTools } from "./tools.ts";

/** The log says everything. */
export type AgentState = Record<string, never>;

/** What is not for single turns, or is decided here. */
type NotForTurns = "stopWhen" | "prepareStep" | "prepareCall" | "callOptionsSchema" | "output" | "tools";

export type DurableAgentSettings<T extends ToolSet> = Omit<ToolLoopAgentSettings<never, T>, NotForTurns> &
  DurableToolsOptions<T> & {
    readonly tools: T;
    /** Of the engine. Default 1. */
    readonly version?: number;
    /** How often the model is asked at the most. Default 20. */
    readonly maxTurns?: number;
    /** How long a tool call waits for its approval before it is denied. Default for ever. */
    readonly approvalTimeoutMs?: number;
  };

type AgentCtx = Ctx<AgentPayload, AgentResult, AgentSignals, AgentState, StoredMessage>;
type AgentCode = EngineCode<AgentPayload, AgentResult, AgentSignals, AgentState, StoredMessage>;

const MAX_TURNS = 20;

/**
 * The code of an engine for `agentContract`, from the settings of a ToolLoopAgent. A tool call that needs approval
 * (`toolApproval`) makes the item wait for the signal `approval`; `message` steers. Spread it to add `limits` or `retry`.
 */
export function durableAgent<T extends ToolSet>(settings: DurableAgentSettings<T>): AgentCode {
  const { version = 1, maxTurns = MAX_TURNS, approvalTimeoutMs } = settings;
  const pause = (ctx: AgentCtx, messages: readonly ModelMessage[], append: StoredMessage[]): Outcome => {
    const [first] = requestsIn(messages);
    const at = `approve ${first?.toolName ?? ""}`.replace(/[^\w .:/-]/g, "_").slice(0, 64);
    return ctx.waitFor(
      {},
      { signals: ["approval"], at, append, ...(approvalTimeoutMs === undefined ? {} : { timeoutMs: approvalTimeoutMs }) },
    );
  };
  return {
    version,
    state: z.object({}),
    log: storedMessage,
    init: {},
    classify: classifyModelError,
    async step(_state, ctx) {
      const said = readMessages(await ctx.readLog());
      const heard = hear(ctx, said);
      const messages = [...said, ...heard];
      if (requestsIn(messages).length > 0) return pause(ctx, messages, storeMessages(heard));
      // Woken by something that says nothing, such as an approval of what was approved before.
      if (messages.at(-1)?.role === "assistant") return ctx.complete(resultOf(messages, "stop"), { ifUnread: "step" });

      const { finishReason, added } = await takeTurn(ctx, settings, gathered(messages));
      const after = [...messages, ...added];
      if (requestsIn(after).length > 0) return pause(ctx, after, storeMessages([...heard, ...added]));
      const steering = (await ctx.take("message")).map(({ payload }) => userMessage(payload.text));
      const append = storeMessages([...heard, ...added, ...steering]);
      const turns = turnsIn(after);
      const goesOn = steering.length > 0 || after.at(-1)?.role === "tool";
      if (goesOn && turns < maxTurns) return ctx.next({}, { at: `turn ${turns + 1}`, append });
      if (goesOn) return ctx.complete(resultOf(after, "max-turns"), { append });
      return ctx.complete(resultOf(after, finishReason), { append, ifUnread: "step" });
    },
  };
}

/** What there is to say to the model before its turn; the same on every attempt. */
function hear(ctx: AgentCtx, said: readonly ModelMessage[]): ModelMessage[] {
  const opening = said.length === 0 ? [userMessage(ctx.payload.prompt)] : [];
  const { wake } = ctx;
  const requests = requestsIn(said);
  if (wake.kind === "timeout" && requests.length > 0) return [respond(requests, false, "nobody has answered")];
  if (wake.kind !== "signal") return opening;
  const { signal } = wake;
  if (signal.name === "message") return [...opening, userMessage(signal.payload.text)];
  const { toolCallId, approved, reason } = signal.payload;
  const meant = requests.filter((request) => request.toolCallId === toolCallId);
  return meant.length === 0 ? opening : [respond(meant, approved, reason)];
}
function userMessage(text: string): ModelMessage {
  return { role: "user", content: text };
}

async function takeTurn<T extends ToolSet>(
  ctx: AgentCtx,
  settings: DurableAgentSettings<T>,
  messages: ModelMessage[],
): Promise<{ finishReason: string; added: ModelMessage[] }> {
  // What it says is set apart from what it said before.
  attemptOf(ctx).wrote = messages.some((message) => message.role === "assistant" && textOf(message) !== "");
  const failures: unknown[] = [];
  const own = {
    ...settings,
    model: durableModel(ctx, settings.model),
    tools: durableTools(ctx, settings.tools, settings),
    stopWhen: isStepCount(1),
    onError: async (event: { error: unknown }): Promise<void> => {
      failures.push(event.error);
      await settings.onError?.(event);
    },
  };
  // With names that T leaves open, the compiler cannot see that these are the agent's settings and a few of ours.
  const agent = new ToolLoopAgent(own as unknown as ToolLoopAgentSettings<never, T>);
  const result = await agent.stream({ messages, abortSignal: ctx.abortSignal });
  await result.consumeStream({ onError: (error) => failures.push(error) });
  ctx.abortSignal.throwIfAborted();
  throwIfHalted(ctx);
  if (failures.length > 0) throw failures[0];
  return { finishReason: await result.finishReason, added: await result.responseMessages };
}

function turnsIn(messages: readonly ModelMessage[]): number {
  return messages.filter(({ role }) => role === "assistant").length;
}
function resultOf(messages: readonly ModelMessage[], finishReason: string): AgentResult {
  const last = messages.findLast(({ role }) => role === "assistant");
  return { text: last === undefined ? "" : textOf(last), finishReason, turns: turnsIn(messages) };
}
function textOf({ content }: ModelMessage): string {
  return typeof content === "string" ? content : content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
