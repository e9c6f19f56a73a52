/** The snapshot of a watchlist item at work, as sizes are measured by it. */
import type { ArtifactRef } from "../../src/domain/engine.ts";
import type { Head } from "../../src/domain/head.ts";
import type { JournalEvent } from "../../src/domain/journal.ts";
import { append, EMPTY_STRAND, type Strand } from "../../src/domain/strand.ts";
import { encodeEvents } from "../../src/wire/journal.ts";
import { aHead, inline, NOW, sleeping } from "../domain/builders.ts";

/** After four of six checks: 0.7 KB of JSON. */
export const STATE = inline({
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

export function usualHead(over: Parameters<typeof aHead>[0] = {}): Head {
  return aHead({
    version: 42,
    token: 17,
    released: true,
    status: sleeping(NOW + 60_000),
    step: "check",
    state: STATE,
    engineVersion: 1,
    meters: { tokens: 18_234, dollars: 0.1834 },
    units: { writes: 131, reads: 88, requests: 129.5, puts: 4, gets: 2 },
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
/** Of the first `count` steps. */
export function journalOf(count: number): Strand {
  const events = Array.from({ length: count }, (_, i) => check(i + 1));
  return append(EMPTY_STRAND, encodeEvents(null, events).lines);
}
export function artifactsOf(count: number): ArtifactRef[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `page-${i + 1}.html`,
    digest: "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046de".padEnd(64, String(i)),
    bytes: 14_211,
    mediaType: "text/html",
  }));
}
