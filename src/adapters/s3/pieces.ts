/** A stream in pieces of one size, as uploads want them. */

/**
 * All pieces but the last have exactly `bytes`; there is at least one, empty when the stream is. They are copies: the
 * stream may use its chunks again. `seen` gets every chunk.
 */
export async function* inPieces(
  content: AsyncIterable<Uint8Array>,
  bytes: number,
  seen: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let piece = new Uint8Array(0);
  let filled = 0;
  let any = false;
  for await (const chunk of content) {
    seen(chunk);
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + bytes - filled);
      piece = grown(piece, filled, filled + part.length, bytes);
      piece.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < bytes) continue;
      any = true;
      yield piece;
      piece = new Uint8Array(0);
      filled = 0;
    }
  }
  if (filled > 0 || !any) yield piece.subarray(0, filled);
}

/** Doubled until it holds `needed`: small streams stay small, and none is copied often. */
function grown(piece: Uint8Array<ArrayBuffer>, filled: number, needed: number, most: number): Uint8Array<ArrayBuffer> {
  if (needed <= piece.length) return piece;
  const larger = new Uint8Array(Math.min(most, Math.max(needed, 2 * piece.length)));
  larger.set(piece.subarray(0, filled));
  return larger;
}

/** What was taken off the front, and the rest. */
export async function* rejoined<T>(front: readonly T[], rest: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield* front;
  yield* rest;
}
