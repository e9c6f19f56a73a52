/** When AWS says that it answered: the `Date` of its answers, which the SDK does not hand on. */
import type { SSMClient } from "@aws-sdk/client-ssm";

/** Of the last answer from now on, by AWS's clock; null before one, or when it did not say. */
export function captureDate(stack: SSMClient["middlewareStack"]): () => number | null {
  let atMs: number | null = null;
  stack.add(
    (next) => async (args) => {
      const answer = await next(args);
      atMs = dateOf(answer.response);
      return answer;
    },
    // After what would consume the answer: this sees it as it came.
    { step: "deserialize", priority: "low", name: "captureDate", override: true },
  );
  return () => atMs;
}

function dateOf(response: unknown): number | null {
  const headers = fieldOf(response, "headers");
  const atMs = Date.parse(String(fieldOf(headers, "date")));
  return Number.isNaN(atMs) ? null : atMs;
}
function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
