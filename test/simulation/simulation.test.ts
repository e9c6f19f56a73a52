/** The runtime under every fault at once: `npm run sim` plays more seeds, and one again. */
import { expect, test } from "vitest";
import type { Intercept, PortCall } from "../../src/adapters/memory/intercept.ts";
import { fieldOf } from "../../src/testing/simulator/trace.ts";
import {
  describeSimulated,
  type Simulated,
  type SimulationOptions,
  shrink,
  simulate,
} from "../../src/testing/simulator/world.ts";
import { playOf } from "./play.ts";

const SEEDS = 500;
const AT_ONCE = 100;
const TIMEOUT_MS = 120_000;

const told = (run: Simulated): string =>
  `${describeSimulated(run)}\n${run.broken?.message}\nnpm run sim -- --seed ${run.seed} --trace`;
const digestOf = async (seed: number): Promise<string> => (await simulate({ seed, digested: true }, playOf)).digest;

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

test("a seed is the same run to the byte, whatever was run before it", async () => {
  const seeds = [3, 7, 30];
  const first = [];
  for (const seed of seeds) first.push(await digestOf(seed));
  const again = [];
  for (const seed of seeds.toReversed()) again.unshift(await digestOf(seed));
  expect(again).toEqual(first);
  expect(new Set(first).size).toBe(seeds.length);
});

/** Breaks of the runtime that can be made from outside of it: something is said to be written, and is not. */
const isWriteOf = (call: PortCall, prefix: string): boolean =>
  call.method === "write" && String(fieldOf(call.args[0], "sort")).startsWith(prefix);
const bodyOf = ({ args }: PortCall, name: string): unknown => fieldOf(fieldOf(args[0], "body"), name);
const isAlarm = (call: PortCall): boolean => isWriteOf(call, "LIVE/DUE") && bodyOf(call, "why") !== "enqueue";
const isReservation = (call: PortCall): boolean =>
  isWriteOf(call, "effect/") && fieldOf(bodyOf(call, "state"), "kind") === "reserved";

function forgets(what: (call: PortCall) => boolean): (name: string) => Intercept {
  return () =>
    async <T>(call: PortCall, run: () => Promise<T>): Promise<T> =>
      what(call) ? ({ ok: true, revision: Number(call.args[1]) + 1 } as T) : run();
}
/** Whoever loses the race for a lease goes on as if it had won. */
const claimsAnyway = (): Intercept => async (call, run) => {
  const answer = await run();
  if (isWriteOf(call, "LIVE/LEASE")) Object.assign(Object(answer), { ok: true, revision: 1 });
  return answer;
};
async function firstBroken(around: NonNullable<SimulationOptions["around"]>): Promise<Simulated> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = await simulate({ seed, around }, playOf);
    if (run.broken !== null) return run;
  }
  throw new Error(`no seed of ${SEEDS} finds it`);
}

test.each([
  ["an alarm that is not moved", forgets(isAlarm), /^G3|^bound/],
  ["a signal that is not kept", forgets((call) => isWriteOf(call, "LIVE/inbox/")), /signal|G3/],
  ["an effect that is not reserved", forgets(isReservation), /^G[356]|^bound/],
  ["a lost claim that is taken for a won one", claimsAnyway, /G[24]/],
] as const)(
  "%s is found",
  async (_what, around, says) => {
    expect((await firstBroken(around)).broken?.message).toMatch(says);
  },
  TIMEOUT_MS,
);

test(
  "the faults of a failing seed that it does not need are switched off",
  async () => {
    const failing = await firstBroken(forgets(isAlarm));
    const { run, without } = await shrink(failing, (off) =>
      simulate({ seed: failing.seed, without: off, around: forgets(isAlarm) }, playOf),
    );
    expect(run.broken).not.toBeNull();
    for (const kind of without) expect(run.injected.map((one) => one.kind)).not.toContain(kind);
  },
  TIMEOUT_MS,
);
