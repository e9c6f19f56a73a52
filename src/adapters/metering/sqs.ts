/**
 * What SQS bills: each request, by 64 KiB of messages sent or received with it; a batch is one request. One that failed
 * was a request too.
 */
import type { SQSClient } from "@aws-sdk/client-sqs";
import { itemPartition } from "../../domain/ids.ts";
import { decodeHint } from "../../wire/hint.ts";
import { type AttemptOf, watchAttempts } from "./attempts.ts";
import type { Ledger } from "./ledger.ts";

const CHUNK_BYTES = 65_536;
/** Deliveries whose item is remembered, to know whose message is hidden or deleted. */
const REMEMBERED = 10_000;

type Request = AttemptOf<SQSClient>;
/** Messages that somebody else received for this process: Lambda's own pollers. */
export interface Delivered {
  readonly body: string;
  /** SQS's handle. */
  readonly handle: string;
}

export interface SqsWatch {
  /** A batch that Lambda received, and will delete: two requests that the SDK knows nothing of. */
  delivered(messages: readonly Delivered[]): void;
}

export function watchSqs(client: SQSClient, ledger: Ledger): SqsWatch {
  const owners = new Map<string, string>();
  const remember = (handle: string, body: string): void => {
    const owner = ownerOf(body);
    if (owner === null) return;
    owners.set(handle, owner);
    for (const oldest of owners.keys()) {
      if (owners.size <= REMEMBERED) return;
      owners.delete(oldest);
    }
  };
  const enter = (of: string, whose: readonly string[], chunks = 1): void =>
    ledger.enter({ unit: "request", of, count: chunks }, whose);
  watchAttempts(client, (request) => {
    const { Messages: received = [] } = request.output !== null && "Messages" in request.output ? request.output : {};
    for (const { ReceiptHandle, Body } of received) remember(ReceiptHandle ?? "", Body ?? "");
    const [bodies, handles] = [bodiesOf(request), handlesOf(request)];
    const whose = [...bodies.map(ownerOf), ...handles.map((handle) => owners.get(handle) ?? null)];
    enter(
      request.operation,
      whose.filter((owner) => owner !== null),
      chunksOf(bodies),
    );
  });
  return {
    delivered(messages) {
      for (const { handle, body } of messages) remember(handle, body);
      const whose = messages.map(({ body }) => ownerOf(body)).filter((owner) => owner !== null);
      const chunks = chunksOf(messages.map(({ body }) => body));
      enter("ReceiveMessage", whose, chunks);
      enter("DeleteMessageBatch", whose);
    },
  };
}

/** At least one: an empty answer, and a request that carries no messages. */
function chunksOf(bodies: readonly string[]): number {
  const bytes = bodies.reduce((sum, body) => sum + Buffer.byteLength(body, "utf8"), 0);
  return Math.max(1, Math.ceil(bytes / CHUNK_BYTES));
}

/** Of messages that it sends or has received. */
function bodiesOf({ input, output }: Request): string[] {
  if (output !== null && "Messages" in output) return (output.Messages ?? []).map(({ Body = "" }) => Body);
  if ("MessageBody" in input) return [input.MessageBody ?? ""];
  if (!("Entries" in input) || input.Entries === undefined) return [];
  return input.Entries.flatMap((entry) => ("MessageBody" in entry && entry.MessageBody !== undefined ? [entry.MessageBody] : []));
}
/** Of messages that it hides or deletes. */
function handlesOf({ input }: Request): string[] {
  if ("ReceiptHandle" in input) return [input.ReceiptHandle ?? ""];
  if (!("Entries" in input) || input.Entries === undefined) return [];
  return input.Entries.flatMap((entry) =>
    "ReceiptHandle" in entry && entry.ReceiptHandle !== undefined ? [entry.ReceiptHandle] : [],
  );
}

/** The partition of the item that a message is about; null for what is no hint. */
function ownerOf(body: string): string | null {
  try {
    const { namespace, workId } = decodeHint(body);
    return itemPartition(namespace, workId);
  } catch {
    return null;
  }
}
