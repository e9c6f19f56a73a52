/** One look at a page: what came, as data. A look that fails is an observation; only an abort is thrown on. */
import { z } from "zod";

const seen = { check: z.int(), atMs: z.number(), latencyMs: z.number() };
const answered = z.object({
  ...seen,
  status: z.int(),
  /** A status from 200 to 299. */
  ok: z.boolean(),
  claimFound: z.boolean(),
  /** Of the body as it was read: decompressed, and cut at MAX_BODY_BYTES when `truncated`. */
  bytes: z.int(),
  truncated: z.boolean(),
  /** SHA-256 of these bytes, lower-case hex. */
  digest: z.string(),
  /** Where redirects led; absent without one. */
  finalUrl: z.string().optional(),
});
const unanswered = z.object({ ...seen, error: z.string() });
export const observation = z.union([answered, unanswered]);
export type Observation = z.infer<typeof observation>;

/** As much of a page as one look reads. */
export const MAX_BODY_BYTES = 1_048_576;
const HEADERS = { accept: "text/html,application/json,text/*;q=0.9,*/*;q=0.5", "user-agent": "rookery-watchlist/1" };

export interface Look {
  readonly check: number;
  readonly url: string;
  readonly claim: string;
  readonly abortSignal: AbortSignal;
  now(): number;
}
/** Redirects are followed, up to 20, to http and https only: so says the Fetch standard. @throws the reason of an abort. */
export async function observe(look: Look): Promise<Observation> {
  const startedAtMs = look.now();
  const times = () => ({ check: look.check, atMs: startedAtMs, latencyMs: Math.max(0, Math.round(look.now() - startedAtMs)) });
  try {
    const response = await fetch(look.url, { headers: HEADERS, redirect: "follow", signal: look.abortSignal });
    const { bytes, truncated } = await readBody(response);
    return {
      ...times(),
      status: response.status,
      ok: response.ok,
      claimFound: holds(decode(bytes, response.headers.get("content-type")), look.claim),
      bytes: bytes.byteLength,
      truncated,
      digest: await sha256(bytes),
      ...(response.redirected ? { finalUrl: response.url } : {}),
    };
  } catch (error) {
    if (look.abortSignal.aborted) throw look.abortSignal.reason;
    return { ...times(), error: reasonsOf(error) };
  }
}

async function readBody(response: Response): Promise<{ bytes: Uint8Array<ArrayBuffer>; truncated: boolean }> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  // Leaving the loop early cancels the rest of the transfer.
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    total += chunk.byteLength;
    if (total > MAX_BODY_BYTES) break;
  }
  const bytes = new Uint8Array(Math.min(total, MAX_BODY_BYTES));
  let at = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, bytes.byteLength - at);
    bytes.set(part, at);
    at += part.byteLength;
  }
  return { bytes, truncated: total > MAX_BODY_BYTES };
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function decode(bytes: Uint8Array, contentType: string | null): string {
  const charset = /charset="?([\w-]+)/i.exec(contentType ?? "")?.[1] ?? "utf-8";
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}

/** The text as served, not as a browser would show it. */
function holds(text: string, claim: string): boolean {
  return plain(text).includes(plain(claim));
}
function plain(text: string): string {
  return text.replace(/\s+/g, " ").trim().toLowerCase();
}

/** `fetch failed` says little: the reason is in its cause. */
function reasonsOf(thrown: unknown): string {
  const reasons: string[] = [];
  for (let error = thrown; error instanceof Error && reasons.length < 4; error = error.cause) {
    const code: unknown = Reflect.get(error, "code");
    reasons.push(error.message || (typeof code === "string" ? code : error.name));
  }
  return reasons.join(": ") || String(thrown);
}
