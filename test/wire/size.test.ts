/** HEAD is written at every step, and a write is billed by the KB: what a usual one takes. */
import { describe, expect, test } from "vitest";
import type { Head } from "../../src/domain/head.ts";
import { EMPTY_STRAND, type Strand, tailSize, wantsSeal } from "../../src/domain/strand.ts";
import { encodeHead } from "../../src/wire/head.ts";
import { codec } from "./formats.ts";
import { artifactsOf, journalOf, STATE, usualHead } from "./usual-head.ts";

const BLOCK_BYTES = 1_024;

async function bytesOf(head: Head): Promise<number> {
  const { body, data } = await encodeHead(head, codec);
  return new TextEncoder().encode(JSON.stringify(body)).byteLength + (data?.byteLength ?? 0);
}
/** The longest tail that a commit leaves in the snapshot. */
async function longestTail(more: Partial<Head> = {}): Promise<Strand> {
  let strand = EMPTY_STRAND;
  for (let version = 1; ; version++) {
    const longer = journalOf(version);
    if (wantsSeal(longer, await bytesOf(usualHead({ ...more, journal: longer })), tailSize(longer), BLOCK_BYTES)) return strand;
    strand = longer;
  }
}

describe("a snapshot with 0.7 KB of state", () => {
  test("is the size that it is meant to be", () => {
    expect(STATE.kind === "inline" && STATE.json.length).toBeGreaterThan(680);
    expect(STATE.kind === "inline" && STATE.json.length).toBeLessThan(740);
  });
  test("takes 700 bytes without tails and artifacts", async () => {
    expect(await bytesOf(usualHead())).toBeLessThanOrEqual(700);
  });
  test("fits into 1,024 bytes with the longest tail that it keeps", async () => {
    const journal = await longestTail();
    expect(tailSize(journal)).toBeGreaterThan(200);
    expect(await bytesOf(usualHead({ journal }))).toBeLessThanOrEqual(BLOCK_BYTES);
  });
  test("fits into 1,024 bytes with the four artifacts that it keeps", async () => {
    expect(await bytesOf(usualHead({ artifacts: artifactsOf(4) }))).toBeLessThanOrEqual(BLOCK_BYTES);
  });
  test("and with them and the tail that it keeps then", async () => {
    const artifacts = artifactsOf(4);
    const journal = await longestTail({ artifacts });
    expect(tailSize(journal)).toBeGreaterThan(50);
    // What the store takes is some 70 bytes less than its JSON.
    expect(await bytesOf(usualHead({ artifacts, journal }))).toBeLessThanOrEqual(BLOCK_BYTES + 60);
  });
});
