import type { Clock } from "../../ports/clock.ts";
import type { BuriedMessage, OperatorReads } from "../shared/operator-reads.ts";
import { FAR_AHEAD_MS } from "../shared/queue-order.ts";
import type { QueueStatements } from "./queue-statements.ts";
import { numberOf, type Row, textOf } from "./row.ts";

export interface OperatorReadsDeps {
  readonly sql: QueueStatements;
  readonly namespace: string;
  readonly clock: Clock;
  readonly read: <T>(operation: () => T) => T;
}

export function createOperatorReads({ sql, namespace, clock, read }: OperatorReadsDeps): OperatorReads {
  return {
    countMessages: async () =>
      read(() => {
        const nowMs = clock.nowMs();
        const hidden = sql.countHidden.get(namespace, nowMs, nowMs + FAR_AHEAD_MS);
        return {
          visible: numberOf(sql.countReady.get(namespace)?.["count"]) + numberOf(hidden?.["visible"]),
          delayed: numberOf(hidden?.["delayed"]),
          inFlight: numberOf(hidden?.["received"]),
          buried: numberOf(sql.countBuried.get(namespace)?.["count"]),
        };
      }),
    buried: async (limit) => read(() => sql.buried.all(namespace, limit).map(buriedOf)),
  };
}

function buriedOf(row: Row): BuriedMessage {
  return { id: textOf(row["id"]), body: textOf(row["body"]), reason: textOf(row["reason"]), atMs: numberOf(row["at"]) };
}
