/** Values at rest: small ones in their record, large ones in the item's blobs, written before what refers to them. */
import type { Stored } from "../domain/item.ts";
import { INLINE_STATE_BYTES } from "../domain/limits.ts";
import type { BlobStore } from "../ports/blob-store.ts";

type Blobs = { readonly blobs: BlobStore };

const encoder = new TextEncoder();

/** `json` is JSON text. Nothing is ever cut: what does not fit into a record becomes a blob. */
export async function keep(deps: Blobs, owner: string, json: string, inlineBytes = INLINE_STATE_BYTES): Promise<Stored> {
  // A UTF-16 unit is at most three bytes of UTF-8: most texts are measured without encoding them.
  if (json.length * 3 <= inlineBytes) return { kind: "inline", json };
  const bytes = encoder.encode(json);
  if (bytes.byteLength <= inlineBytes) return { kind: "inline", json };
  const { digest } = await deps.blobs.put(owner, bytes);
  return { kind: "blob", digest, bytes: bytes.byteLength };
}

/** The JSON text. @throws BlobMissingError, BlobAlteredError */
export async function load(deps: Blobs, owner: string, stored: Stored): Promise<string> {
  return stored.kind === "inline" ? stored.json : readText(deps, owner, stored.digest);
}

export async function readText(deps: Blobs, owner: string, digest: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of deps.blobs.get(owner, digest)) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** What comes back of a `T` is what was stored of it, also the first time. */
export function revive<T>(text: string): T {
  return JSON.parse(text) as T;
}
