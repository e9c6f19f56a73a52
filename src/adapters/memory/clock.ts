import type { Clock } from "../../ports/clock.ts";

/** Moves only when told to. Timers go by elapsed time, so setting the wall clock does not fire or delay them. */
export interface VirtualClock extends Clock {
  /** Lets time pass and calls back whatever comes due in it, in order, timers that are set meanwhile included. */
  advance(ms: number): void;
  /** Sets the wall clock, as a person or a time server does. */
  setNowMs(nowMs: number): void;
  /** Until the next timer; null when there is none. */
  nextTimerInMs(): number | null;
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

export function createVirtualClock(startMs = 1_700_000_000_000): VirtualClock {
  /** In the order of their setting, which decides between timers of one instant. */
  const timers = new Set<Timer>();
  let elapsedMs = 0;
  let wallOffsetMs = startMs;
  const next = (): Timer | null => {
    let first: Timer | null = null;
    for (const timer of timers) if (first === null || timer.atMs < first.atMs) first = timer;
    return first;
  };
  return {
    nowMs: () => wallOffsetMs + elapsedMs,
    after(delayMs, callback) {
      const timer = { atMs: elapsedMs + Math.max(0, delayMs), callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const untilMs = elapsedMs + ms;
      for (let timer = next(); timer !== null && timer.atMs <= untilMs; timer = next()) {
        timers.delete(timer);
        elapsedMs = Math.max(elapsedMs, timer.atMs);
        timer.callback();
      }
      elapsedMs = untilMs;
    },
    setNowMs(nowMs) {
      wallOffsetMs = nowMs - elapsedMs;
    },
    nextTimerInMs() {
      const timer = next();
      return timer && timer.atMs - elapsedMs;
    },
  };
}
