/** EFFECT: the ledger of one side effect. */
import { z } from "zod";
import type { EffectRecord, EffectState } from "../domain/effect.ts";
import { assertNever } from "../domain/errors.ts";
import { parseToken } from "../domain/ids.ts";
import type { Json } from "../domain/json.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { count, encodeStored, instant, stored } from "./parts.ts";
import { decodeBody, type RecordContent, sparse } from "./record.ts";

export const EFFECT_VERSION = 1;

const state: z.ZodType<EffectState> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("reserved"), untilAtMs: instant, sinceMs: instant.nullable() }),
  z.object({ kind: z.literal("in_doubt"), sinceMs: instant, why: z.string() }),
  z.object({ kind: z.literal("open"), why: z.string(), byOperator: z.boolean() }),
  z.object({ kind: z.literal("confirmed"), result: stored, byOperator: z.boolean() }),
  z.object({ kind: z.literal("failed"), reason: z.string() }),
]);
const schema = z.object({
  v: z.literal(EFFECT_VERSION),
  key: z.string(),
  scope: z.enum(["step", "item"]).default("step"),
  step: z.string(),
  version: count.default(0),
  input: z.string(),
  token: count,
  attempt: count.default(0),
  holder: z.string().default(""),
  state,
});

export function encodeEffect(record: EffectRecord): RecordContent {
  const { key, step, version, inputDigest, token, attempt, holder } = record;
  const scope = record.scope === "step" ? null : record.scope;
  const body = { v: EFFECT_VERSION, key, scope, step, version, input: inputDigest, token, attempt, holder };
  return { body: sparse({ ...body, state: encodeState(record.state) }), data: null };
}
function encodeState(one: EffectState): Json {
  switch (one.kind) {
    case "confirmed":
      return { ...one, result: encodeStored(one.result) };
    case "reserved":
    case "in_doubt":
    case "open":
    case "failed":
      return one;
    default:
      return assertNever(one);
  }
}

/** @throws RecordTooNewError, RecordUndecodableError */
export function decodeEffect(record: StoredRecord): EffectRecord {
  const { v: _, input, token, ...body } = decodeBody(record, EFFECT_VERSION, schema);
  return { ...body, inputDigest: input, token: parseToken(token) };
}
