/** Branded ids and where they live. Work ids are always random: a new life of a key is a new id (G5). */
import { InvalidArgumentError, invariant } from "./errors.ts";
import { ENGINE_PATTERN, NAMESPACE_PATTERN, SHARDS } from "./limits.ts";

declare const brand: unique symbol;
export type WorkId = string & { readonly [brand]: "WorkId" };
export type Namespace = string & { readonly [brand]: "Namespace" };
/** Rises with every claim of an item: the higher one owns it (G4). */
export type FencingToken = number & { readonly [brand]: "FencingToken" };

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const WORK_ID = /^[0-9abcdefghjkmnpqrstvwxyz]{20}$/;
export const WORK_ID_BYTES = 20;

/** 100 random bits as 20 letters and digits without look-alikes. */
export function generateWorkId(random: Uint8Array): WorkId {
  invariant(random.length === WORK_ID_BYTES, `a work id takes ${WORK_ID_BYTES} random bytes, got ${random.length}`);
  let id = "";
  for (const byte of random) id += ALPHABET.charAt(byte % ALPHABET.length);
  return id as WorkId;
}
export function isWorkId(text: string): text is WorkId {
  return WORK_ID.test(text);
}
export function parseWorkId(text: string): WorkId {
  if (!isWorkId(text)) throw new InvalidArgumentError("work id", "20 letters and digits, as printed by enqueue", text);
  return text;
}

export function parseNamespace(text: string): Namespace {
  if (!NAMESPACE_PATTERN.test(text)) {
    throw new InvalidArgumentError("namespace", "1 to 63 of a-z, 0-9, - and _, beginning with a letter or digit", text);
  }
  return text as Namespace;
}
export function parseEngineId(text: unknown): string {
  if (typeof text !== "string" || !ENGINE_PATTERN.test(text)) {
    throw new InvalidArgumentError("engine id", "1 to 63 letters, digits, ., - and _, beginning with a letter or digit", text);
  }
  return text;
}

export const FIRST_TOKEN = 1 as FencingToken;
export function tokenAfter(...tokens: readonly number[]): FencingToken {
  return (Math.max(0, ...tokens) + 1) as FencingToken;
}
export function parseToken(value: number): FencingToken {
  invariant(Number.isSafeInteger(value) && value >= 0, `a fencing token is a whole number, got ${value}`);
  return value as FencingToken;
}

/** All records of one work item. */
export function itemPartition(namespace: Namespace, workId: WorkId): string {
  return `${namespace}/${workId}`;
}
export function parseItemPartition(partition: string): { namespace: Namespace; workId: WorkId } | null {
  const [namespace, workId, ...rest] = partition.split("/");
  if (namespace === undefined || workId === undefined || rest.length > 0) return null;
  return NAMESPACE_PATTERN.test(namespace) && isWorkId(workId) ? { namespace: namespace as Namespace, workId } : null;
}
/** The one record that maps an idempotency key to its work id; `digest` is of the key. */
export function keyPartition(namespace: Namespace, engine: string, digest: string): string {
  return `${namespace}/KEY/${engine}/${digest}`;
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** The shard of the due index that a partition's alarm stands in (FNV-1a). */
export function shardOf(partition: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < partition.length; i++) hash = Math.imul(hash ^ partition.charCodeAt(i), FNV_PRIME);
  return (hash >>> 0) % SHARDS;
}
