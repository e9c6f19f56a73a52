import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createEmbeddedBlobStore } from "../../src/adapters/embedded/blob-store.ts";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import { createSystemRandom } from "../../src/adapters/node/random.ts";
import { BlobAlteredError, BlobMissingError, InvalidArgumentError } from "../../src/domain/errors.ts";
import type { BlobStore } from "../../src/ports/blob-store.ts";
import { createHome, type Home } from "../contract/embedded.ts";
import { collect } from "../contract/fixture.ts";

const OWNER = "test/item";
const BYTES = new Uint8Array(600_000).fill(7);

let home: Home;
let store: BlobStore;
const open = () => createEmbeddedBlobStore({ home: home.path, clock: createSystemClock(), random: createSystemRandom() });
beforeEach(() => {
  home = createHome();
  store = open();
});
afterEach(() => home.close());

const fileOf = (digest: string) => join(home.path, "blobs", "test", "item", digest);

test("a blob is a file under its owner and its digest", async () => {
  const { digest } = await store.put(OWNER, BYTES);
  expect(readFileSync(fileOf(digest)).equals(BYTES)).toBe(true);
  expect(readdirSync(join(home.path, "blobs", ".tmp"))).toEqual([]);
});

describe("a blob that was altered is not passed off as itself", () => {
  const altered: readonly [string, (bytes: Buffer) => Uint8Array][] = [
    ["a changed first byte", (bytes) => bytes.fill(8, 0, 1)],
    ["a changed last byte", (bytes) => bytes.fill(8, BYTES.length - 1)],
    ["a missing end", (bytes) => bytes.subarray(0, -1)],
    ["nothing left", () => new Uint8Array(0)],
    ["something added", (bytes) => Buffer.concat([bytes, Buffer.of(0)])],
  ];
  test.each(altered)("%s", async (_what, alter) => {
    const { digest } = await store.put(OWNER, BYTES);
    writeFileSync(fileOf(digest), alter(readFileSync(fileOf(digest))));
    await expect(collect(store.get(OWNER, digest))).rejects.toThrow(BlobAlteredError);
    await expect(collect(store.get(OWNER, digest))).rejects.toThrow(
      `blob of ${OWNER} was altered: expected SHA-256 ${digest}, got `,
    );
    await expect(collect(store.get(OWNER, digest, { from: 300_000, to: 300_001 }))).rejects.toThrow(BlobAlteredError);
    await store.put(OWNER, BYTES);
    expect(Buffer.from(await collect(store.get(OWNER, digest))).equals(BYTES), "a put mends it").toBe(true);
  });
  test("an altered end is noticed before the last chunk is given", async () => {
    const { digest } = await store.put(OWNER, BYTES);
    writeFileSync(fileOf(digest), readFileSync(fileOf(digest)).fill(8, BYTES.length - 1));
    let given = 0;
    const reading = async () => {
      for await (const chunk of store.get(OWNER, digest)) given += chunk.length;
    };
    await expect(reading()).rejects.toThrow(BlobAlteredError);
    expect(given).toBeLessThan(BYTES.length);
  });
  test("one of the wrong size is written again by a put", async () => {
    const { digest } = await store.put(OWNER, BYTES);
    writeFileSync(fileOf(digest), "cut");
    await store.put(OWNER, BYTES);
    expect((await collect(store.get(OWNER, digest))).equals(BYTES)).toBe(true);
  });
});

test("a blob whose file is gone is missing, by name", async () => {
  const { digest } = await store.put(OWNER, BYTES);
  rmSync(fileOf(digest));
  expect(await store.head(OWNER, digest)).toBeNull();
  await expect(collect(store.get(OWNER, digest))).rejects.toThrow(new BlobMissingError(OWNER, digest));
});

describe("nothing leads out of the folder", () => {
  const digest = "0".repeat(64);
  test.each(["", "a", "../a", "a/..", "a/../../b", "/etc/a", "a/b/c", "a//b", "a/b\u0000", ".tmp/a", "a/.b", "a\\b/c", "a/b/"])(
    "the owner %j is refused",
    async (owner) => {
      await expect(store.put(owner, BYTES)).rejects.toThrow(InvalidArgumentError);
      await expect(store.head(owner, digest)).rejects.toThrow(InvalidArgumentError);
      await expect(collect(store.get(owner, digest))).rejects.toThrow(InvalidArgumentError);
      await expect(store.removeAll(owner)).rejects.toThrow(InvalidArgumentError);
    },
  );
  test.each(["", "..", "a".repeat(63), "A".repeat(64), `../${"0".repeat(61)}`])("the digest %j is refused", async (wrong) => {
    await expect(store.head(OWNER, wrong)).rejects.toThrow(InvalidArgumentError);
    await expect(collect(store.get(OWNER, wrong))).rejects.toThrow(InvalidArgumentError);
  });
});

test("what a dead process left half written is tidied up an hour later", () => {
  const folder = join(home.path, "blobs", ".tmp");
  mkdirSync(folder, { recursive: true });
  const [old, fresh] = [join(folder, "old"), join(folder, "fresh")];
  for (const path of [old, fresh]) writeFileSync(path, "half");
  const hoursAgo = Date.now() / 1_000 - 7_200;
  utimesSync(old, hoursAgo, hoursAgo);
  open();
  expect([existsSync(old), existsSync(fresh)]).toEqual([false, true]);
});
