import { setTimeout } from "node:timers/promises";

/** Resolves after `ms`, or at once when the signal fires; never rejects. */
export async function pauseFor(ms: number, stop: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal: stop }).catch(() => undefined);
}
