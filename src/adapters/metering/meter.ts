/**
 * The cost meter: it counts what AWS bills for the requests of this process, on one bill, and by work item. It adds no
 * request of its own.
 *
 * Lambda measures itself, so its time is counted by assumption: what a worker that mostly waits for DynamoDB takes.
 */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Meter } from "../../ports/meter.ts";
import type { Bill } from "./bill.ts";
import { watchDynamo } from "./dynamodb.ts";
import { createLedger } from "./ledger.ts";
import { watchS3 } from "./s3.ts";
import { type Delivered, watchSqs } from "./sqs.ts";

/** Of a worker's invocation, by assumption. */
export const INVOCATION = { gb: 0.25, firstStepMs: 50, furtherStepMs: 15 } as const;

export interface Clients {
  readonly dynamo: DynamoDBClient;
  readonly sqs: SQSClient;
  readonly s3: S3Client;
}
export interface CostMeter extends Meter {
  /** From now on it counts what these use; once. */
  watch(clients: Clients): void;
  /** A batch that Lambda received for this process, and will delete: nobody else sees it. */
  delivered(messages: readonly Delivered[]): void;
  /** An invocation in which, one after the other, so many steps ran. */
  invoked(steps: number): void;
  bill(): Bill;
}

export function createMeter(): CostMeter {
  const ledger = createLedger();
  let deliver: CostMeter["delivered"] = () => undefined;
  return {
    watch({ dynamo, sqs, s3 }) {
      watchDynamo(dynamo, ledger);
      watchS3(s3, ledger);
      deliver = watchSqs(sqs, ledger).delivered;
    },
    delivered: (messages) => deliver(messages),
    invoked(steps) {
      const { gb, firstStepMs, furtherStepMs } = INVOCATION;
      const ms = firstStepMs + furtherStepMs * Math.max(0, steps - 1);
      ledger.enter({ unit: "invocation", of: "Lambda", count: 1 }, []);
      ledger.enter({ unit: "gbSecond", of: "Lambda", count: (gb * ms) / 1_000 }, []);
    },
    bill: ledger.bill,
    take: ledger.take,
  };
}
