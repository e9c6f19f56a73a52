/** One item, step after step: what a commit costs beside SQLite's own. */
import { DatabaseSync } from "node:sqlite";
import { openEmbedded } from "../src/embedded.ts";
import { counters } from "./engines.ts";
import { measureRaw } from "./raw.ts";
import { withHome } from "./support.ts";

const STEPS = 10_000;

export async function sequential(): Promise<object> {
  return withHome(async (home) => {
    const { contract, engine } = counters.steps;
    const rookery = openEmbedded({ home, engines: [engine] });
    const stop = new AbortController();
    const done = rookery.work(stop.signal, { concurrency: 1, sweep: false });
    const warm = await rookery.enqueue(contract, { steps: 500 });
    await rookery.result(contract, warm.workId, { timeoutMs: 60_000 });
    const before = measureRaw(headBytes(rookery.databasePath, warm.workId));
    const from = performance.now();
    const { workId } = await rookery.enqueue(contract, { steps: STEPS });
    const end = await rookery.result(contract, workId, { timeoutMs: 120_000 });
    const seconds = (performance.now() - from) / 1_000;
    const after = measureRaw(before.rowBytes);
    stop.abort();
    await done;
    rookery.close();
    if (end.status !== "completed") throw new Error(`expected the item to complete, got ${end.status}`);
    const stepsPerSecond = Math.round(STEPS / seconds);
    const raw = Math.round((before.onePerCommit + after.onePerCommit) / 2);
    return {
      steps: STEPS,
      stepsPerSecond,
      rawOnePerCommit: raw,
      rowBytes: before.rowBytes,
      ratio: round(stepsPerSecond / raw),
      atLeast: 0.5,
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
export function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
