/** A store that takes its time before and after it acts, and whose answers are lost now and then. */
import { intercepted } from "../../src/adapters/memory/intercept.ts";
import { StoreUnavailableError } from "../../src/domain/errors.ts";
import type { RecordStore } from "../../src/ports/record-store.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function slowly(store: RecordStore, random: () => number, lostRate: number): RecordStore {
  const pause = async (): Promise<void> => {
    for (let left = Math.floor(random() * 4); left > 0; left--) await turn();
  };
  return intercepted("records", store, async (_call, run) => {
    const isLost = random() < lostRate;
    const isMade = !isLost || random() < 0.5;
    await pause();
    if (!isMade) throw new StoreUnavailableError("pretended", new Error("never arrived"));
    const answer = await run();
    await pause();
    if (isLost) throw new StoreUnavailableError("pretended", new Error("answer lost"));
    return answer;
  });
}
