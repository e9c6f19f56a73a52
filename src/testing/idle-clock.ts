import type { Clock } from "../ports/clock.ts";

/**
 * For those who look now and then whether something has happened: a poll is no event, and time need not stop for it.
 * Whatever waits is called back when somebody says that it is worth a look.
 */
export interface IdleClock extends Clock {
  poke(): void;
}

export function createIdleClock(clock: Clock): IdleClock {
  let waiting = new Set<{ readonly callback: () => void }>();
  return {
    nowMs: () => clock.nowMs(),
    after(_delayMs, callback) {
      const entry = { callback };
      waiting.add(entry);
      return () => waiting.delete(entry);
    },
    poke() {
      const woken = waiting;
      waiting = new Set();
      for (const { callback } of woken) callback();
    },
  };
}

/** A clock that says whether somebody waits on it. */
export function createCountedClock(clock: Clock): Clock & { waiting(): number } {
  let waiting = 0;
  return {
    nowMs: () => clock.nowMs(),
    after(delayMs, callback) {
      let over = false;
      const end = (): void => {
        if (!over) waiting -= 1;
        over = true;
      };
      waiting += 1;
      const cancel = clock.after(delayMs, () => {
        end();
        callback();
      });
      return () => {
        end();
        cancel();
      };
    },
    waiting: () => waiting,
  };
}
