/** What is remembered of a model's answer: what the AI SDK reads, without the traffic that carried it. */
import type { LanguageModelV4GenerateResult, LanguageModelV4StreamPart, LanguageModelV4Usage } from "@ai-sdk/provider";
import type { Json } from "../index.ts";
import { fromStored, toStored } from "./stored.ts";

/** As it is stored: the digest of the conversation that was answered, and the answer. */
export interface Answer {
  readonly digest: string;
  readonly callsTools: boolean;
  readonly value: Json;
}

export function generatedAnswer(digest: string, result: LanguageModelV4GenerateResult): Answer {
  const { request: _request, response, ...rest } = result;
  const { body: _body, headers: _headers, ...metadata } = response ?? {};
  const callsTools = rest.content.some((part) => part.type === "tool-call" && part.providerExecuted !== true);
  return { digest, callsTools, value: toStored({ ...rest, response: metadata }) };
}
export function streamedAnswer(digest: string, parts: readonly LanguageModelV4StreamPart[]): Answer {
  const callsTools = parts.some((part) => part.type === "tool-call" && part.providerExecuted !== true);
  return { digest, callsTools, value: toStored(joined(parts)) };
}

/** A run of deltas becomes one. */
function joined(parts: readonly LanguageModelV4StreamPart[]): LanguageModelV4StreamPart[] {
  const result: LanguageModelV4StreamPart[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (isDelta(part) && isDelta(last) && last.type === part.type && last.id === part.id && !hasMetadata(part)) {
      result[result.length - 1] = { ...last, delta: last.delta + part.delta };
    } else if (part.type !== "raw" && part.type !== "ping") result.push(part);
  }
  return result;
}
function isDelta(
  part: LanguageModelV4StreamPart | undefined,
): part is Extract<LanguageModelV4StreamPart, { delta: string; id: string }> {
  return part?.type === "text-delta" || part?.type === "reasoning-delta" || part?.type === "tool-input-delta";
}
function hasMetadata(part: { providerMetadata?: unknown }): boolean {
  return part.providerMetadata !== undefined;
}

/** What was stored is what the model said, so it has the model's types. */
export function generated(answer: Answer): LanguageModelV4GenerateResult {
  return fromStored(answer.value) as LanguageModelV4GenerateResult;
}
export function streamed(answer: Answer): readonly LanguageModelV4StreamPart[] {
  return fromStored(answer.value) as readonly LanguageModelV4StreamPart[];
}

export function usageOf(parts: readonly LanguageModelV4StreamPart[]): LanguageModelV4Usage | undefined {
  return parts.findLast((part) => part.type === "finish")?.usage;
}
