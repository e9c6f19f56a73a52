/** Which errors are worth another attempt, how many, and when. */
import { isDidNotHappen } from "./effect.ts";
import { RookeryError } from "./errors.ts";

/** `bug` is a programmer's error, `unknown` what nobody recognised. */
export type ErrorClass = "transient" | "validation" | "business" | "permission" | "bug" | "unknown";
export const ERROR_CLASSES: readonly ErrorClass[] = ["transient", "validation", "business", "permission", "bug", "unknown"];

/** `attempts` of one step, the first included. Delays are drawn between minMs (default 500) and a bound that doubles up to maxMs (default 60,000). */
export type Retry = { attempts: number; minMs?: number; maxMs?: number };

const DEFAULT_ATTEMPTS: Readonly<Record<ErrorClass, number>> = {
  transient: 10,
  unknown: 5,
  validation: 1,
  business: 1,
  permission: 1,
  bug: 1,
};
const DEFAULT_MIN_MS = 500;
const DEFAULT_MAX_MS = 60_000;
const MAX_DOUBLINGS = 30;
const CAUSES = 10;

/** Network errors of Node and undici that another attempt may not meet. */
const TRANSIENT_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "ENOTFOUND",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_SOCKET",
]);
const TRANSIENT_STATUS = new Set([408, 409, 425, 429]);
const PERMISSION_STATUS = new Set([401, 403]);

/** The built-in classes. `TypeError: fetch failed` is undici's network error; every other TypeError is a bug. */
export function classOf(thrown: unknown): ErrorClass {
  if (!(thrown instanceof Error)) return "unknown";
  if (thrown instanceof RookeryError) return classOfOwn(thrown);
  // It surely did not happen, so another try is safe; what kept it from happening says whether it is of use.
  if (isDidNotHappen(thrown)) return thrown.cause === undefined ? "transient" : classOf(thrown.cause);
  if (hasTransientCode(thrown)) return "transient";
  if (thrown instanceof TypeError) return thrown.message === "fetch failed" ? "transient" : "bug";
  if (thrown instanceof ReferenceError || thrown instanceof RangeError) return "bug";
  if (thrown.name === "AbortError" || thrown.name === "TimeoutError") return "transient";
  return classOfStatus(Reflect.get(thrown, "status") ?? Reflect.get(thrown, "statusCode"));
}

function classOfOwn(error: RookeryError): ErrorClass {
  if (error.code === "step_timeout" || error.code === "effect_in_doubt") return "unknown";
  if (error.code === "effect_failed") return "business";
  return error.retryable ? "transient" : "bug";
}
/** Of the error or of what caused it; chains of causes may be circular. */
function hasTransientCode(error: Error): boolean {
  let cause: unknown = error;
  for (let depth = 0; depth < CAUSES && cause instanceof Error; depth++) {
    const code: unknown = Reflect.get(cause, "code");
    if (typeof code === "string" && TRANSIENT_CODES.has(code)) return true;
    cause = cause.cause;
  }
  return false;
}
function classOfStatus(status: unknown): ErrorClass {
  if (typeof status !== "number") return "unknown";
  if (status >= 500 || TRANSIENT_STATUS.has(status)) return "transient";
  if (PERMISSION_STATUS.has(status)) return "permission";
  return status >= 400 ? "validation" : "unknown";
}

export interface RetryPolicy {
  readonly attempts: number;
  readonly minMs: number;
  readonly maxMs: number;
}
export function policyFor(errorClass: ErrorClass, overrides: Partial<Record<ErrorClass, Retry>> | undefined): RetryPolicy {
  const own = overrides?.[errorClass];
  const minMs = own?.minMs ?? DEFAULT_MIN_MS;
  return { attempts: own?.attempts ?? DEFAULT_ATTEMPTS[errorClass], minMs, maxMs: Math.max(minMs, own?.maxMs ?? DEFAULT_MAX_MS) };
}

/** When to try again after `failures` failed attempts, or null when they are used up. `fraction` is a random value from 0 to 1. */
export function retryDelayMs(policy: RetryPolicy, failures: number, fraction: number): number | null {
  if (failures >= policy.attempts) return null;
  const bound = Math.min(policy.maxMs, policy.minMs * 2 ** Math.min(failures, MAX_DOUBLINGS));
  return Math.round(policy.minMs + fraction * (bound - policy.minMs));
}
