/** Waiting for a first message: woken by a bell, by the pause's end, by the wait's end or by abort. */
import type { Clock } from "../../ports/clock.ts";
import type { Message, ReceiveOptions } from "../../ports/work-queue.ts";

export interface Bell {
  /** How often it rang: a ring during a look is not missed. */
  count(): number;
  ring(): void;
  /** Returns how to stop listening. */
  listen(listener: () => void): () => void;
}

export function createBell(): Bell {
  const listeners = new Set<() => void>();
  let rings = 0;
  return {
    count: () => rings,
    ring() {
      rings++;
      for (const listener of [...listeners]) listener();
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export interface Poll {
  readonly clock: Clock;
  readonly bell: Bell;
  readonly take: () => Promise<readonly Message[]>;
  /** How long to wait before the next look when nobody rings; null for no look. */
  readonly pauseMs: () => number | null;
}

/** The wait is measured by a timer, not by instants, so that a clock set back does not prolong it. */
export async function longPoll(poll: Poll, options: ReceiveOptions): Promise<readonly Message[]> {
  if (options.abortSignal.aborted) return [];
  if (options.waitMs <= 0) return poll.take();
  const wait = startWait(poll, options);
  try {
    for (;;) {
      const rings = poll.bell.count();
      const taken = await poll.take();
      if (taken.length > 0 || wait.isOver()) return taken;
      if (poll.bell.count() === rings) await wait.pause(poll.pauseMs());
      if (options.abortSignal.aborted) return [];
    }
  } finally {
    wait.stop();
  }
}

function startWait({ clock, bell }: Poll, { waitMs, abortSignal }: ReceiveOptions) {
  let over = false;
  let wake = (): void => undefined;
  const end = (): void => {
    over = true;
    wake();
  };
  const cancelEnd = clock.after(waitMs, end);
  const unlisten = bell.listen(() => wake());
  abortSignal.addEventListener("abort", end);
  return {
    isOver: () => over,
    async pause(pauseMs: number | null): Promise<void> {
      if (over) return;
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const cancelPause = pauseMs === null ? null : clock.after(pauseMs, () => wake());
      await woken;
      cancelPause?.();
    },
    stop() {
      cancelEnd();
      unlisten();
      abortSignal.removeEventListener("abort", end);
    },
  };
}
