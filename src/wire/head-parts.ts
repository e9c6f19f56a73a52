/**
 * Pieces of HEAD in their short forms: it is written at every step, and billed by the KB. A list says what an object
 * would, without its names; what was written as an object before still reads.
 */
import { z } from "zod";
import type { ArtifactRef } from "../domain/engine.ts";
import type { Json } from "../domain/json.ts";
import { countLines, EMPTY_STRAND, type Strand } from "../domain/strand.ts";
import type { Units } from "../domain/units.ts";
import type { Body } from "../ports/record-store.ts";
import { artifactRef, count } from "./parts.ts";

const DIGEST = /^[0-9a-f]{64}$/;
/** Of a SHA-256 in base64url: 43 characters for 64. */
const SHORT_DIGEST = /^[\w-]{43}$/;

/** `[name, digest, bytes, mediaType]`, and metadata where there are some. */
const shortRef = z
  .tuple([z.string(), z.string().regex(SHORT_DIGEST), count, z.string()], z.record(z.string(), z.string()))
  .transform(([name, digest, bytes, mediaType, metadata]): ArtifactRef => {
    const ref = { name, digest: Buffer.from(digest, "base64url").toString("hex"), bytes, mediaType };
    return metadata === undefined ? ref : { ...ref, metadata };
  });
export const headArtifact: z.ZodType<ArtifactRef> = z.union([shortRef, artifactRef]);

export function encodeHeadArtifact(ref: ArtifactRef): Json {
  const { name, digest, bytes, mediaType, metadata } = ref;
  if (!DIGEST.test(digest)) return { name, digest, bytes, mediaType, ...(metadata === undefined ? {} : { metadata }) };
  const short = [name, Buffer.from(digest, "hex").toString("base64url"), bytes, mediaType];
  return metadata === undefined ? short : [...short, metadata];
}

/** A tail whose lines are all there are. */
const whole = z.string().transform((tail): Strand => ({ tail, lines: countLines(tail), sealed: null }));
/** `[tail, lines, [n, nonce, run, runBytes]]` */
const short = z
  .tuple([z.string(), count, z.tuple([count, z.string(), count, count])])
  .transform(([tail, lines, [n, nonce, run, runBytes]]): Strand => ({ tail, lines, sealed: { n, nonce, run, runBytes } }));
const long = z.object({
  tail: z.string().default(""),
  lines: count.default(0),
  sealed: z.object({ n: count, nonce: z.string(), run: count, runBytes: count }).nullable().default(null),
});
export const headStrand = z.union([whole, short, long]).default(EMPTY_STRAND);

export function encodeHeadStrand({ tail, lines, sealed }: Strand): Json {
  if (sealed !== null) return [tail, lines, [sealed.n, sealed.nonce, sealed.run, sealed.runBytes]];
  return countLines(tail) === lines ? tail : { tail, lines };
}

/** `[writes, reads, requests, puts, gets]`; those at the end that are 0 are left out. */
export const headUnits = z
  .array(z.number().nonnegative())
  .max(5)
  .default([])
  .transform(([writes = 0, reads = 0, requests = 0, puts = 0, gets = 0]): Units => ({ writes, reads, requests, puts, gets }));

export function encodeHeadUnits({ writes, reads, requests, puts, gets }: Units): Json {
  const all = [writes, reads, requests, puts, gets];
  return all.slice(0, all.findLastIndex((count) => count > 0) + 1);
}

/** Most states begin with their commit, and most sleeps are delays. */
const usualStatus = (updatedAtMs: Json) => ({ sinceMs: updatedAtMs, why: "delay" });

/** Without what it has in common with most. */
export function shortStatus(status: Body, updatedAtMs: number): Json {
  const usual: Body = usualStatus(updatedAtMs);
  const short: Record<string, Json> = {};
  for (const [field, value] of Object.entries(status)) if (usual[field] !== value) short[field] = value;
  return short;
}
/** A body whose status says that too. */
export function withWholeStatus(body: Body): Body {
  const { status = null, updated = 0 } = body;
  if (typeof status !== "object" || status === null || Array.isArray(status)) return body;
  return { ...body, status: { ...usualStatus(updated), ...status } };
}
