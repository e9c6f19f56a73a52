/** Messages of a process that died do not wait for their visibility to run out. */
import type { Clock } from "../../ports/clock.ts";
import type { ProcessTable } from "../../ports/process-table.ts";
import type { QueueStatements } from "./queue-statements.ts";
import { orNull, type Row, textOf } from "./row.ts";

const WATCH_MS = 250;

export interface ReceiverWatchDeps {
  readonly sql: QueueStatements;
  readonly namespace: string;
  readonly clock: Clock;
  readonly processes: ProcessTable;
  readonly read: <T>(operation: () => T) => T;
  readonly write: <T>(operation: () => T) => Promise<T>;
}

export function createReceiverWatch({ sql, namespace, clock, processes, read, write }: ReceiverWatchDeps) {
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  const receivers = (): readonly string[] => {
    const found: string[] = [];
    const after = (row: Row | undefined) => orNull(row?.["receiver"] ?? null, textOf);
    for (
      let next = after(sql.nextReceiver.get(namespace, ""));
      next !== null;
      next = after(sql.nextReceiver.get(namespace, next))
    ) {
      found.push(next);
    }
    return found;
  };
  return {
    /** Makes them visible; does nothing when it was asked a moment ago. */
    async releaseGone(): Promise<void> {
      const nowMs = clock.nowMs();
      if (Math.abs(nowMs - lookedAtMs) < WATCH_MS) return;
      lookedAtMs = nowMs;
      const gone = read(receivers).filter((receiver) => receiver !== processes.self && processes.isGone(receiver));
      await Promise.all(gone.map((receiver) => write(() => sql.release.run(nowMs, namespace, receiver))));
    },
  };
}
