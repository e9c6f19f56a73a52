/**
 * The catalogue of errors. Three kinds, never mixed: an expected outcome is a returned union; an operational or
 * caller's failure is a `RookeryError` with a stable `code`; a broken invariant throws `InvariantError`.
 * Messages say what was expected, what came, and which id (G8).
 */
export type ErrorCode =
  | "not_json"
  | "schema"
  | "unknown_engine"
  | "unknown_work_item"
  | "unknown_artifact"
  | "unknown_stack"
  | "aws_access"
  | "invalid_argument"
  | "key_conflict"
  | "refused"
  | "signal_conflict"
  | "signal_in_doubt"
  | "unknown_callback"
  | "effect_conflict"
  | "effect_nested"
  | "effect_failed"
  | "effect_in_doubt"
  | "unknown_effect"
  | "inbox_full"
  | "ctx_revoked"
  | "not_an_outcome"
  | "step_timeout"
  | "step_aborted"
  | "blob_missing"
  | "blob_altered"
  | "record_too_new"
  | "record_undecodable"
  | "store_too_new"
  | "store_unavailable"
  | "queue_unavailable"
  | "enqueue_timeout"
  | "wrong_runtime";

export class RookeryError extends Error {
  readonly code: ErrorCode;
  /** True when the same call may succeed later without a change by the caller. */
  readonly retryable: boolean;
  constructor(code: ErrorCode, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** A value that is not plain JSON, with its path (`$.state.when`). */
export class NotJsonError extends RookeryError {
  readonly path: string;
  constructor(path: string, got: string) {
    super("not_json", `expected plain JSON at ${path}, got ${got}`);
    this.path = path;
  }
}
export class SchemaError extends RookeryError {
  constructor(what: string, issues: string) {
    super("schema", `${what} does not match its schema: ${issues}`);
  }
}
export class UnknownEngineError extends RookeryError {
  constructor(engine: string, known: readonly string[]) {
    super("unknown_engine", `unknown engine ${quote(engine)}, expected one of: ${known.join(", ") || "(none loaded)"}`);
  }
}
export class UnknownWorkItemError extends RookeryError {
  constructor(namespace: string, ref: string) {
    super("unknown_work_item", `no work item ${quote(ref)} in namespace ${quote(namespace)}`);
  }
}
/** No deployment of that name in this account and region. */
export class UnknownStackError extends RookeryError {
  constructor(stack: string, parameter: string, region: string) {
    super("unknown_stack", `no stack ${quote(stack)} with the SSM parameter ${parameter} in region ${region}`);
  }
}
/** Nothing says in which region, or as whom: AWS was not asked. */
export class AwsAccessError extends RookeryError {
  constructor(stack: string, missing: string, cause: unknown) {
    super("aws_access", `no access to AWS for stack ${quote(stack)}: ${missing}`, { cause });
  }
}
export class UnknownArtifactError extends RookeryError {
  constructor(workId: string, name: string, known: readonly string[]) {
    super(
      "unknown_artifact",
      `work item ${workId} has no artifact ${quote(name)}, expected one of: ${known.join(", ") || "(none)"}`,
    );
  }
}
export class InvalidArgumentError extends RookeryError {
  constructor(what: string, expected: string, got: unknown) {
    super("invalid_argument", `${what}: expected ${expected}, got ${describe(got)}`);
  }
}
/** The same key was given with another payload. */
export class KeyConflictError extends RookeryError {
  constructor(engine: string, key: string, workId: string, stored: string, given: string) {
    super(
      "key_conflict",
      `key ${quote(key)} of engine ${engine} already names work item ${workId} with another payload: ` +
        `expected payload digest ${stored}, got ${given}`,
    );
  }
}
/** The item's status does not allow the command. */
export class RefusedError extends RookeryError {
  constructor(command: string, workId: string, expected: string, got: string) {
    super("refused", `cannot ${command} work item ${workId}: expected ${expected}, got one that is ${got.replaceAll("_", "-")}`);
  }
}
/** The same id was given with another signal. */
export class SignalConflictError extends RookeryError {
  constructor(workId: string, id: string, stored: string, given: string) {
    super(
      "signal_conflict",
      `signal id ${quote(id)} was sent to work item ${workId} with another name or payload: expected digest ${stored}, got ${given}`,
    );
  }
}
/** The item was about to end when the signal came: whether it is still read is not known yet. */
export class SignalInDoubtError extends RookeryError {
  constructor(workId: string, id: string, afterMs: number) {
    super(
      "signal_in_doubt",
      `signal ${quote(id)} came as work item ${workId} was about to end, and ${afterMs} ms later it is not known whether ` +
        "it is read; sending it again with the same id tells",
      { retryable: true },
    );
  }
}
/** It tells nothing of what there is: tokens are handed to strangers. */
export class UnknownCallbackError extends RookeryError {
  constructor() {
    super("unknown_callback", "no callback is known by this token");
  }
}
/** The same key was given with another input (an effect), or payload (a child). */
export class EffectConflictError extends RookeryError {
  constructor(workId: string, what: string, key: string, stored: string, given: string) {
    super(
      "effect_conflict",
      `${what} ${quote(key)} of work item ${workId} was given with another input before: expected digest ${stored}, got ${given}`,
    );
  }
}
export class NestedEffectError extends RookeryError {
  constructor(workId: string, key: string, within: string) {
    super(
      "effect_nested",
      `effect ${quote(key)} of work item ${workId} was begun within effect ${quote(within)}: expected one beside it`,
    );
  }
}
/** An operator said that the effect is not to be. */
export class EffectFailedError extends RookeryError {
  constructor(workId: string, key: string, reason: string) {
    super("effect_failed", `effect ${quote(key)} of work item ${workId} was given up: ${reason}`);
  }
}
/** Whether the effect happened is not known, and the attempt ends with it, whatever its step makes of this error. */
export class EffectInDoubtError extends RookeryError {
  constructor(workId: string, key: string, why: string, cause?: unknown) {
    super("effect_in_doubt", `effect ${quote(key)} of work item ${workId} is in doubt: ${why}`, { cause });
  }
}
export class UnknownEffectError extends RookeryError {
  constructor(workId: string, key: string, known: readonly string[]) {
    super("unknown_effect", `work item ${workId} has no effect ${quote(key)}, expected one of: ${known.join(", ") || "(none)"}`);
  }
}
export class InboxFullError extends RookeryError {
  constructor(workId: string, limit: number) {
    super("inbox_full", `inbox of work item ${workId} is full: expected fewer than ${limit} unread entries`, { retryable: true });
  }
}
export class CtxRevokedError extends RookeryError {
  constructor(workId: string, what: string) {
    super("ctx_revoked", `ctx.${what} was used after its attempt had ended (work item ${workId})`);
  }
}
export class NotAnOutcomeError extends RookeryError {
  constructor(workId: string, got: unknown) {
    super(
      "not_an_outcome",
      `step of work item ${workId}: expected the outcome of ctx.next, ctx.complete or ctx.fail of this attempt, got ${describe(got)}`,
    );
  }
}
export class StepTimeoutError extends RookeryError {
  constructor(workId: string, stepMs: number) {
    super("step_timeout", `step of work item ${workId} did not end within limits.stepMs = ${stepMs} ms`, { retryable: true });
  }
}
/** The reason on a step's abort signal when its attempt is over for another reason than its own. */
export class StepAbortedError extends RookeryError {
  constructor(workId: string, why: string) {
    super("step_aborted", `step of work item ${workId} was aborted: ${why}`, { retryable: true });
  }
}
export class BlobMissingError extends RookeryError {
  constructor(owner: string, digest: string) {
    super("blob_missing", `blob ${digest} of ${owner} is missing`, { retryable: true });
  }
}
export class BlobAlteredError extends RookeryError {
  constructor(owner: string, digest: string, got: string) {
    super("blob_altered", `blob of ${owner} was altered: expected SHA-256 ${digest}, got ${got}`, { retryable: true });
  }
}
export class RecordTooNewError extends RookeryError {
  constructor(what: string, expected: number, got: number) {
    super("record_too_new", `${what} has format version ${got}, expected at most ${expected}: a newer release wrote it`, {
      retryable: true,
    });
  }
}
export class RecordUndecodableError extends RookeryError {
  constructor(what: string, why: string) {
    super("record_undecodable", `${what} cannot be decoded: ${why}`);
  }
}
export class StoreTooNewError extends RookeryError {
  constructor(path: string, expected: number, got: number) {
    super(
      "store_too_new",
      `database ${path} has schema version ${got}, expected at most ${expected}: use the newer release that wrote it`,
    );
  }
}
export class StoreUnavailableError extends RookeryError {
  constructor(what: string, cause: unknown) {
    super("store_unavailable", `${what}: ${messageOf(cause)}`, { retryable: true, cause });
  }
}
export class QueueUnavailableError extends RookeryError {
  constructor(what: string, cause: unknown) {
    super("queue_unavailable", `${what}: ${messageOf(cause)}`, { retryable: true, cause });
  }
}
export class EnqueueTimeoutError extends RookeryError {
  constructor(workId: string, afterMs: number) {
    super(
      "enqueue_timeout",
      `enqueue of work item ${workId} gave up after ${afterMs} ms; calling again with the same key completes it`,
      {
        retryable: true,
      },
    );
  }
}
export class WrongRuntimeError extends RookeryError {
  constructor(what: string, expected: string, got: string) {
    super("wrong_runtime", `${what}: expected ${expected}, got ${got}`);
  }
}

/** A bug in Rookery itself. Never caught to carry on. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
export function assertNever(value: never): never {
  throw new InvariantError(`unexpected ${describe(value)}`);
}

const QUOTED_CHARS = 120;

/** For messages: the text in quotes, its middle left out when it is long. */
export function quote(text: string): string {
  if (text.length <= QUOTED_CHARS) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, QUOTED_CHARS))}… (${text.length} characters)`;
}

/** For messages: what a value is, briefly. Never throws. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "string") return quote(value);
  if (typeof value === "function") return `a function${value.name === "" ? "" : ` (${value.name})`}`;
  if (typeof value !== "object") return typeof value === "bigint" ? `${value}n (a BigInt)` : String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === "string" && name !== "" && name !== "Object" ? `an instance of ${name}` : "an object";
}

/** The message of anything that was thrown. Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    const text: unknown = thrown instanceof Error ? thrown.message : thrown;
    return typeof text === "string" ? text : describe(text);
  } catch {
    return "something that cannot be read";
  }
}
