/** Quick hashes of 52 bits: two of them can be added without a loss. */
const HALF = 2 ** 26;
const WHOLE = 2 ** 52;

export function hashOf(text: string): number {
  let low = 0x9e3779b1;
  let high = 0x85ebca6b;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x5bd1e995);
    high ^= high >>> 13;
  }
  low = Math.imul(low ^ (low >>> 15) ^ high, 0x2c1b3c6d);
  high = Math.imul(high ^ (high >>> 16) ^ low, 0x297a2d39);
  return ((low ^ (low >>> 12)) >>> 6) * HALF + ((high ^ (high >>> 15)) >>> 6);
}
/** In any order: the hash of a set is the sum of those of its members. */
export function sumOf(a: number, b: number): number {
  return (a + b) % WHOLE;
}
export function without(sum: number, part: number): number {
  return (sum - part + WHOLE) % WHOLE;
}
