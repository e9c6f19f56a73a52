/** Errors as data: what a record keeps of something that was thrown. */
import { describe, RookeryError } from "./errors.ts";
import { ERROR_CHARS } from "./limits.ts";
import type { ErrorClass } from "./retry.ts";

export interface StoredError {
  readonly name: string;
  readonly message: string;
  readonly class: ErrorClass;
  readonly code: string | null;
  readonly stack: string | null;
  readonly cause: string | null;
}

const STACK_LINES = 12;
const CAUSES = 5;

/** Anything that was thrown, `undefined` too. Never throws, not even where reading what was thrown does. */
export function storeError(thrown: unknown, errorClass: ErrorClass): StoredError {
  try {
    return thrown instanceof Error
      ? ofError(thrown, errorClass)
      : plain(`expected an Error, got ${describe(thrown)}`, errorClass);
  } catch {
    return plain("expected an Error, got something that cannot be read", errorClass);
  }
}

function plain(message: string, errorClass: ErrorClass): StoredError {
  return { name: "Error", message: bounded(message), class: errorClass, code: null, stack: null, cause: null };
}
function ofError(thrown: Error, errorClass: ErrorClass): StoredError {
  return {
    name: bounded(thrown.name),
    message: bounded(thrown.message),
    class: errorClass,
    code: codeOf(thrown),
    stack: stackOf(thrown),
    cause: causeOf(thrown),
  };
}

/** For code that wants an Error again: `name` and `message` as stored, `stack` of the original. */
export function reviveError(stored: StoredError): Error {
  const error = new Error(stored.message, stored.cause === null ? undefined : { cause: new Error(stored.cause) });
  error.name = stored.name;
  if (stored.stack !== null) error.stack = `${stored.name}: ${stored.message}\n${stored.stack}`;
  return error;
}

function codeOf(error: Error): string | null {
  if (error instanceof RookeryError) return error.code;
  const code: unknown = Reflect.get(error, "code");
  return typeof code === "string" || typeof code === "number" ? bounded(String(code)) : null;
}
function stackOf(error: Error): string | null {
  const frames = String(error.stack ?? "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line));
  return frames.length === 0 ? null : bounded(frames.slice(0, STACK_LINES).join("\n"));
}
function causeOf(error: Error): string | null {
  const causes: string[] = [];
  for (let cause = error.cause; cause !== undefined && cause !== null && causes.length < CAUSES; ) {
    causes.push(cause instanceof Error ? `${cause.name}: ${cause.message}` : describe(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes.length === 0 ? null : bounded(causes.join("; caused by "));
}
/** An author's Error may have anything for its texts. */
export function bounded(value: unknown): string {
  const text = typeof value === "string" ? value : describe(value);
  return text.length <= ERROR_CHARS ? text : `${text.slice(0, ERROR_CHARS)}… (${text.length - ERROR_CHARS} more characters)`;
}
