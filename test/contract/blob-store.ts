/** What every BlobStore does. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BlobMissingError } from "../../src/domain/errors.ts";
import type { BlobStore } from "../../src/ports/blob-store.ts";
import { collect, type Subject, times, uniqueName } from "./fixture.ts";

const MEBIBYTE = 1_048_576;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const patterned = (bytes: number) => new Uint8Array(bytes).map((_, index) => (index * 31) % 251);

async function* streamed(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

export function describeBlobStoreContract({ name, create }: Subject<BlobStore>): void {
  describe(`the blob store ${name}`, () => {
    let store: BlobStore;
    let close: (() => void | Promise<void>) | undefined;
    beforeAll(async () => {
      const fixture = await create();
      store = fixture.port;
      close = fixture.close;
    });
    afterAll(() => close?.());
    const newOwner = () => `test/${uniqueName()}`;
    const read = (owner: string, digest: string, range?: { from: number; to: number }) =>
      collect(store.get(owner, digest, range));

    test.each([0, 1, 65_536, 262_144, 262_145, MEBIBYTE])("gives back %i bytes under their digest", async (size) => {
      const [owner, bytes] = [newOwner(), patterned(size)];
      const info = { digest: sha256(bytes), bytes: size };
      expect(await store.put(owner, bytes)).toEqual(info);
      expect(await store.head(owner, info.digest)).toEqual(info);
      expect((await read(owner, info.digest)).equals(bytes)).toBe(true);
    });
    test("takes a stream of chunks as it takes their bytes", async () => {
      const [owner, bytes] = [newOwner(), patterned(300_000)];
      const chunks = [bytes.subarray(0, 1), new Uint8Array(0), bytes.subarray(1, 200_000), bytes.subarray(200_000)];
      expect(await store.put(owner, streamed(...chunks))).toEqual(await store.put(owner, bytes));
      expect((await read(owner, sha256(bytes))).equals(bytes)).toBe(true);
      expect((await store.put(owner, streamed())).bytes).toBe(0);
    });
    test("takes the same bytes twice, and many times at once", async () => {
      const [owner, bytes] = [newOwner(), patterned(10_000)];
      await store.put(owner, bytes);
      const infos = await Promise.all(times(20, (index) => store.put(owner, index % 2 === 0 ? bytes : streamed(bytes))));
      expect(new Set(infos.map(({ digest }) => digest))).toEqual(new Set([sha256(bytes)]));
      expect((await read(owner, sha256(bytes))).equals(bytes)).toBe(true);
    });
    test.each([
      [0, 10],
      [5, 5],
      [262_140, 262_150],
      [100_000, 600_000],
      [599_999, 600_000],
      [599_990, 700_000],
      [700_000, 700_001],
    ])("gives bytes %i up to but not with %i", async (from, to) => {
      const [owner, bytes] = [newOwner(), patterned(600_000)];
      const { digest } = await store.put(owner, bytes);
      expect((await read(owner, digest, { from, to })).equals(bytes.subarray(from, to))).toBe(true);
    });
    test("copies: changing what was put or got changes nothing stored", async () => {
      const [owner, bytes] = [newOwner(), patterned(100)];
      const { digest } = await store.put(owner, bytes);
      bytes.fill(0);
      for await (const chunk of store.get(owner, digest)) chunk.fill(0);
      expect(sha256(await read(owner, digest))).toBe(digest);
    });
    test("names the owner and the digest of a missing blob", async () => {
      const [owner, digest] = [newOwner(), sha256(patterned(1))];
      expect(await store.head(owner, digest)).toBeNull();
      const reading = read(owner, digest);
      await expect(reading).rejects.toBeInstanceOf(BlobMissingError);
      await expect(reading).rejects.toThrow(`blob ${digest} of ${owner} is missing`);
    });
    test("keeps owners apart, and removes all of one", async () => {
      const [owner, other, bytes] = [newOwner(), newOwner(), patterned(100)];
      const { digest } = await store.put(owner, bytes);
      const second = await store.put(owner, patterned(200));
      expect(await store.head(other, digest)).toBeNull();
      await store.put(other, bytes);
      await store.removeAll(owner);
      await store.removeAll(owner);
      expect(await store.head(owner, digest)).toBeNull();
      expect(await store.head(owner, second.digest)).toBeNull();
      expect((await read(other, digest)).equals(bytes)).toBe(true);
      await store.put(owner, bytes);
      expect((await read(owner, digest)).equals(bytes)).toBe(true);
    });
    test("stores nothing of a stream that fails, and hands its error on", async () => {
      const owner = newOwner();
      const failing = async function* () {
        yield patterned(10);
        throw new TypeError("the source broke");
      };
      await expect(store.put(owner, failing())).rejects.toThrow(new TypeError("the source broke"));
      expect(await store.head(owner, sha256(patterned(10)))).toBeNull();
    });
    test("lets a reader stop early", async () => {
      const [owner, bytes] = [newOwner(), patterned(MEBIBYTE)];
      const { digest } = await store.put(owner, bytes);
      for await (const chunk of store.get(owner, digest)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      await store.removeAll(owner);
    });
    test("streams 50 MB in and out", async () => {
      const [owner, chunk] = [newOwner(), patterned(MEBIBYTE)];
      const { digest, bytes } = await store.put(owner, streamed(...times(50, () => chunk)));
      expect(bytes).toBe(50 * MEBIBYTE);
      const hash = createHash("sha256");
      let largest = 0;
      for await (const part of store.get(owner, digest)) {
        hash.update(part);
        largest = Math.max(largest, part.length);
      }
      expect(hash.digest("hex")).toBe(digest);
      expect(largest).toBeLessThanOrEqual(MEBIBYTE);
      await store.removeAll(owner);
    });
  });
}
