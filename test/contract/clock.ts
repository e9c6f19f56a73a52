/** What every Clock does. `pass` lets at least so much time go by. */
import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/ports/clock.ts";

export interface ClockSubject {
  readonly name: string;
  readonly create: () => { readonly clock: Clock; readonly pass: (ms: number) => Promise<void> };
}

export function describeClockContract({ name, create }: ClockSubject): void {
  describe(`the clock ${name}`, () => {
    test("goes on", async () => {
      const { clock, pass } = create();
      const beforeMs = clock.nowMs();
      expect(Number.isInteger(beforeMs)).toBe(true);
      await pass(20);
      expect(clock.nowMs()).toBeGreaterThanOrEqual(beforeMs + 19);
    });
    test("calls back once, when the delay is over", async () => {
      const { clock, pass } = create();
      let calls = 0;
      clock.after(30, () => calls++);
      expect(calls).toBe(0);
      await pass(10);
      expect(calls).toBe(0);
      await pass(60);
      expect(calls).toBe(1);
    });
    test.each([0, -5])("calls back soon after %i ms, but not at once", async (delayMs) => {
      const { clock, pass } = create();
      let calls = 0;
      clock.after(delayMs, () => calls++);
      expect(calls).toBe(0);
      await pass(20);
      expect(calls).toBe(1);
    });
    test("does not call back once it is cancelled, however often", async () => {
      const { clock, pass } = create();
      let calls = 0;
      const cancel = clock.after(10, () => calls++);
      cancel();
      cancel();
      await pass(30);
      expect(calls).toBe(0);
    });
    test("calls back in the order of the delays", async () => {
      const { clock, pass } = create();
      const called: number[] = [];
      for (const delayMs of [40, 1, 20]) clock.after(delayMs, () => called.push(delayMs));
      await pass(80);
      expect(called).toEqual([1, 20, 40]);
    });
    test("waits for months without calling back at once", async () => {
      const { clock, pass } = create();
      let calls = 0;
      const cancel = clock.after(90 * 86_400_000, () => calls++);
      await pass(20);
      cancel();
      expect(calls).toBe(0);
    });
  });
}
