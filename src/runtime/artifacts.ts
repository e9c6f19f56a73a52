/** Artifacts of a step: blobs at once, references with its commit. */
import type { ArtifactOptions, ArtifactRef, Artifacts } from "../domain/engine.ts";
import { InvalidArgumentError, UnknownArtifactError } from "../domain/errors.ts";
import type { Head } from "../domain/head.ts";
import { decodeJson, encodeJson } from "../domain/json.ts";
import type { BlobContent } from "../ports/blob-store.ts";
import { artifactRef } from "../wire/parts.ts";
import { unheeded } from "./attempt-scope.ts";
import type { Deps } from "./deps.ts";
import { readLines } from "./strands.ts";

const NAME_CHARS = 255;
const encoder = new TextEncoder();

/** Every committed reference, in the order of their commits; a name may come more than once. */
export async function listArtifacts(deps: Deps, partition: string, head: Head): Promise<ArtifactRef[]> {
  const lines = await readLines(deps, partition, "artifact", head.sealedArtifacts);
  return [...head.artifacts, ...lines.map((line) => artifactRef.parse(decodeJson(line)))];
}

export interface ArtifactScope {
  readonly deps: Deps;
  readonly partition: string;
  readonly workId: string;
  readonly head: Head;
  /** References made by this attempt; listed when it commits. */
  readonly made: ArtifactRef[];
  /** Throws when the attempt is over. */
  readonly guard: (what: string) => void;
}

export function createArtifacts(scope: ArtifactScope): Artifacts {
  const { deps, partition, made, guard } = scope;
  async function add(
    name: string,
    content: Uint8Array | string | AsyncIterable<Uint8Array>,
    options: ArtifactOptions = {},
  ): Promise<ArtifactRef> {
    guard("artifacts.put");
    requireName(name);
    requireTexts(options);
    const { digest, bytes } = await deps.blobs.put(partition, bytesOf(content));
    guard("artifacts.put");
    const mediaType = options.mediaType ?? (typeof content === "string" ? "text/plain" : "application/octet-stream");
    const ref: ArtifactRef = {
      name,
      digest,
      bytes,
      mediaType,
      ...(options.metadata === undefined ? {} : { metadata: { ...options.metadata } }),
    };
    made.push(ref);
    return ref;
  }
  const put: Artifacts["put"] = (name, content, options) => unheeded(add(name, content, options));
  return {
    put,
    putJson: (name, value) =>
      put(name, `${JSON.stringify(JSON.parse(encodeJson(value)), null, 2)}\n`, { mediaType: "application/json" }),
    async *read(ref, range) {
      guard("artifacts.read");
      const found = typeof ref === "string" ? await newest(scope, ref) : ref;
      yield* deps.blobs.get(partition, found.digest, range);
    },
  };
}

async function newest(scope: ArtifactScope, name: string): Promise<ArtifactRef> {
  const all = [...(await listArtifacts(scope.deps, scope.partition, scope.head)), ...scope.made];
  return pickArtifact(scope.workId, all, name);
}

/** The newest of a name. @throws UnknownArtifactError */
export function pickArtifact(workId: string, all: readonly ArtifactRef[], name: string): ArtifactRef {
  const found = all.findLast((ref) => ref.name === name);
  if (found === undefined) throw new UnknownArtifactError(workId, name, [...new Set(all.map((ref) => ref.name))]);
  return found;
}

function requireName(name: unknown): void {
  if (typeof name === "string" && name.length > 0 && name.length <= NAME_CHARS && !/\p{Cc}/u.test(name)) return;
  throw new InvalidArgumentError("artifact name", `1 to ${NAME_CHARS} characters without control characters`, name);
}
/** They go into the snapshot as they are. */
function requireTexts({
  mediaType = "",
  metadata = {},
}: {
  mediaType?: unknown;
  metadata?: Readonly<Record<string, unknown>>;
}): void {
  if (typeof mediaType !== "string") throw new InvalidArgumentError("artifact media type", "a text", mediaType);
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== "string") throw new InvalidArgumentError(`artifact metadata ${name}`, "a text", value);
  }
}
function bytesOf(content: Uint8Array | string | AsyncIterable<Uint8Array>): BlobContent {
  if (typeof content === "string") return encoder.encode(content);
  if (content instanceof Uint8Array) return content;
  if (typeof content === "object" && content !== null && Symbol.asyncIterator in content) return content;
  throw new InvalidArgumentError("artifact content", "bytes, text or an async iterable of bytes", content);
}
