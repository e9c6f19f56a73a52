import { randomFillSync } from "node:crypto";
import type { Random } from "../../ports/random.ts";

const FRACTION_BITS = 48;

export function createSystemRandom(): Random {
  return {
    bytes: (count) => randomFillSync(new Uint8Array(count)),
    fraction: () =>
      Buffer.from(randomFillSync(new Uint8Array(FRACTION_BITS / 8))).readUIntBE(0, FRACTION_BITS / 8) / 2 ** FRACTION_BITS,
  };
}
