/** One item of many steps with fsync off, in a process of its own so that its memory can be watched. */
import { DatabaseSync } from "node:sqlite";
import { openEmbedded } from "../src/embedded.ts";
import { defineEngine } from "../src/index.ts";
import { type CounterName, counters } from "./engines.ts";
import type { JournalReport } from "./journal.ts";

const EARLY_STEPS = 10_000;
const SAMPLE_EVERY = 1_000;
const MIB = 1_048_576;

const [home = "", policy = "steps", steps = "0"] = process.argv.slice(2);
const { contract, engine } = counters[policy as CounterName];
let earlyPeak = 0;
let latePeak = 0;
const watched = defineEngine(contract, {
  ...engine.code,
  step(state, ctx) {
    if (ctx.step % SAMPLE_EVERY === 0) {
      globalThis.gc?.();
      const { rss } = process.memoryUsage();
      if (ctx.step <= EARLY_STEPS) earlyPeak = Math.max(earlyPeak, rss);
      else latePeak = Math.max(latePeak, rss);
    }
    return engine.code.step(state, ctx);
  },
});

const rookery = openEmbedded({ home, engines: [watched], synchronous: "off" });
const stop = new AbortController();
const done = rookery.work(stop.signal, { concurrency: 1, sweep: false });
const { workId } = await rookery.enqueue(contract, { steps: Number(steps) });
await rookery.result(contract, workId, { timeoutMs: 600_000 });
const { createdAtMs, endedAtMs } = await rookery.status(workId);
stop.abort();
await done;
rookery.close();
const db = new DatabaseSync(rookery.databasePath, { readOnly: true });
const size = "sum(length(partition) + length(sort) + length(write_id) + length(CAST(body AS BLOB)) + coalesce(length(data), 0))";
const all = db.prepare(`SELECT count(*) AS rows, ${size} AS bytes FROM records`).get();
const segments = db.prepare(`SELECT coalesce(${size}, 0) AS bytes FROM records WHERE sort LIKE 'segment/%'`).get();
const head = db.prepare("SELECT length(body) AS bytes FROM records WHERE sort = 'LIVE/HEAD'").get();
db.close();
const report: JournalReport = {
  seconds: ((endedAtMs ?? 0) - createdAtMs) / 1_000,
  bytes: Number(all?.["bytes"]),
  journalBytes: Number(segments?.["bytes"]) + Number(head?.["bytes"]),
  rows: Number(all?.["rows"]),
  earlyPeakMb: earlyPeak / MIB,
  latePeakMb: latePeak / MIB,
};
process.send?.(report);
process.disconnect?.();
