/** A worker process of the flight bench: works until it is told to stop, and says what it took. */
import { openEmbedded } from "../src/embedded.ts";
import { defineEngine } from "../src/index.ts";
import { counters } from "./engines.ts";

export interface WorkerReport {
  readonly cpuSeconds: number;
  /** Between the starts of one item's consecutive steps: the step, its commit, and the wait for its group. */
  readonly cycleMs: readonly number[];
}

const [home = "", concurrency = "1"] = process.argv.slice(2);
let cycleMs: number[] = [];
let cpu = process.cpuUsage();
const startedAt = new Map<string, number>();
const { contract, engine } = counters.steps;
const timed = defineEngine(contract, {
  ...engine.code,
  async step(state, ctx) {
    const now = performance.now();
    const before = startedAt.get(ctx.workId);
    if (before !== undefined && ctx.step > 0) cycleMs.push(now - before);
    startedAt.set(ctx.workId, now);
    const outcome = await engine.code.step(state, ctx);
    if (ctx.step + 1 >= 10) startedAt.delete(ctx.workId);
    return outcome;
  },
});

const rookery = openEmbedded({ home, engines: [timed] });
const stop = new AbortController();
process.on("message", (what) => {
  if (what === "stop") return stop.abort();
  const { user, system } = process.cpuUsage(cpu);
  const report: WorkerReport = { cpuSeconds: (user + system) / 1_000_000, cycleMs };
  cycleMs = [];
  cpu = process.cpuUsage();
  process.send?.(what === "reset" ? { cpuSeconds: 0, cycleMs: [] } : report);
});
process.send?.("ready");
await rookery.work(stop.signal, { concurrency: Number(concurrency), sweep: false });
rookery.close();
process.disconnect?.();
