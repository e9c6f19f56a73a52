/** The simulator itself: a seed is one run, breaks of the runtime are found, and what a failure does not need is left out. */
import { expect, test } from "vitest";
import type { Intercept, PortCall } from "../../src/adapters/memory/intercept.ts";
import { fieldOf } from "../../src/testing/simulator/trace.ts";
import { type Simulated, type SimulationOptions, shrink, simulate } from "../../src/testing/simulator/world.ts";
import { playOf } from "./play.ts";

/** Within so many a break of the runtime is found. */
const SEEDS = 100;
const TIMEOUT_MS = 120_000;

const digestOf = async (seed: number): Promise<string> => (await simulate({ seed, digested: true }, playOf)).digest;

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
  isWriteOf(call, "effect/") && call.args[1] === "absent" && fieldOf(bodyOf(call, "state"), "kind") === "reserved";

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
/** An effect is on record once its code has returned, and not before. */
const reservesNothing = (): Intercept => {
  const NOWHERE = 0;
  return async <T>(call: PortCall, run: () => Promise<T>): Promise<T> => {
    if (isReservation(call)) return { ok: true, revision: NOWHERE } as T;
    if (isWriteOf(call, "effect/") && call.args[1] === NOWHERE) Reflect.set(call.args, 1, "absent");
    return run();
  };
};
/** `only`: the workloads that meet it, where others would stumble over something else first. */
async function firstBroken(
  around: NonNullable<SimulationOptions["around"]>,
  only: readonly string[] | null = null,
): Promise<Simulated> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = await simulate({ seed, around }, (theatre) => playOf(theatre, only));
    if (run.broken !== null) return run;
  }
  throw new Error(`no seed of ${SEEDS} finds it`);
}

test.each([
  ["an alarm that is not moved", forgets(isAlarm), null, /^G3|^bound/],
  ["a signal that is not kept", forgets((call) => isWriteOf(call, "LIVE/inbox/")), null, /signal|G3/],
  ["an effect that is not reserved", reservesNothing, ["effects"], /^G6: what is in doubt is not run again unasked/],
  ["a lost claim that is taken for a won one", claimsAnyway, null, /G[24]/],
] as const)(
  "%s is found",
  async (_what, around, only, says) => {
    expect((await firstBroken(around, only)).broken?.message).toMatch(says);
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
