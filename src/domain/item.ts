/** The request for a work item: written once by enqueue, never changed. */
import type { Slot } from "./group.ts";
import type { Namespace, WorkId } from "./ids.ts";
import type { Lane } from "./lane.ts";

/** A value at rest: in its record, or (when it is large) in the item's blobs. `json` is JSON text. */
export type Stored =
  | { readonly kind: "inline"; readonly json: string }
  | { readonly kind: "blob"; readonly digest: string; readonly bytes: number };

/** Of a child: where it belongs. */
export interface Parent {
  readonly workId: WorkId;
  /** The key that its parent gave it. */
  readonly key: string;
  /** Null for one that is in no group. */
  readonly group: { readonly name: string; readonly slot: Slot; readonly limited: boolean } | null;
}

export interface Item {
  readonly namespace: Namespace;
  readonly workId: WorkId;
  readonly engine: string;
  readonly payload: Stored;
  readonly payloadDigest: string;
  readonly lane: Lane;
  /** "" for none. */
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  /** Not before this instant. */
  readonly startAtMs: number;
  /** From enqueue (or the last redrive) to the deadline; null for none. */
  readonly deadlineMs: number | null;
  readonly key: string | null;
  readonly parent: Parent | null;
}

/** What maps an idempotency key to a work item (G5). */
export interface KeyEntry {
  readonly workId: WorkId;
  readonly payloadDigest: string;
  /** Null while the item is open. */
  readonly rememberedUntilAtMs: number | null;
}
