/** Requests to SQS, their failures named, and handles of messages that say which queue they are of. */
import { InvariantError, invariant, QueueUnavailableError } from "../../domain/errors.ts";
import { SECOND_MS } from "../../domain/limits.ts";
import type { Message } from "../../ports/work-queue.ts";
import { plainly, sdkFailureOf } from "../shared/sdk-failure.ts";
import { ANSWER_MS } from "./options.ts";

const MISSING = { QueueDoesNotExist: "there is no such queue", NonExistentQueue: "there is no such queue" };
/** For requests that do not wait for messages. */
export const SOON = { requestTimeout: ANSWER_MS };

export function nameOf(queueUrl: string): string {
  return queueUrl.slice(queueUrl.lastIndexOf("/") + 1);
}

/** @throws QueueUnavailableError that names operation and queue */
export async function named<T>(operation: string, queueUrl: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (thrown) {
    throw unavailable(operation, queueUrl, thrown);
  }
}
export function unavailable(operation: string, queueUrl: string, thrown: unknown): Error {
  if (thrown instanceof InvariantError) return thrown;
  const failure = sdkFailureOf(thrown);
  const cause = thrown instanceof Error && thrown.message !== "" ? thrown : new Error(failure.message, { cause: thrown });
  return new QueueUnavailableError(`${operation} on queue ${nameOf(queueUrl)}${plainly(failure, MISSING)}`, cause);
}

/** SQS takes whole seconds: never sooner than asked for. */
export function secondsOf(ms: number): number {
  return Math.ceil(ms / SECOND_MS);
}

/** A message's receipt: its queue and SQS's handle, without which nothing can be done with it. */
export function receiptOf(queueUrl: string, handle: string): string {
  return `${queueUrl} ${handle}`;
}
export interface Handle {
  readonly queueUrl: string;
  readonly handle: string;
}
export function handleOf({ id, receipt }: Pick<Message, "id" | "receipt">): Handle {
  const [queueUrl, handle] = receipt.split(" ");
  invariant(queueUrl !== undefined && handle !== undefined, `message ${id} was received from an SQS queue, got another receipt`);
  return { queueUrl, handle };
}
