/** Pieces that several stored formats share. */
import { z } from "zod";
import type { ArtifactRef } from "../domain/engine.ts";
import type { StoredCause } from "../domain/head.ts";
import type { Stored } from "../domain/item.ts";
import type { Json } from "../domain/json.ts";
import { ERROR_CLASSES } from "../domain/retry.ts";
import type { StoredError } from "../domain/stored-error.ts";
import type { StoredWake } from "../domain/wake.ts";

export const count = z.number().int().nonnegative();
export const instant = z.number().int();

/** JSON text stays text, so that every key comes back, `__proto__` too. */
const storedSchema = z.union([z.strictObject({ json: z.string() }), z.strictObject({ blob: z.string(), bytes: count })]);
export const stored: z.ZodType<Stored> = storedSchema.transform(
  (value): Stored =>
    "json" in value ? { kind: "inline", json: value.json } : { kind: "blob", digest: value.blob, bytes: value.bytes },
);
export function encodeStored(value: Stored): Json {
  return value.kind === "inline" ? { json: value.json } : { blob: value.digest, bytes: value.bytes };
}

export const storedError: z.ZodType<StoredError> = z.object({
  name: z.string(),
  message: z.string(),
  class: z.enum(ERROR_CLASSES),
  code: z.string().nullable().default(null),
  stack: z.string().nullable().default(null),
  cause: z.string().nullable().default(null),
});
export function encodeError(error: StoredError): Json {
  const { name, message, code, stack, cause } = error;
  return {
    name,
    message,
    class: error.class,
    ...(code === null ? {} : { code }),
    ...(stack === null ? {} : { stack }),
    ...(cause === null ? {} : { cause }),
  };
}

export const storedCause: z.ZodType<StoredCause> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("exhausted"), error: storedError }),
  z.object({ kind: z.literal("crashed"), attempts: count }),
  z.object({ kind: z.literal("cancelled"), reason: z.string() }),
  z.object({ kind: z.literal("deadline") }),
  z.object({ kind: z.literal("limit"), name: z.string() }),
]);
export function encodeCause(cause: StoredCause): Json {
  return cause.kind === "exhausted" ? { kind: "exhausted", error: encodeError(cause.error) } : cause;
}

export const storedWake: z.ZodType<StoredWake> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("go") }),
  z.object({ kind: z.literal("timeout") }),
  z.object({ kind: z.literal("resumed"), note: z.string() }),
  z.object({ kind: z.literal("signal"), sort: z.string(), name: z.string() }),
  z.object({ kind: z.literal("children"), group: z.string(), succeeded: count, failed: count }),
]);

export const artifactRef: z.ZodType<ArtifactRef> = z.object({
  name: z.string(),
  digest: z.string(),
  bytes: count,
  mediaType: z.string(),
  metadata: z.record(z.string(), z.string()).exactOptional(),
});
