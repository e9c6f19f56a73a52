/** The work queues, and one dead-letter queue behind them. What they carry are hints: losing them loses nothing (G3). */

import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Duration } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import type { Lane } from "../domain/lane.ts";

export type Queues = Readonly<Partial<Record<Lane, Queue>>> & { readonly normal: Queue };

/** SQS's longest. */
const RETENTION = Duration.days(14);
/** Every hide counts as a receive, so receives are no attempts; only what is never deleted comes near. */
const MAX_RECEIVES = 100;
/**
 * Lambda wants a message hidden for at least the function's timeout; this much more covers the way from the poller to
 * the function, so that a worker that hangs is gone before its messages come back. A worker cuts it to the lease as soon
 * as it works, so it counts only where one died at its start. The sixfold of AWS's advice is for functions that are
 * throttled: MaximumConcurrency does not let it come to that.
 */
const ON_THE_WAY = Duration.seconds(30);

const COMMON = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, retentionPeriod: RETENTION } as const;

export function createDeadLetterQueue(scope: Construct, id: string): Queue {
  return new Queue(scope, id, COMMON);
}

export function createQueues(
  scope: Construct,
  options: { readonly lanes: 1 | 3; readonly workerTimeout: Duration; readonly deadLetterQueue: Queue },
): Queues {
  const { lanes, workerTimeout, deadLetterQueue } = options;
  const create = (id: string): Queue =>
    new Queue(scope, id, {
      ...COMMON,
      visibilityTimeout: workerTimeout.plus(ON_THE_WAY),
      deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: MAX_RECEIVES },
    });
  const normal = create("Queue");
  return lanes === 1 ? { normal } : { normal, high: create("HighQueue"), low: create("LowQueue") };
}
