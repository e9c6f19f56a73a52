/** A message stays with its worker for as long as what is done about it takes. */
import { messageOf } from "../domain/errors.ts";
import type { Message } from "../ports/work-queue.ts";
import type { Deps } from "./deps.ts";

/**
 * Where no heartbeat does it: the message's visibility is extended until `act` has ended. The next extension waits for the
 * one before: a queue that is slow to answer is not asked the more for it.
 */
export async function keepHidden<T>(deps: Deps, message: Message, act: () => Promise<T>): Promise<T> {
  let ended = false;
  let cancelTimer = schedule();
  function schedule(): () => void {
    return deps.clock.after(deps.settings.heartbeatMs, () => {
      deps.queue
        .hide(message, deps.settings.visibilityMs)
        .catch((error: unknown) => deps.logger.warn("could not extend visibility", { error: messageOf(error) }))
        .finally(() => {
          if (!ended) cancelTimer = schedule();
        });
    });
  }
  try {
    return await act();
  } finally {
    ended = true;
    cancelTimer();
  }
}
