/** The conversation of an agent: what its log holds, and what follows from it. */
import type { ModelMessage, ToolApprovalResponse, ToolModelMessage } from "ai";
import { z } from "zod";
import type { Json, Schema } from "../index.ts";
import { fromStored, toStored } from "./stored.ts";

/** A ModelMessage as plain JSON. */
export type StoredMessage = { readonly role: string; readonly content: Json; readonly [name: string]: Json | undefined };

const ROLES = ["system", "user", "assistant", "tool"];

/** The schema of an engine's log whose entries are messages. */
export const storedMessage: Schema<StoredMessage> = z.custom<StoredMessage>(
  (value) => {
    const message = z.looseObject({ role: z.enum(ROLES), content: z.union([z.string(), z.array(z.unknown())]) }).safeParse(value);
    return message.success;
  },
  { error: "expected a message that storeMessages made" },
);

/** For an engine's log. What cannot be stored is refused with its path when the step commits. */
export function storeMessages(messages: readonly ModelMessage[]): StoredMessage[] {
  return messages.map((message) => toStored(message) as StoredMessage);
}
/** Back again, for the AI SDK. */
export function readMessages(stored: readonly Json[]): ModelMessage[] {
  return stored.map((message) => fromStored(message) as ModelMessage);
}

export interface PendingApproval {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: Json;
  /** Why approval is asked for, when the agent's `toolApproval` says it. */
  readonly reason: string | null;
}
interface Request extends PendingApproval {
  readonly approvalId: string;
}

/** The tool calls of an agent that wait for a signal `approval`, as its log (`client.log`) tells. */
export function pendingApprovals(log: readonly Json[]): PendingApproval[] {
  return requestsIn(readMessages(log)).map(({ approvalId: _id, ...pending }) => pending);
}

export function requestsIn(messages: readonly ModelMessage[]): Request[] {
  const parts = messages.flatMap(({ content }): readonly { readonly type: string }[] =>
    typeof content === "string" ? [] : content,
  );
  const answered = new Set(parts.flatMap((part) => (isResponse(part) ? [part.approvalId] : [])));
  return parts.flatMap((part) => {
    if (!isRequest(part) || part.isAutomatic === true || answered.has(part.approvalId)) return [];
    const { approvalId, toolCallId, reason = null } = part;
    const call = parts.find((other): other is CallPart => other.type === "tool-call" && idOf(other) === toolCallId);
    return [{ approvalId, toolCallId, toolName: call?.toolName ?? "", input: toStored(call?.input ?? null), reason }];
  });
}
type Part = { readonly type: string };
type RequestPart = Part & { approvalId: string; toolCallId: string; reason?: string; isAutomatic?: boolean };
type CallPart = Part & { toolCallId: string; toolName: string; input: unknown };
function isRequest(part: Part): part is RequestPart {
  return part.type === "tool-approval-request";
}
function isResponse(part: Part): part is ToolApprovalResponse {
  return part.type === "tool-approval-response";
}
function idOf(part: Part): unknown {
  return "toolCallId" in part ? part.toolCallId : undefined;
}

export function respond(requests: readonly Request[], approved: boolean, reason?: string): ToolModelMessage {
  const content = requests.map(
    ({ approvalId }): ToolApprovalResponse => ({
      type: "tool-approval-response",
      approvalId,
      approved,
      ...(reason === undefined ? {} : { reason }),
    }),
  );
  return { role: "tool", content };
}

/** The AI SDK looks for approvals in the last message only: what tools said last becomes one message. */
export function gathered(messages: readonly ModelMessage[]): ModelMessage[] {
  const first = messages.findLastIndex(({ role }) => role !== "tool") + 1;
  const last = messages.slice(first).flatMap((message) => (message.role === "tool" ? message.content : []));
  return last.length === 0 ? [...messages] : [...messages.slice(0, first), { role: "tool", content: last }];
}
