import { expect, test } from "vitest";
import { createVirtualClock } from "../../src/adapters/memory/clock.ts";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import { describeClockContract } from "./clock.ts";

describeClockContract({
  name: "of the system",
  create: () => ({ clock: createSystemClock(), pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) }),
});
describeClockContract({
  name: "that is virtual",
  create: () => {
    const clock = createVirtualClock();
    return { clock, pass: async (ms) => clock.advance(ms) };
  },
});

test("the virtual clock fires timers that are set while it advances, each at its instant", () => {
  const clock = createVirtualClock(1_000);
  const instants: number[] = [];
  const tick = (): void => {
    instants.push(clock.nowMs());
    if (instants.length < 10) clock.after(100, tick);
  };
  clock.after(100, tick);
  clock.advance(350);
  expect(instants).toEqual([1_100, 1_200, 1_300]);
  expect(clock.nowMs()).toBe(1_350);
  expect(clock.nextTimerInMs()).toBe(50);
});

test("setting the virtual clock neither fires nor delays timers", () => {
  const clock = createVirtualClock(1_000);
  let calls = 0;
  clock.advance(50);
  clock.after(100, () => calls++);
  clock.setNowMs(500_000);
  expect(calls).toBe(0);
  clock.setNowMs(0);
  clock.advance(100);
  expect(calls).toBe(1);
  expect(clock.nowMs()).toBe(100);
});
