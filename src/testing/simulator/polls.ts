/**
 * The clock of those who wait for messages. Nobody looks every few moments, as on a real clock: whoever moves a message
 * says when it is worth a look. So a month may pass in one event.
 */
import type { Clock } from "../../ports/clock.ts";

export interface Polls {
  readonly clock: Clock;
  /** The next wait on the clock is for a poll's own end. */
  begin(): void;
  /** Whoever waits looks. */
  poke(): void;
  /** Every poll ends. */
  end(): void;
}

export function createPolls(nowMs: () => number): Polls {
  let looks = new Set<() => void>();
  let ends = new Set<() => void>();
  let isEnd = false;
  return {
    clock: {
      nowMs,
      after(_delayMs, callback) {
        const waiting = isEnd ? ends : looks;
        isEnd = false;
        const entry = (): void => callback();
        waiting.add(entry);
        return () => waiting.delete(entry);
      },
    },
    begin: () => {
      isEnd = true;
    },
    poke() {
      const woken = looks;
      looks = new Set();
      for (const look of woken) look();
    },
    end() {
      const over = ends;
      ends = new Set();
      for (const end of over) end();
    },
  };
}
