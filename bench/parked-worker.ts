/** A worker process of the parked bench: says how long each signal took to its step, and what it cost. */
import { z } from "zod";
import { openEmbedded } from "../src/embedded.ts";
import { defineContract, defineEngine } from "../src/index.ts";

export const Parked = defineContract({
  id: "bench-parked",
  payload: z.null(),
  result: z.null(),
  signals: { go: z.object({ sentAtMs: z.number() }) },
});

export interface ParkedReport {
  readonly cpuSeconds: number;
  readonly latencyMs: readonly number[];
}

const [home] = process.argv.slice(2);
if (home !== undefined && process.send !== undefined) await work(home);

async function work(folder: string): Promise<void> {
  let latencyMs: number[] = [];
  let cpu = process.cpuUsage();
  const parked = defineEngine(Parked, {
    version: 1,
    state: z.null(),
    init: null,
    async step(state, ctx) {
      if (ctx.wake.kind !== "signal") return ctx.waitFor(state, { signals: ["go"] });
      latencyMs.push(Date.now() - ctx.wake.signal.payload.sentAtMs);
      return ctx.complete(null);
    },
  });
  const rookery = openEmbedded({ home: folder, engines: [parked] });
  const stop = new AbortController();
  process.on("message", (what) => {
    if (what === "stop") return stop.abort();
    const { user, system } = process.cpuUsage(cpu);
    const report: ParkedReport = { cpuSeconds: (user + system) / 1_000_000, latencyMs };
    latencyMs = [];
    cpu = process.cpuUsage();
    process.send?.(report);
  });
  process.send?.("ready");
  await rookery.work(stop.signal);
  rookery.close();
  process.disconnect?.();
}
