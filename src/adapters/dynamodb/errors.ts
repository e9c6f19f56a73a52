/**
 * What DynamoDB's and the SDK's errors mean to a caller, once the SDK has retried what it retries. A missed condition is
 * none of them. Whoever operates the table can help most: so it, the operation, and what is wrong are named.
 */
import { InvariantError, messageOf, StoreUnavailableError } from "../../domain/errors.ts";

const NOT_PERMITTED = [
  "AccessDeniedException",
  "CredentialsProviderError",
  "ExpiredTokenException",
  "IncompleteSignatureException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "MissingAuthenticationTokenException",
  "OptInRequired",
  "TokenProviderError",
  "UnrecognizedClientException",
];
const MISSING = "ResourceNotFoundException";
const MALFORMED = ["ValidationException", "SerializationException"];
/** It is a table, but not one like ours. */
const OTHER_SHAPE = /specified index|backfilling|match the schema|key schema|missing the key|required keys/i;

/** The outcome of `call`. @throws StoreUnavailableError, InvariantError when the request was refused as malformed */
export async function answered<T>(operation: string, table: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw translated(error, `${operation} on table ${table}`);
  }
}

function translated(error: unknown, what: string): unknown {
  const kind = kindOf(error);
  if (kind === null) return error;
  if (NOT_PERMITTED.includes(kind)) return new StoreUnavailableError(`${what} is not permitted (${kind})`, error);
  if (kind === MISSING) return new StoreUnavailableError(`${what}: there is no such table in this account and region`, error);
  if (!MALFORMED.includes(kind)) return new StoreUnavailableError(`${what} failed (${kind})`, error);
  if (OTHER_SHAPE.test(messageOf(error))) return new StoreUnavailableError(`${what}: it is not shaped as a table of ours`, error);
  return new InvariantError(`${what} was refused as malformed: ${messageOf(error)}`, { cause: error });
}

/** The name of a service's error, or the code of a connection's; null for what is no trouble of the store: a bug of ours. */
function kindOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ("code" in error && typeof error.code === "string") return error.code;
  return "$metadata" in error || NOT_PERMITTED.includes(error.name) ? error.name : null;
}
