/** The requests of a queue that coalesce: sending, hiding and removing. */
import {
  type BatchResultErrorEntry,
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { Clock } from "../../ports/clock.ts";
import type { Deployment } from "../../wire/deployment.ts";
import { type Coalesced, coalesce } from "./coalesce.ts";
import { named, SOON, unavailable } from "./requests.ts";

export interface Outgoing {
  readonly body: string;
  readonly delayS: number;
  /** Queues take turns between groups; null for none. */
  readonly group: string | null;
}
export interface Hiding {
  readonly handle: string;
  readonly seconds: number;
}
export interface Batches {
  readonly send: Coalesced<Outgoing>;
  readonly hide: Coalesced<Hiding>;
  /** By its handle. */
  readonly remove: Coalesced<string>;
}

const COALESCE_MS = 2;

export interface SqsDeps {
  /** Made with `sqsClientOptions`. */
  readonly client: SQSClient;
  /** Asked at every call: remembers its answer. */
  readonly deployment: () => Promise<Deployment>;
  readonly clock: Clock;
  /** How long a send, hide or remove waits for others to share its request; 2 by default. */
  readonly coalesceMs?: number;
}

export function createBatches({ client, clock, coalesceMs = COALESCE_MS }: SqsDeps): Batches {
  const how = { clock, waitMs: coalesceMs };
  const noBytes = () => 0;
  const text = new TextEncoder();
  return {
    send: coalesce<Outgoing>({
      ...how,
      bytesOf: ({ body }) => text.encode(body).length,
      request: (QueueUrl, entries) =>
        answers("SendMessageBatch", QueueUrl, entries.length, () => {
          const Entries = entries.map(({ body, delayS, group }, index) => ({
            Id: String(index),
            MessageBody: body,
            DelaySeconds: delayS,
            ...(group === null ? {} : { MessageGroupId: group }),
          }));
          return client.send(new SendMessageBatchCommand({ QueueUrl, Entries }), SOON);
        }),
    }),
    hide: coalesce<Hiding>({
      ...how,
      bytesOf: noBytes,
      request: (QueueUrl, entries) =>
        answers("ChangeMessageVisibilityBatch", QueueUrl, entries.length, () => {
          const Entries = entries.map(({ handle, seconds }, index) => ({
            Id: String(index),
            ReceiptHandle: handle,
            VisibilityTimeout: seconds,
          }));
          return client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }), SOON);
        }),
    }),
    remove: coalesce<string>({
      ...how,
      bytesOf: noBytes,
      request: (QueueUrl, entries) =>
        answers("DeleteMessageBatch", QueueUrl, entries.length, () => {
          const Entries = entries.map((handle, index) => ({ Id: String(index), ReceiptHandle: handle }));
          return client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }), SOON);
        }),
    }),
  };
}

interface BatchAnswer {
  readonly Successful?: readonly { readonly Id?: string | undefined }[] | undefined;
  readonly Failed?: readonly BatchResultErrorEntry[] | undefined;
}

async function answers(
  operation: string,
  queueUrl: string,
  count: number,
  request: () => Promise<BatchAnswer>,
): Promise<readonly (Error | null)[]> {
  const { Successful = [], Failed = [] } = await named(operation, queueUrl, request);
  const done = new Set(Successful.map(({ Id }) => Id));
  const failed = new Map(Failed.map((entry) => [entry.Id, entry]));
  return Array.from({ length: count }, (_, index) => {
    const failure = failed.get(String(index));
    if (failure === undefined && done.has(String(index))) return null;
    if (failure !== undefined && isStale(failure)) return null;
    const { Code = "NoAnswer", Message = "the answer says nothing of this entry" } = failure ?? {};
    return unavailable(operation, queueUrl, Object.assign(new Error(`${Code}: ${Message}`), { name: Code }));
  });
}

/** A receipt of a message that is gone, visible again, or was delivered again since: nothing is left to hide or remove. */
function isStale({ Code = "", Message = "" }: BatchResultErrorEntry): boolean {
  const code = Code.replace(/^AWS\.SimpleQueueService\./, "");
  if (code === "ReceiptHandleIsInvalid" || code === "MessageNotInflight") return true;
  return code === "InvalidParameterValue" && /receipt ?handle/i.test(Message);
}
