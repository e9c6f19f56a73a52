/** What went wrong, as HTTP says it: a status, and `{ error: { code, message } }`. */
import { type ErrorCode, messageOf, RookeryError } from "../domain/errors.ts";

export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 429 | 500 | 503;
type Headers = Readonly<Record<string, string>>;

/** The catalogue's, and those of the request itself. */
export type DoorErrorCode =
  | ErrorCode
  | "unknown_route"
  | "wrong_method"
  | "too_large"
  | "unauthorized"
  | "cross_site"
  | "internal";

/** A request that is refused before anybody looks at what it asks for. */
export class DoorError extends Error {
  override readonly name = "DoorError";
  readonly status: ErrorStatus;
  readonly code: DoorErrorCode;
  readonly headers: Headers;
  constructor(status: ErrorStatus, code: DoorErrorCode, message: string, headers: Headers = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export interface Failure {
  readonly status: ErrorStatus;
  readonly code: DoorErrorCode;
  readonly message: string;
  readonly headers: Headers;
}

const STATUS: Readonly<Record<ErrorCode, ErrorStatus>> = {
  not_json: 400,
  schema: 400,
  invalid_argument: 400,
  unknown_engine: 404,
  unknown_work_item: 404,
  unknown_artifact: 404,
  unknown_stack: 404,
  unknown_callback: 404,
  unknown_effect: 404,
  key_conflict: 409,
  refused: 409,
  signal_conflict: 409,
  effect_conflict: 409,
  inbox_full: 429,
  signal_in_doubt: 503,
  store_unavailable: 503,
  queue_unavailable: 503,
  enqueue_timeout: 503,
  record_too_new: 503,
  store_too_new: 503,
  // What is stored is damaged.
  blob_missing: 500,
  blob_altered: 500,
  record_undecodable: 500,
  // Of steps and processes: no caller should meet them.
  effect_nested: 500,
  effect_failed: 500,
  effect_in_doubt: 500,
  ctx_revoked: 500,
  not_an_outcome: 500,
  step_timeout: 500,
  step_aborted: 500,
  wrong_runtime: 500,
  aws_access: 500,
};

const RETRY_AFTER_SECONDS: Partial<Record<ErrorStatus, number>> = { 429: 5, 503: 2 };

/** Of what is not ours to tell, only the log knows more. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof DoorError) {
    const { status, code, message, headers } = thrown;
    return { status, code, message, headers };
  }
  if (!(thrown instanceof RookeryError))
    return { status: 500, code: "internal", message: "this failed here, and the log says why", headers: {} };
  const status = STATUS[thrown.code];
  const seconds = RETRY_AFTER_SECONDS[status];
  const headers: Headers = seconds === undefined ? {} : { "retry-after": String(seconds) };
  return { status, code: thrown.code, message: messageOf(thrown), headers };
}
