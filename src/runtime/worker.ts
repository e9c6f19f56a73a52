/**
 * The poll loop of one process: receives hints for its free slots, works on each, and gives back what it has when it
 * is told to stop.
 */
import { InvalidArgumentError, messageOf } from "../domain/errors.ts";
import type { Lane } from "../domain/lane.ts";
import { SECOND_MS } from "../domain/limits.ts";
import type { Message } from "../ports/work-queue.ts";
import { type Company, createCompany, type Place } from "./company.ts";
import { type Deps, pause } from "./deps.ts";
import type { Engines } from "./engines.ts";
import { hadItsShare } from "./turn.ts";
import { keepHidden } from "./visibility.ts";
import { type WorkHost, work } from "./work.ts";

export interface WorkerOptions {
  /** Items at work at once. */
  readonly concurrency: number;
  /** Null for all. */
  readonly lanes: readonly Lane[] | null;
  /** How long running steps may go on after a stop before they are given back. */
  readonly graceMs: number;
  /** A step did not heed its abort signal; the process should be replaced once the worker has stopped. */
  readonly onAbandoned: (workId: string) => void;
}

export interface Worker {
  /** Works until the signal fires, and resolves once everything is finished or given back. */
  run(stop: AbortSignal): Promise<void>;
  /** Messages in hand. */
  inFlight(): number;
}

const CHECK_MS = 20;
const POLL_MS = 20 * SECOND_MS;
const FIRST_QUEUE_RETRY_MS = SECOND_MS / 10;
const MAX_QUEUE_RETRY_MS = 10 * SECOND_MS;

/** @throws InvalidArgumentError */
export function createWorker(deps: Deps, engines: Engines, options: WorkerOptions): Worker {
  if (!Number.isSafeInteger(options.concurrency) || options.concurrency < 1)
    throw new InvalidArgumentError("concurrency", "a whole number from 1", options.concurrency);
  const company = createCompany(() => changed());
  const giveBack = new AbortController();
  let inFlight = 0;
  let changed = (): void => undefined;

  async function one(message: Message, stop: AbortSignal): Promise<void> {
    const place = await company.enter();
    if (stop.aborted) await giveBackUnseen(deps, message);
    else await work(deps, engines, message, hostOf(place, stop));
    place.leave();
    inFlight -= 1;
    changed();
  }
  function hostOf(place: Place, stop: AbortSignal): WorkHost {
    return {
      shouldYield: (turn) => stop.aborted || place.isWaitedFor() || (inFlight >= options.concurrency && hadItsShare(deps, turn)),
      endsAtMs: null,
      giveBack: giveBack.signal,
      committed: () => place.backToCompany(),
      abandoned: (workId) => {
        place.leaveBehind();
        options.onAbandoned(workId);
      },
      becomeAlone: (message) => waitAlone(deps, place, message, stop),
      isAlone: () => place.isAlone(),
      wouldDieAlone: () => place.wouldDieAlone(),
    };
  }
  /** Until a slot is free and the company open; false when the worker stops. */
  async function roomForMore(stop: AbortSignal): Promise<boolean> {
    while (!stop.aborted && (inFlight >= options.concurrency || company.isClosed())) {
      await new Promise<void>((resolve) => {
        changed = resolve;
      });
    }
    return !stop.aborted;
  }
  async function receive(stop: AbortSignal): Promise<void> {
    const { visibilityMs } = deps.settings;
    const max = options.concurrency - inFlight;
    const messages = await deps.queue.receive({ lanes: options.lanes, max, waitMs: POLL_MS, visibilityMs, abortSignal: stop });
    inFlight += messages.length;
    for (const message of messages) void one(message, stop);
  }
  return {
    inFlight: () => inFlight,
    async run(stop) {
      stop.addEventListener("abort", () => changed(), { once: true });
      let retryMs = FIRST_QUEUE_RETRY_MS;
      while (await roomForMore(stop)) {
        try {
          await receive(stop);
          retryMs = FIRST_QUEUE_RETRY_MS;
        } catch (error) {
          deps.logger.error("could not receive", { error: messageOf(error) });
          await pause(deps.clock, retryMs, stop);
          retryMs = Math.min(2 * retryMs, MAX_QUEUE_RETRY_MS);
        }
      }
      await drain(deps, company, giveBack, options.graceMs, () => inFlight);
    },
  };
}

/** Received, and not begun when the stop came: somebody else may have it at once. */
async function giveBackUnseen(deps: Deps, message: Message): Promise<void> {
  await deps.queue
    .hide(message, 0)
    .catch((error: unknown) => deps.logger.warn("message not given back", { messageId: message.id, error: messageOf(error) }));
}

/**
 * A suspect waits for the others; its message stays with it meanwhile. Where another suspect is first, it goes back
 * instead: a process with nothing else to do may take it sooner, and this one receives nothing until it is open again.
 */
async function waitAlone(deps: Deps, place: Place, message: Message, stop: AbortSignal): Promise<boolean> {
  if (place.isWaitedFor()) return false;
  return keepHidden(deps, message, () => place.becomeAlone(stop));
}

/** Running steps may finish within the grace; what is left then is aborted and given back. */
async function drain(
  deps: Deps,
  company: Company,
  giveBack: AbortController,
  graceMs: number,
  inFlight: () => number,
): Promise<void> {
  const emptyWithin = async (ms: number): Promise<boolean> => {
    for (let left = ms; inFlight() > 0 && left > 0; left -= CHECK_MS) await pause(deps.clock, CHECK_MS);
    return inFlight() === 0;
  };
  if (await emptyWithin(graceMs)) return;
  deps.logger.info("giving back what still runs", { steps: company.running() });
  giveBack.abort();
  await emptyWithin(deps.settings.abandonMs + SECOND_MS);
}
