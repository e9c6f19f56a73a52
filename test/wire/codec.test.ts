import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecordUndecodableError } from "../../src/domain/errors.ts";
import { createCodec } from "../../src/wire/codec.ts";
import { sha256 } from "../../src/wire/digest.ts";

const codec = createCodec({ deflateFromBytes: 100 });
const bytesOf = (text: string) => new TextEncoder().encode(text);

describe("the codec", () => {
  test("brings any text back, packed or plain", async () => {
    const text = fc
      .tuple(fc.string({ unit: "grapheme", maxLength: 50 }), fc.integer({ min: 1, max: 100 }))
      .map(([one, times]) => one.repeat(times));
    await fc.assert(
      fc.asyncProperty(text, fc.boolean(), async (value, plain) => {
        const { encoding, data } = await codec.encode(value, { plain });
        expect(await codec.decode(encoding, new Uint8Array(data), "x")).toBe(value);
        if (plain) expect(encoding).toBe("utf8");
      }),
    );
  });
  // Known: the decoder takes a leading mark away. No JSON text begins with one.
  test("brings a byte order mark back too", async () => {
    const { encoding, data } = await codec.encode("\ufeffa");
    expect(await codec.decode(encoding, data, "x")).toBe("\ufeffa");
  });
  test("packs from its size on, when that saves an eighth", async () => {
    expect((await codec.encode("a".repeat(99))).encoding).toBe("utf8");
    expect((await codec.encode("a".repeat(100))).encoding).toBe("deflate");
    expect((await codec.encode("é".repeat(50))).encoding).toBe("deflate");
    const dense = fc
      .sample(fc.string({ unit: "binary-ascii", minLength: 300, maxLength: 300 }), { numRuns: 1, seed: 1 })
      .join("");
    expect(await codec.encode(dense)).toEqual({ encoding: "utf8", data: expect.anything() });
  });
  test("leaves text as it is when that is asked for", async () => {
    const { encoding, data } = await codec.encode("a".repeat(1_000), { plain: true });
    expect([encoding, data.byteLength]).toEqual(["utf8", 1_000]);
    expect((await codec.encode("a".repeat(1_000), { plain: false })).encoding).toBe("deflate");
  });
  test("says which record has bytes that it cannot read", async () => {
    const invalid = new Uint8Array([0xff, 0xfe]);
    const { data } = await codec.encode("a".repeat(1_000));
    for (const [encoding, bytes] of [
      ["utf8", invalid],
      ["deflate", bytesOf("not deflated")],
      ["deflate", data.slice(0, -1)],
      ["deflate", new Uint8Array()],
    ] as const) {
      const decoding = codec.decode(encoding, bytes, "record HEAD of x");
      await expect(decoding).rejects.toThrow(RecordUndecodableError);
      await expect(decoding).rejects.toThrow(/^record HEAD of x cannot be decoded: ./);
    }
  });
  test("throws nothing else, whatever the bytes are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), fc.constantFrom("utf8" as const, "deflate" as const), async (data, encoding) => {
        const error: unknown = await codec.decode(encoding, data, "x").then(
          () => null,
          (thrown: unknown) => thrown,
        );
        if (error !== null) expect(error).toBeInstanceOf(RecordUndecodableError);
      }),
    );
  });
});

test("a digest is the SHA-256 of the text's bytes", () => {
  expect(sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(sha256("é")).toBe("4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c");
});
