/**
 * The message that is in no queue. It stands for an item that is driven, so that the protocol is the same as a worker's
 * (claim, fence, commit, look); hiding and deleting it does nothing.
 *
 * G3: while it lasts it stands for the item's message, and DUE for it should it die. The hints that commits would send
 *     for the item are held back, or a store where nobody but `rookery run` works would collect one per sleep; whoever
 *     drives sends the one that the item then needs when it is left open.
 */
import type { WorkId } from "../domain/ids.ts";
import { MAX_DELAY_MS } from "../domain/limits.ts";
import type { Message, WorkQueue } from "../ports/work-queue.ts";
import { decodeHint, encodeHint } from "../wire/hint.ts";
import type { Deps } from "./deps.ts";
import type { Engines } from "./engines.ts";
import { type WorkHost, work } from "./work.ts";

export interface Stand {
  /** Those that hear its hints. */
  readonly deps: Deps;
  /** For how long the message was hidden at the end; 0 when it was deleted. */
  work(engines: Engines, version: number, host: WorkHost): Promise<number>;
}

/** `messageId` is the same for every stand of a drive. `hear` learns of every hint, also of the one that is held back. */
export function createStand(
  deps: Deps,
  messageId: string,
  workId: WorkId,
  hear: (workId: WorkId, delayMs: number) => void,
): Stand {
  let hiddenMs = 0;
  let receiveCount = 0;
  const queue: WorkQueue = {
    ...deps.queue,
    // Only its own hints are held back: a child's, or that of whoever it wakes, goes out.
    send: async (body, how) => {
      const hint = decodeHint(body);
      if (hint.workId !== workId) await deps.queue.send(body, how);
      hear(hint.workId, how.delayMs);
    },
    remove: async () => {
      hiddenMs = 0;
    },
    bury: async () => undefined,
    hide: async (_message, delayMs) => {
      hiddenMs = Math.min(delayMs, MAX_DELAY_MS);
    },
  };
  const own: Deps = { ...deps, queue };
  return {
    deps: own,
    async work(engines, version, host) {
      receiveCount += 1;
      hiddenMs = 0;
      const body = encodeHint({ namespace: deps.namespace, workId, version, token: null, hops: 0 });
      const message: Message = { id: messageId, body, receiveCount, receipt: messageId };
      await work(own, engines, message, host);
      return hiddenMs;
    },
  };
}

/** Fires so long after the stop, unless it is cancelled before. */
export function giveBackAfter(
  { clock }: Pick<Deps, "clock">,
  stop: AbortSignal,
  graceMs: number,
): { signal: AbortSignal; cancel: () => void } {
  const controller = new AbortController();
  let cancelTimer = (): void => undefined;
  const start = (): void => {
    cancelTimer = clock.after(graceMs, () => controller.abort());
  };
  stop.addEventListener("abort", start, { once: true });
  if (stop.aborted) start();
  return {
    signal: controller.signal,
    cancel: () => {
      stop.removeEventListener("abort", start);
      cancelTimer();
    },
  };
}
