import type { Clock } from "../../ports/clock.ts";

/** The longest delay that `setTimeout` takes; longer ones are chained. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function createSystemClock(): Clock {
  return { nowMs: () => Date.now(), after };
}

function after(delayMs: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (leftMs: number): void => {
    const thisMs = Math.min(leftMs, MAX_TIMER_MS);
    timer = setTimeout(() => (leftMs > thisMs ? wait(leftMs - thisMs) : callback()), thisMs);
  };
  wait(Math.max(0, Math.ceil(delayMs)));
  return () => clearTimeout(timer);
}
