/** Messages that Lambda received for its function: the records of an SQS event. */
import { InvalidArgumentError } from "../../domain/errors.ts";
import type { Message } from "../../ports/work-queue.ts";
import { type Deployment, queuesOf } from "../../wire/deployment.ts";
import { nameOf, receiptOf } from "./requests.ts";

/** What is read of a record of the event. */
export interface SqsEventRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: { readonly ApproximateReceiveCount: string };
  readonly eventSourceARN: string;
}

/**
 * The message as `receive` of the queue would give it: hide, remove and bury take it.
 *
 * @throws InvalidArgumentError when the event comes from a queue that is none of the deployment's
 */
export function messageOfRecord(record: SqsEventRecord, deployment: Deployment): Message {
  return {
    id: record.messageId,
    body: record.body,
    receiveCount: Number(record.attributes.ApproximateReceiveCount),
    receipt: receiptOf(queueUrlOf(deployment, record.eventSourceARN), record.receiptHandle),
  };
}

function queueUrlOf(deployment: Deployment, arn: string): string {
  const name = arn.slice(arn.lastIndexOf(":") + 1);
  const queues = queuesOf(deployment);
  const found = queues.find((url) => nameOf(url) === name);
  if (found === undefined) throw new InvalidArgumentError("queue of an event", `one of ${queues.map(nameOf).join(", ")}`, arn);
  return found;
}
