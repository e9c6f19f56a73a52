/**
 * A batch of messages within one invocation, which ends at an instant of its own: all at once, suspects alone and last.
 *
 * It owns what is left of the time: each step begins with at least half of the invocation's time before it, and one that
 * is not over in time is stopped early enough to be recorded as a failed attempt. It does not own the messages that are
 * finished: whoever handed the batch over deletes them, unless they might come back before.
 */
import { messageOf } from "../domain/errors.ts";
import { INLINE_STEPS, SECOND_MS } from "../domain/limits.ts";
import type { Message, WorkQueue } from "../ports/work-queue.ts";
import { type Company, createCompany, type Place } from "./company.ts";
import type { Deps } from "./deps.ts";
import type { Engines } from "./engines.ts";
import { keepHidden } from "./visibility.ts";
import { type WorkHost, work } from "./work.ts";

/** What a commit, the hop and the look after it may take at the end. */
const FINISH_MS = 3 * SECOND_MS;

export interface BatchOptions {
  /** The invocation's end. */
  readonly endsAtMs: number;
}
export interface BatchEnd {
  /** Messages that are to come back. The others are finished. */
  readonly returned: readonly Message[];
  /** Those finished ones that the queue still holds. */
  readonly finished: readonly Message[];
  /** Items whose step did not heed its abort signal: the process must not go on after this batch. */
  readonly abandoned: readonly string[];
}

/** Never rejects. */
export async function workBatch(
  deps: Deps,
  engines: Engines,
  messages: readonly Message[],
  options: BatchOptions,
): Promise<BatchEnd> {
  const nowMs = deps.clock.nowMs();
  const stepsEndAtMs = options.endsAtMs - deps.settings.abandonMs - FINISH_MS;
  const lastBeginAtMs = nowMs + (stepsEndAtMs - nowMs) / 2;
  const ledger = createLedger(deps);
  const company = createCompany(() => undefined);
  const late = new AbortController();
  const never = new AbortController();
  if (lastBeginAtMs <= nowMs) late.abort();
  const cancelTimer = deps.clock.after(Math.max(0, lastBeginAtMs - nowMs), () => late.abort());
  const abandoned: string[] = [];
  const own: Deps = { ...deps, queue: ledger.queue };
  const hostOf = (place: Place): WorkHost => ({
    endsAtMs: stepsEndAtMs,
    shouldYield: ({ steps, slowestMs }) => {
      const leftMs = stepsEndAtMs - deps.clock.nowMs();
      return late.signal.aborted || place.isWaitedFor() || steps >= INLINE_STEPS || 2 * slowestMs > leftMs;
    },
    giveBack: never.signal,
    committed: () => place.backToCompany(),
    abandoned: (workId) => {
      place.leaveBehind();
      abandoned.push(workId);
    },
    becomeAlone: async (message) => !place.isWaitedFor() && keepHidden(own, message, () => place.becomeAlone(late.signal)),
    isAlone: () => place.isAlone(),
    wouldDieAlone: () => place.wouldDieAlone(),
  });
  await Promise.all(messages.map((message) => one(own, engines, message, company, hostOf, late.signal)));
  cancelTimer();
  return { ...ledger.end(messages), abandoned };
}

async function one(
  deps: Deps,
  engines: Engines,
  message: Message,
  company: Company,
  hostOf: (place: Place) => WorkHost,
  late: AbortSignal,
): Promise<void> {
  const place = await company.enter();
  // It came back once: should this invocation die too, it need not wait for as long as an invocation may take.
  if (message.receiveCount > 1) await hideQuietly(deps, message, deps.settings.visibilityMs);
  if (late.aborted) await hideQuietly(deps, message, 0);
  else await work(deps, engines, message, hostOf(place));
  place.leave();
}
async function hideQuietly(deps: Deps, message: Message, forMs: number): Promise<void> {
  await deps.queue
    .hide(message, forMs)
    .catch((error: unknown) => deps.logger.warn("message not hidden", { messageId: message.id, error: messageOf(error) }));
}

/** Who is finished is deleted with the batch; one whose visibility was cut is deleted at once, or it might come back. */
function createLedger({ queue }: Deps) {
  const cut = new Set<string>();
  const state = new Map<string, "held" | "finished" | "gone">();
  const tracked: WorkQueue = {
    ...queue,
    hide: async (message, delayMs) => {
      cut.add(message.id);
      state.set(message.id, "held");
      await queue.hide(message, delayMs);
    },
    remove: async (message) => {
      if (cut.has(message.id)) await queue.remove(message);
      state.set(message.id, cut.has(message.id) ? "gone" : "finished");
    },
    bury: async (message, reason) => {
      await queue.bury(message, reason);
      state.set(message.id, "gone");
    },
  };
  return {
    queue: tracked,
    end: (messages: readonly Message[]) => ({
      returned: messages.filter(({ id }) => (state.get(id) ?? "held") === "held"),
      finished: messages.filter(({ id }) => state.get(id) === "finished"),
    }),
  };
}
