/** HEAD is written at every step, and a write is billed by the KB: what a usual one takes. */
import { describe, expect, test } from "vitest";
import type { Head } from "../../src/domain/head.ts";
import type { JournalEvent } from "../../src/domain/journal.ts";
import { append, EMPTY_STRAND, type Strand, tailSize, wantsSeal } from "../../src/domain/strand.ts";
import { encodeHead } from "../../src/wire/head.ts";
import { encodeEvents } from "../../src/wire/journal.ts";
import { aHead, inline, NOW, sleeping } from "../domain/builders.ts";
import { codec } from "./formats.ts";

const BLOCK_BYTES = 1_024;

/** A watchlist item after four of six checks: 0.7 KB of JSON. */
const STATE = inline({
  url: "https://status.example.com/incidents/2026-03-17-payments",
  claim: "the incident is resolved and all payments are processed",
  checksRequired: 6,
  observations: ["Investigating", "Identified", "Monitoring", "Resolved"].map((title, i) => ({
    n: i + 1,
    atMs: NOW + i * 61_337,
    status: i === 1 ? 503 : 200,
    bytes: 14_211 + 37 * i,
    digest: ["9e3779b91316f4d7", "3c6ef3722629e9ae", "daa66d2b393cde85", "78dde6e44c4fd35c"][i] ?? "",
    holds: i % 2 === 1,
    title,
  })),
  summary: "3 of 6 checks agree, one failed with a gateway error",
});

async function bytesOf(head: Head): Promise<number> {
  const { body, data } = await encodeHead(head, codec);
  return new TextEncoder().encode(JSON.stringify(body)).byteLength + (data?.byteLength ?? 0);
}
function usual(over: Parameters<typeof aHead>[0] = {}): Head {
  return aHead({
    version: 42,
    token: 17,
    released: true,
    status: sleeping(NOW + 60_000),
    step: "check",
    state: STATE,
    engineVersion: 1,
    meters: { tokens: 18_234, dollars: 0.1834 },
    deadlineAtMs: NOW + 86_400_000,
    updatedAtMs: NOW,
    ...over,
  });
}
const check = (version: number): JournalEvent => ({
  kind: "step",
  version,
  atMs: NOW + version * 61_037,
  step: "check",
  attempt: 1,
  durationMs: 120 + version,
  state: null,
});
/** The longest tail that a commit leaves in the snapshot. */
async function longestTail(): Promise<Strand> {
  let strand = EMPTY_STRAND;
  for (let version = 1; ; version++) {
    const events = Array.from({ length: version }, (_, i) => check(i + 1));
    const longer = append(EMPTY_STRAND, encodeEvents(null, events).lines);
    if (wantsSeal(longer, await bytesOf(usual({ journal: longer })), tailSize(longer), BLOCK_BYTES)) return strand;
    strand = longer;
  }
}

describe("a snapshot with 0.7 KB of state", () => {
  test("is the size that it is meant to be", () => {
    expect(STATE.kind === "inline" && STATE.json.length).toBeGreaterThan(680);
    expect(STATE.kind === "inline" && STATE.json.length).toBeLessThan(740);
  });
  test("takes 700 bytes without tails and artifacts", async () => {
    expect(await bytesOf(usual())).toBeLessThanOrEqual(700);
  });
  test("fits into 1,024 bytes with the longest tail that it keeps", async () => {
    const journal = await longestTail();
    expect(tailSize(journal)).toBeGreaterThan(200);
    expect(await bytesOf(usual({ journal }))).toBeLessThanOrEqual(BLOCK_BYTES);
  });
  test("fits into 1,024 bytes with two artifacts", async () => {
    const artifacts = [1, 2].map((n) => ({
      name: `page-${n}.html`,
      digest: "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046de".padEnd(64, String(n)),
      bytes: 14_211,
      mediaType: "text/html",
    }));
    expect(await bytesOf(usual({ artifacts }))).toBeLessThanOrEqual(BLOCK_BYTES);
  });
});
