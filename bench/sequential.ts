/**
 * One item, step after step: what a commit costs beside SQLite's own. The raw limit is measured in between, every
 * thousand steps, so that a noisy machine slows both.
 */
import { DatabaseSync } from "node:sqlite";
import { openEmbedded } from "../src/embedded.ts";
import { defineEngine } from "../src/index.ts";
import { counters } from "./engines.ts";
import { createRaw } from "./raw.ts";
import { median, round, withHome } from "./support.ts";

const STEPS = 10_000;
const SLICE = 1_000;
const RAW_MS = 150;

export async function sequential(): Promise<object> {
  return withHome(async (home) => {
    const { contract, engine } = counters.steps;
    const slices: { steps: number; raw: number }[] = [];
    let rowBytes = 0;
    let from = 0;
    let measuring = false;
    const watched = defineEngine(contract, {
      ...engine.code,
      step(state, ctx) {
        if (measuring && ctx.step % SLICE === 0) {
          const stepsPerSecond = (SLICE / (performance.now() - from)) * 1_000;
          rowBytes = headBytes(rookery.databasePath, ctx.workId) || rowBytes;
          const raw = createRaw(rowBytes);
          slices.push({ steps: stepsPerSecond, raw: raw.perSecond(1, RAW_MS) });
          raw.close();
          from = performance.now();
        }
        return engine.code.step(state, ctx);
      },
    });
    const rookery = openEmbedded({ home, engines: [watched] });
    const stop = new AbortController();
    const done = rookery.work(stop.signal, { concurrency: 1, sweep: false });
    for (const steps of [2 * SLICE, STEPS]) {
      measuring = steps === STEPS;
      const { workId } = await rookery.enqueue(contract, { steps });
      const end = await rookery.result(contract, workId, { timeoutMs: 120_000 });
      if (end.status !== "completed") throw new Error(`expected the item to complete, got ${end.status}`);
    }
    stop.abort();
    await done;
    rookery.close();
    const measured = slices.slice(1);
    return {
      steps: STEPS,
      stepsPerSecond: Math.round(median(measured.map((slice) => slice.steps))),
      rawOnePerCommit: Math.round(median(measured.map((slice) => slice.raw))),
      rowBytes,
      ratio: round(median(measured.map((slice) => slice.steps / slice.raw))),
      ratioAtLeast: 0.5,
    };
  });
}

/** The size of a snapshot as stored, so that the raw rows are as large. */
export function headBytes(path: string, workId: string): number {
  const db = new DatabaseSync(path, { readOnly: true });
  const row = db
    .prepare(
      "SELECT length(body) + coalesce(length(data), 0) AS bytes FROM records WHERE partition LIKE ? AND sort = 'LIVE/HEAD'",
    )
    .get(`%/${workId}`);
  db.close();
  return Number(row?.["bytes"] ?? 0);
}
