import { APICallError, RetryError } from "ai";
import type { ErrorClass } from "../index.ts";

const PERMISSION_STATUS = [401, 403];

/** For an engine's `classify`: what the AI SDK's errors say of another attempt. Undefined for all others. */
export function classifyModelError(error: unknown): ErrorClass | undefined {
  if (RetryError.isInstance(error)) return classifyModelError(error.lastError);
  if (!APICallError.isInstance(error)) return undefined;
  if (error.isRetryable) return "transient";
  return PERMISSION_STATUS.includes(error.statusCode ?? 0) ? "permission" : "validation";
}
