/** What an error of an AWS SDK says, read without the SDK. */

export interface SdkFailure {
  /** As the service names it, without the prefix of older protocols; "" when it names nothing. */
  readonly name: string;
  /** Of a connection that failed, as Node names it; null for what AWS answered. */
  readonly code: string | null;
  /** HTTP status of the answer; null when there was none. */
  readonly status: number | null;
  /** Never empty. */
  readonly message: string;
}

export function sdkFailureOf(thrown: unknown): SdkFailure {
  const name = textAt(thrown, "name") ?? "";
  const status = fieldOf(fieldOf(thrown, "$metadata"), "httpStatusCode");
  return {
    name: name.replace(/^AWS\.SimpleQueueService\./, ""),
    code: textAt(thrown, "code"),
    status: typeof status === "number" ? status : null,
    message: textAt(thrown, "message") ?? firstOf(thrown) ?? textAt(thrown, "code") ?? (name || "unknown error"),
  };
}

/** What was thrown, as an error that says something: some have no message, or one that names nothing. */
export function speaking(thrown: unknown): Error {
  const { message, status } = sdkFailureOf(thrown);
  if (message === "UnknownError" && status !== null) return new Error(`HTTP status ${status}`, { cause: thrown });
  return thrown instanceof Error && thrown.message !== "" ? thrown : new Error(message, { cause: thrown });
}

/** In plain words, where it is something that a person can do something about: `: there is no such queue`, or "". */
export function plainly({ name, status }: SdkFailure, missing: Readonly<Record<string, string>>): string {
  if (missing[name] !== undefined) return `: ${missing[name]}`;
  if (isDenied({ name, status })) return ": not permitted";
  return name === "TimeoutError" ? ": no answer in time" : "";
}

/** There is nobody to ask as: no key, no such profile, or a session to be renewed. */
export function isWithoutCredentials({ name }: Pick<SdkFailure, "name">): boolean {
  return name === "CredentialsProviderError" || name === "TokenProviderError";
}
/** AWS knows who asks, or does not, and will not do it. */
export function isDenied({ name, status }: Pick<SdkFailure, "name" | "status">): boolean {
  return status === 403 || name.startsWith("AccessDenied");
}
const BAD_KEYS = [
  "ExpiredToken",
  "ExpiredTokenException",
  "IncompleteSignature",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
];
/** The credentials themselves are refused: no grant would help. */
export function isBadKey({ name }: Pick<SdkFailure, "name">): boolean {
  return BAD_KEYS.includes(name);
}
const CONNECTIONS = [
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "ETIMEDOUT",
  "TimeoutError",
];
/** Nothing came back. */
export function isUnreachable({ name, code }: Pick<SdkFailure, "name" | "code">): boolean {
  return CONNECTIONS.includes(name) || (code !== null && CONNECTIONS.includes(code));
}

/** Node's connections that fail for every address of a host have no message of their own. */
function firstOf(thrown: unknown): string | null {
  const errors = fieldOf(thrown, "errors");
  return Array.isArray(errors) && errors.length > 0 ? textAt(errors[0], "message") : null;
}
function textAt(value: unknown, name: string): string | null {
  const text = fieldOf(value, name);
  return typeof text === "string" && text !== "" ? text : null;
}
function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
