/**
 * Loaded into every Lambda of the emulator: what AWS's Node runtime has for streamed answers and the emulator's lacks.
 * The answer is gathered, and framed as a function URL expects it; so it arrives when it is whole, and only as text.
 */
import { Writable } from "node:stream";

const PRELUDE_END = "\0".repeat(8);

/** A stream whose chunks end up in one string. */
class Gathered extends Writable {
  /** @type {Buffer[]} */
  #chunks = [];
  /** @param {string} _type */
  setContentType(_type) {}
  /** @override @param {Buffer} chunk @param {string} _encoding @param {() => void} done */
  _write(chunk, _encoding, done) {
    this.#chunks.push(chunk);
    done();
  }
  text() {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}

/** @typedef {(event: unknown, stream: Gathered, context: unknown) => unknown} StreamedHandler */

const awslambda = {
  /** @param {StreamedHandler} handler */
  streamifyResponse: (handler) => async (/** @type {unknown} */ event, /** @type {unknown} */ context) => {
    const stream = new Gathered();
    const whole = new Promise((resolve, reject) => stream.once("finish", resolve).once("error", reject));
    await Promise.all([handler(event, stream, context), whole]);
    return stream.text();
  },
  HttpResponseStream: {
    /** @param {Gathered} stream @param {unknown} prelude */
    from: (stream, prelude) => {
      stream.write(JSON.stringify(prelude) + PRELUDE_END);
      return stream;
    },
  },
};

Object.assign(globalThis, { awslambda });
