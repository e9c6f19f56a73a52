/** Agents whose model and tool ask a server of the test: it counts, and holds the tool's answer back until it is told. */
import { generateText, isStepCount, tool } from "ai";
import { z } from "zod";
import { agentContract, durableAgent, durableModel, durableTools, fenceOf, type IfInDoubt } from "../../src/ai.ts";
import { defineContract, defineEngine, type Engine } from "../../src/index.ts";
import { scriptedModel } from "../ai/scripted-model.ts";

interface Refund {
  readonly url: string;
  readonly cents: number;
}

const tools = {
  refund: tool({
    inputSchema: z.object({ url: z.string(), cents: z.number() }),
    execute: async ({ url, cents }: Refund, options): Promise<unknown> => {
      const headers = { "Idempotency-Key": fenceOf(options)?.idempotencyKey ?? "none" };
      const answer = await fetch(`${url}/refunds`, { method: "POST", body: String(cents), headers });
      return answer.json();
    },
  }),
};
/** Asks the server what it has under the key. */
const lookUp: IfInDoubt<Refund, unknown> = async ({ url }, { idempotencyKey }) => {
  const found = await fetch(`${url}/refunds/${encodeURIComponent(idempotencyKey)}`);
  return found.ok ? { happened: true, result: await found.json() } : { happened: false };
};

/** Calls the tool, with a new id whenever it is asked, and ends when it has an answer. The prompt is the server's address. */
function clerkModel() {
  const model = scriptedModel((_n, { prompt }) => {
    const url = JSON.stringify(prompt).match(/http:\/\/127\.0\.0\.1:\d+/)?.[0] ?? "";
    if (prompt.some(({ role }) => role === "tool")) return "Refunded.";
    return {
      text: "One moment.",
      calls: [{ id: `call-${process.pid}-${performance.now()}`, tool: "refund", input: { url, cents: 5 } }],
    };
  });
  return model;
}

export const Careless = agentContract("careless-clerk");
export const Asking = agentContract("asking-clerk");
export const Parking = agentContract("parking-clerk");
export const OneStep = defineContract({ id: "one-step-clerk", payload: z.object({ prompt: z.string() }), result: z.string() });

export const engines: readonly Engine[] = [
  defineEngine(Careless, durableAgent({ model: clerkModel(), tools, ifInDoubt: "rerun" })),
  defineEngine(Asking, durableAgent({ model: clerkModel(), tools, ifInDoubt: { refund: lookUp } })),
  defineEngine(Parking, durableAgent({ model: clerkModel(), tools, ifInDoubt: "park" })),
  defineEngine(OneStep, {
    version: 1,
    state: z.object({}),
    init: {},
    async step(_state, ctx) {
      const { text } = await generateText({
        model: durableModel(ctx, clerkModel()),
        tools: durableTools(ctx, tools, { ifInDoubt: { refund: lookUp } }),
        stopWhen: isStepCount(5),
        prompt: ctx.payload.prompt,
        abortSignal: ctx.abortSignal,
      });
      return ctx.complete(text);
    },
  }),
];
