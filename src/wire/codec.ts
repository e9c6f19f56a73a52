/** How text becomes bytes at rest. Compression when it pays; async, so that encryption has a place. */
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import { RecordUndecodableError } from "../domain/errors.ts";

export type Encoding = "utf8" | "deflate";
export interface Encoded {
  readonly encoding: Encoding;
  readonly data: Uint8Array;
}

/** Compression is tried from this size on, and kept when it saves a block or an eighth. */
export interface CodecOptions {
  readonly deflateFromBytes: number;
}
export interface Codec {
  encode(text: string, options?: { plain: boolean }): Promise<Encoded>;
  decode(encoding: Encoding, data: Uint8Array, what: string): Promise<string>;
}

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

export function createCodec(options: CodecOptions): Codec {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return {
    async encode(text, how) {
      const plain = Buffer.from(text, "utf8");
      if (how?.plain === true || plain.byteLength < options.deflateFromBytes) return { encoding: "utf8", data: plain };
      const packed = await deflate(plain);
      return packed.byteLength < (plain.byteLength * 7) / 8
        ? { encoding: "deflate", data: packed }
        : { encoding: "utf8", data: plain };
    },
    async decode(encoding, data, what) {
      try {
        return decoder.decode(encoding === "deflate" ? await inflate(data) : data);
      } catch (error) {
        throw new RecordUndecodableError(what, error instanceof Error ? error.message : String(error));
      }
    },
  };
}
