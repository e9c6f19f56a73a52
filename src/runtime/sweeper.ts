/** Sweeping once a minute, by one of the workers that share a store. */
import { messageOf } from "../domain/errors.ts";
import { SWEEP_MS } from "../domain/limits.ts";
import { decodeTurn, encodeTurn } from "../wire/turn.ts";
import { type Deps, pause } from "./deps.ts";
import { put } from "./records.ts";
import { sweep } from "./sweep.ts";

const TURN_KEY = "TURN";

/** Sweeps until the signal fires; what fails is logged, and tried again at the next turn. */
export async function runSweeper(deps: Deps, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      if (await takeTurn(deps)) await sweep(deps, { stop });
    } catch (error) {
      deps.logger.error("sweep failed", { error: messageOf(error) });
    }
    await pause(deps.clock, SWEEP_MS * (0.9 + 0.2 * deps.random.fraction()), stop);
  }
}

/** True when this minute's sweep is ours. One that is further off than a turn was set under another clock. */
async function takeTurn(deps: Deps): Promise<boolean> {
  const partition = `${deps.namespace}/SWEEP`;
  const nowMs = deps.clock.nowMs();
  const [record] = await deps.store.read(partition);
  if (record !== undefined) {
    const untilMs = decodeTurn(record);
    if (untilMs > nowMs && untilMs <= nowMs + SWEEP_MS) return false;
  }
  const turn = encodeTurn(nowMs + 0.8 * SWEEP_MS);
  const written = await put(deps, { partition, sort: TURN_KEY, ...turn }, record?.revision ?? "absent");
  return written.ok;
}
