/** 100,000 steps of one item in each journal policy: what is stored, in how many rows, and whether memory stays flat. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { CounterName } from "./engines.ts";
import { withHome } from "./support.ts";

export interface JournalReport {
  readonly seconds: number;
  /** Of the segments and the tail in the snapshot: what the journal itself takes. */
  readonly journalBytes: number;
  /** Of all records of the item, keys included. */
  readonly bytes: number;
  readonly rows: number;
  /** Highest resident memory, garbage collected, up to step 10,000 and from there to the end. */
  readonly earlyPeakMb: number;
  readonly latePeakMb: number;
}

const STEPS = 100_000;
/** Garbage is collected before each sample, and the young generation does not grow: what is left is memory in use. */
const MEMORY_FLAGS = ["--expose-gc", "--max-semi-space-size=16"];

export async function journal(policy: CounterName, steps = STEPS): Promise<object> {
  return withHome(async (home) => {
    const script = fileURLToPath(new URL("./journal-worker.ts", import.meta.url));
    const child = fork(script, [home, policy, String(steps)], { execArgv: MEMORY_FLAGS });
    const [report] = (await once(child, "message")) as [JournalReport];
    await once(child, "exit");
    const { seconds, bytes, journalBytes, rows, earlyPeakMb, latePeakMb } = report;
    return {
      policy,
      steps,
      stepsPerSecond: Math.round(steps / seconds),
      bytes,
      bytesPerStep: Math.round((100 * bytes) / steps) / 100,
      journalBytesPerStep: Math.round((100 * journalBytes) / steps) / 100,
      ...(policy === "compact" ? { bytesPerStepAtMost: 2 } : {}),
      rows,
      rowsAtMost: 10 + Math.floor(bytes / 8_192),
      memoryGrowthMb: Math.round(10 * (latePeakMb - earlyPeakMb)) / 10,
      memoryGrowthMbAtMost: 30,
    };
  });
}
