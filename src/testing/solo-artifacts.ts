import type { ArtifactRef, Artifacts } from "../domain/engine.ts";
import { createArtifacts } from "../runtime/artifacts.ts";
import { DEFAULT_SETTINGS } from "../runtime/settings.ts";
import { createEnvironment } from "./environment.ts";
import { HEAD, PARTITION, WORK_ID } from "./solo-item.ts";

export interface SoloArtifacts {
  readonly artifacts: Artifacts;
  made(): Promise<(ArtifactRef & { readonly content: Uint8Array })[]>;
}

/** `given`: those of earlier steps, by name. */
export async function createSoloArtifacts(
  given: { readonly [name: string]: string | Uint8Array },
  guard: (what: string) => void,
): Promise<SoloArtifacts> {
  const { blobs, ...deps } = createEnvironment({ settings: DEFAULT_SETTINGS }).depsOf("step");
  const made: ArtifactRef[] = [];
  const artifacts = createArtifacts({ deps: { ...deps, blobs }, partition: PARTITION, workId: WORK_ID, head: HEAD, made, guard });
  for (const [name, content] of Object.entries(given)) await artifacts.put(name, content);
  const earlier = made.length;
  return {
    artifacts,
    made: () =>
      Promise.all(
        made.slice(earlier).map(async (ref) => {
          const bytes: number[] = [];
          for await (const chunk of blobs.get(PARTITION, ref.digest)) for (const byte of chunk) bytes.push(byte);
          return { ...ref, content: Uint8Array.from(bytes) };
        }),
      ),
  };
}
