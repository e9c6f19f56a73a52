/** What callers of a durable agent see: data only. */
import { z } from "zod";
import { type Contract, defineContract } from "../index.ts";

export type AgentPayload = { readonly prompt: string };
export type AgentResult = {
  /** The model's last words; empty when it was stopped before it said any. */
  readonly text: string;
  /** The model's own (`stop`, `length`, …), or `max-turns`. */
  readonly finishReason: string;
  /** How often the model was asked. */
  readonly turns: number;
};
export type AgentSignals = {
  /** Heard by the model after its turn; one that comes too late for that makes it take another. */
  readonly message: { readonly text: string };
  /** Says whether a tool call may be made; one that names no call that waits for it says nothing. */
  readonly approval: { readonly toolCallId: string; readonly approved: boolean; readonly reason?: string | undefined };
};
export type AgentContract = Contract<AgentPayload, AgentResult, AgentSignals>;

/** @throws InvalidArgumentError when the id is not usable. */
export function agentContract(id: string): AgentContract {
  return defineContract<AgentPayload, AgentResult, AgentSignals>({
    id,
    payload: z.object({ prompt: z.string() }),
    result: z.object({ text: z.string(), finishReason: z.string(), turns: z.number() }),
    signals: {
      message: z.object({ text: z.string() }),
      approval: z.object({ toolCallId: z.string(), approved: z.boolean(), reason: z.string().optional() }),
    },
  });
}
