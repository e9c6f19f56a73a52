/**
 * What the queue or a worker gave up on. A hint that can be read is made good by its item's alarm; anything else becomes
 * a record, with its reason, for a person. Either comes first, and then the letter goes (G3, G8).
 */
import { inboxAlarm } from "../domain/alarm.ts";
import { messageOf } from "../domain/errors.ts";
import { itemPartition } from "../domain/ids.ts";
import { DAY_MS } from "../domain/limits.ts";
import type { DeadLetter, DeadLetters } from "../ports/dead-letters.ts";
import { type Buried, buriedKey, buriedPartition, decodeBuried, encodeBuried } from "../wire/buried.ts";
import { decodeHint, type Hint } from "../wire/hint.ts";
import { ringBy } from "./alarms.ts";
import { inBatches } from "./batches.ts";
import type { Deps } from "./deps.ts";
import { put } from "./records.ts";

export interface Drained {
  /** Items whose alarm was set. */
  readonly rung: number;
  /** Letters that are on record now. */
  readonly recorded: number;
}

const PAGE = 10;
/** As long as the queue would have kept it. */
const KEPT_MS = 14 * DAY_MS;

/** Until there are none, or `untilMs`. Never rejects: what the queue gave up on does not keep the alarms from ringing. */
export async function drainDeadLetters(deps: Deps, letters: DeadLetters, untilMs: number): Promise<Drained> {
  const drained = { rung: 0, recorded: 0 };
  while (deps.clock.nowMs() < untilMs) {
    const page = await receive(deps, letters);
    if (page.length === 0) break;
    await inBatches(page, PAGE, async (letter) => {
      try {
        drained[await drainOne(deps, letter)] += 1;
        await letters.remove(letter);
      } catch (error) {
        deps.logger.error("dead letter not handled", { messageId: letter.id, error: messageOf(error) });
      }
    });
  }
  return drained;
}

async function receive(deps: Deps, letters: DeadLetters): Promise<readonly DeadLetter[]> {
  try {
    return await letters.receive(PAGE);
  } catch (error) {
    deps.logger.error("dead letters not received", { error: messageOf(error) });
    return [];
  }
}

async function drainOne(deps: Deps, letter: DeadLetter): Promise<keyof Drained> {
  const hint = readable(letter.body);
  if (hint === null) {
    const { id, body, reason, atMs } = letter;
    const record = { partition: buriedPartition(deps.namespace), sort: buriedKey(atMs, id), expiresAtMs: atMs + KEPT_MS };
    await put(deps, { ...record, ...encodeBuried({ id, body, reason, atMs }) }, "absent");
    deps.metrics.count("buried");
    return "recorded";
  }
  const partition = itemPartition(hint.namespace, hint.workId);
  const [item] = await deps.store.read(partition, undefined, 1);
  if (item !== undefined) await ringBy(deps, partition, inboxAlarm(hint.version ?? 0, deps.clock.nowMs()));
  return "rung";
}
function readable(body: string): Hint | null {
  try {
    return decodeHint(body);
  } catch {
    return null;
  }
}

/** The records of letters, newest first. */
export async function listBuried(deps: Pick<Deps, "store" | "namespace">, limit: number): Promise<Buried[]> {
  const records = await deps.store.read(buriedPartition(deps.namespace));
  return records.slice(-limit).reverse().map(decodeBuried);
}
