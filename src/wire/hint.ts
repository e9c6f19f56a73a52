/** A message's body: which item to look at, and for which version it was sent. It holds no truth. */
import { z } from "zod";
import { messageOf, RecordTooNewError, RecordUndecodableError } from "../domain/errors.ts";
import { isWorkId, type Namespace, type WorkId } from "../domain/ids.ts";
import { NAMESPACE_PATTERN } from "../domain/limits.ts";

export const HINT_VERSION = 1;

export interface Hint {
  readonly namespace: Namespace;
  readonly workId: WorkId;
  /** The HEAD version it was sent for; null for a command's. */
  readonly version: number | null;
  /** The fencing token of that HEAD; null for a command's, and where nobody said. */
  readonly token: number | null;
  /** How many hints in a row, this one included, found the item no further than the one before; absent is 0. */
  readonly hops: number;
}

const schema = z.strictObject({
  v: z.literal(HINT_VERSION),
  ns: z.string().regex(NAMESPACE_PATTERN),
  id: z.string().refine(isWorkId),
  at: z.number().int().nonnegative().nullable(),
  token: z.number().int().nonnegative().nullable().default(null),
  hops: z.number().int().nonnegative().default(0),
});

export function encodeHint(hint: Hint): string {
  const { namespace, workId, version, token, hops } = hint;
  const more = { ...(token === null ? {} : { token }), ...(hops === 0 ? {} : { hops }) };
  return JSON.stringify({ v: HINT_VERSION, ns: namespace, id: workId, at: version, ...more });
}

/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeHint(body: string): Hint {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw new RecordUndecodableError("hint", messageOf(error));
  }
  const version: unknown = typeof value === "object" && value !== null && "v" in value ? value.v : undefined;
  if (typeof version === "number" && version > HINT_VERSION) throw new RecordTooNewError("hint", HINT_VERSION, version);
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new RecordUndecodableError("hint", z.prettifyError(parsed.error));
  const { ns, id, at, token, hops } = parsed.data;
  return { namespace: ns as Namespace, workId: id as WorkId, version: at, token, hops };
}
