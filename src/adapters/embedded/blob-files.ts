/** The files of the blob store, and what the system's errors about them mean. */
import { readdirSync, rmSync, statSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StoreUnavailableError } from "../../domain/errors.ts";
import { HOUR_MS } from "../../domain/limits.ts";
import type { BlobContent } from "../../ports/blob-store.ts";
import type { Random } from "../../ports/random.ts";

const CHUNK_BYTES = 262_144;
const NAME_BYTES = 12;
/** Nobody writes one blob for so long: what is older was left by a process that died. */
const STALE_MS = HOUR_MS;

export type BlobFiles = ReturnType<typeof createBlobFiles>;

/** Paths are relative to the root. Every failure of the system is a `StoreUnavailableError` that names the path. */
export function createBlobFiles(root: string, random: Random) {
  const temporaryFolder = join(root, ".tmp");
  const nameTemporary = () => join(temporaryFolder, Buffer.from(random.bytes(NAME_BYTES)).toString("hex"));
  return {
    /** Null when there is none. */
    async sizeOf(path: string): Promise<number | null> {
      const full = join(root, path);
      return named(full, () => orNullIfMissing(stat(full).then(({ size }) => size)));
    },
    /** Null when there is none. Chunks are the reader's to keep. */
    async open(path: string): Promise<AsyncIterable<Uint8Array> | null> {
      const full = join(root, path);
      const file = await named(full, () => orNullIfMissing(open(full, "r")));
      return file && chunksOf(file, full);
    },
    /** On disk under a passing name, which is returned. `seen` gets every chunk. */
    async writeTemporary(content: BlobContent, seen: (chunk: Uint8Array) => void): Promise<string> {
      const full = nameTemporary();
      const file = await named(full, async () => {
        await mkdir(temporaryFolder, { recursive: true });
        return open(full, "wx");
      });
      try {
        await writeAll(file, full, content, seen);
      } catch (thrown) {
        await file.close();
        await rm(full, { force: true });
        throw thrown;
      }
      await file.close();
      return full;
    },
    /** Gives it its name, for good. */
    async publish(temporary: string, path: string): Promise<void> {
      const full = join(root, path);
      await named(full, async () => {
        await moveInto(temporary, full);
        await syncFolders(dirname(full), dirname(root));
      });
    },
    /** Makes the name of a file that is there as lasting as its content. */
    sync: (path: string): Promise<void> => named(join(root, path), () => syncFolders(dirname(join(root, path)), dirname(root))),
    removeAll: (folder: string): Promise<void> =>
      named(join(root, folder), () => rm(join(root, folder), { recursive: true, force: true })),
    removeStale: (nowMs: number): void => removeStale(temporaryFolder, nowMs),
  };
}

async function writeAll(file: FileHandle, path: string, content: BlobContent, seen: (chunk: Uint8Array) => void): Promise<void> {
  for await (const chunk of content instanceof Uint8Array ? [content] : content) {
    seen(chunk);
    await named(path, () => file.writeFile(chunk));
  }
  await named(path, () => file.sync());
}

async function* chunksOf(file: FileHandle, path: string): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const { bytesRead, buffer } = await named(path, () => file.read(new Uint8Array(CHUNK_BYTES), 0, CHUNK_BYTES, null));
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** Its folder may be removed between the two steps, by a `removeAll`: once more, then. */
async function moveInto(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await rename(from, to);
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  }
}

/** The folder and those above it up to the root: any of them may be new. */
async function syncFolders(folder: string, root: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (folder !== root && folder.startsWith(root)) await syncFolders(dirname(folder), root);
}

function removeStale(folder: string, nowMs: number): void {
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (statSync(path).mtimeMs < nowMs - STALE_MS) rmSync(path, { force: true });
    }
  } catch {
    // No folder yet, or another process tidies up too: there is always a next time.
  }
}

async function orNullIfMissing<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}
function isMissing(thrown: unknown): boolean {
  return isSystemError(thrown) && thrown.code === "ENOENT";
}
function isSystemError(thrown: unknown): thrown is Error & { readonly code: unknown } {
  return thrown instanceof Error && "syscall" in thrown && "code" in thrown;
}

async function named<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (thrown) {
    throw isSystemError(thrown) ? new StoreUnavailableError(`blob ${path}`, thrown) : thrown;
  }
}
