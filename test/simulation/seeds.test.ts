/** The runtime under every fault at once: `npm run sim` plays more seeds, and one again. */
import { expect, test } from "vitest";
import { describeSimulated, type Simulated, simulate } from "../../src/testing/simulator/world.ts";
import { playOf } from "./play.ts";

/** `npm run soak` plays an evening's worth. */
const SEEDS = process.env["ROOKERY_SOAK"] === "1" ? 20_000 : 500;
const AT_ONCE = 100;
const TIMEOUT_MS = 120_000;

const told = (run: Simulated): string =>
  `${describeSimulated(run)}\n${run.broken?.message}\nnpm run sim -- --seed ${run.seed} --trace`;

test.each(Array.from({ length: SEEDS / AT_ONCE }, (_, i) => 1 + i * AT_ONCE))(
  "what is promised holds in the seeds from %i on",
  async (from) => {
    const broken: string[] = [];
    for (let seed = from; seed < from + AT_ONCE; seed++) {
      const run = await simulate({ seed, traced: 1 }, playOf);
      if (run.broken !== null) broken.push(told(run));
    }
    expect(broken).toEqual([]);
  },
  TIMEOUT_MS,
);
