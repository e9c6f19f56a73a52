/** What an error of an AWS SDK says, read without the SDK. */

export interface SdkFailure {
  /** As the service names it, without the prefix of older protocols; "" when it names nothing. */
  readonly name: string;
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
    status: typeof status === "number" ? status : null,
    message: textAt(thrown, "message") ?? firstOf(thrown) ?? textAt(thrown, "code") ?? (name || "unknown error"),
  };
}

/** In plain words, where it is something that a person can do something about: `: there is no such queue`, or "". */
export function plainly({ name, status }: SdkFailure, missing: Readonly<Record<string, string>>): string {
  if (missing[name] !== undefined) return `: ${missing[name]}`;
  if (status === 403 || name.startsWith("AccessDenied")) return ": not permitted";
  return name === "TimeoutError" ? ": no answer in time" : "";
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
