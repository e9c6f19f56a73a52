import type { Deps } from "./deps.ts";
import type { LiveRecords } from "./live.ts";

/** When the item waits for a group that is as it wants it, tells it so, in its inbox. True: it was told, or has been. */
export async function tellIfSatisfied(_deps: Deps, _live: LiveRecords): Promise<boolean> {
  return false;
}
