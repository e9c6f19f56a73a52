import { createHash } from "node:crypto";
import { BlobMissingError } from "../../domain/errors.ts";
import type { BlobContent, BlobInfo, BlobStore, ByteRange } from "../../ports/blob-store.ts";
import { type Intercept, intercepted } from "./intercept.ts";

const CHUNK_BYTES = 65_536;

export function createMemoryBlobStore(deps: { readonly intercept?: Intercept } = {}): BlobStore {
  const owners = new Map<string, Map<string, Uint8Array>>();
  const find = (owner: string, digest: string) => owners.get(owner)?.get(digest) ?? null;
  const store: BlobStore = {
    async put(owner, content): Promise<BlobInfo> {
      const bytes = await collect(content);
      const digest = createHash("sha256").update(bytes).digest("hex");
      const blobs = owners.get(owner) ?? new Map<string, Uint8Array>();
      owners.set(owner, blobs.set(digest, bytes));
      return { digest, bytes: bytes.length };
    },
    async *get(owner, digest, range) {
      const bytes = find(owner, digest);
      if (bytes === null) throw new BlobMissingError(owner, digest);
      yield* chunksOf(bytes, range);
    },
    async head(owner, digest) {
      const bytes = find(owner, digest);
      return bytes && { digest, bytes: bytes.length };
    },
    async removeAll(owner) {
      owners.delete(owner);
    },
  };
  return intercepted("blobs", store, deps.intercept, ["get"]);
}

async function collect(content: BlobContent): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return Uint8Array.from(content);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

function* chunksOf(bytes: Uint8Array, range: ByteRange = { from: 0, to: bytes.length }): Iterable<Uint8Array> {
  const to = Math.min(range.to, bytes.length);
  for (let at = range.from; at < to; at += CHUNK_BYTES) yield Uint8Array.from(bytes.subarray(at, Math.min(at + CHUNK_BYTES, to)));
}
