/** Content-addressed bytes under an owner (a partition): writing twice is success, nothing is shared between owners. */
export interface BlobInfo {
  /** SHA-256, lower-case hex. */
  readonly digest: string;
  readonly bytes: number;
}

export type BlobContent = Uint8Array | AsyncIterable<Uint8Array>;

/** Inclusive of `from`, exclusive of `to`, in bytes. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Errors: `BlobMissingError`, `BlobAlteredError` (both name owner and digest), `StoreUnavailableError`. */
export interface BlobStore {
  /** Durable when it answers. Streams take constant memory. */
  put(owner: string, content: BlobContent): Promise<BlobInfo>;
  /** Verified against the digest on every read: an altered blob throws, at the latest when the last chunk is asked for. */
  get(owner: string, digest: string, range?: ByteRange): AsyncIterable<Uint8Array>;
  head(owner: string, digest: string): Promise<BlobInfo | null>;
  /** Everything of the owner. Idempotent. */
  removeAll(owner: string): Promise<void>;
}
