/** What stands in the dead-letter queue: messages of ours with their reason, and those that SQS moved there by itself. */
import {
  type Message as Delivered,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { bounded } from "../../domain/stored-error.ts";
import type { DeadLetter } from "../../ports/dead-letters.ts";
import type { Message } from "../../ports/work-queue.ts";
import { ANSWER_MS } from "./options.ts";
import { handleOf, named, nameOf, receiptOf, SOON } from "./requests.ts";
import { carriable } from "./text.ts";

const MAX_MESSAGES = 10;
/** Of body and attributes together. */
const MAX_BYTES = 1_048_576;
const NO_REASON = "no reason was given";

export async function sendLetter(client: SQSClient, deadLetters: string, message: Message, reason: string): Promise<void> {
  const body = message.body === "" ? "(empty)" : carriable(message.body);
  const attributes = {
    reason: carriable(bounded(reason)) || NO_REASON,
    source: nameOf(handleOf(message).queueUrl),
    messageId: message.id,
  };
  // A body that fills a message stays whole, and its reason is left out.
  const fits = bytesOf(body, ...Object.entries(attributes).flat()) <= MAX_BYTES - 100;
  const command = new SendMessageCommand({
    QueueUrl: deadLetters,
    MessageBody: body,
    ...(fits ? { MessageAttributes: texts(attributes) } : {}),
  });
  await named("SendMessage", deadLetters, () => client.send(command, SOON));
}

export interface LettersWanted {
  readonly max: number;
  readonly waitS: number;
  readonly visibilityS: number;
}

/** As many requests as `max` takes, or until one finds nothing. */
export async function receiveLetters(client: SQSClient, deadLetters: string, wanted: LettersWanted): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  while (letters.length < wanted.max) {
    const command = new ReceiveMessageCommand({
      QueueUrl: deadLetters,
      MaxNumberOfMessages: Math.min(MAX_MESSAGES, wanted.max - letters.length),
      WaitTimeSeconds: wanted.waitS,
      VisibilityTimeout: wanted.visibilityS,
      MessageSystemAttributeNames: ["SentTimestamp", "DeadLetterQueueSourceArn"],
      MessageAttributeNames: ["All"],
    });
    const how = { requestTimeout: wanted.waitS * 1_000 + ANSWER_MS };
    const { Messages = [] } = await named("ReceiveMessage", deadLetters, () => client.send(command, how));
    if (Messages.length === 0) break;
    letters.push(...Messages.map((delivered) => letterOf(delivered, deadLetters)));
  }
  return letters;
}

function letterOf(delivered: Delivered, deadLetters: string): DeadLetter {
  const { MessageId = "", Body = "", ReceiptHandle = "", Attributes = {}, MessageAttributes = {} } = delivered;
  return {
    id: MessageAttributes["messageId"]?.StringValue ?? MessageId,
    body: Body,
    reason: MessageAttributes["reason"]?.StringValue ?? unsaidReason(Attributes.DeadLetterQueueSourceArn),
    atMs: Number(Attributes.SentTimestamp ?? 0),
    receipt: receiptOf(deadLetters, ReceiptHandle),
  };
}
function unsaidReason(sourceArn: string | undefined): string {
  return sourceArn === undefined ? NO_REASON : `received too often from queue ${sourceArn.slice(sourceArn.lastIndexOf(":") + 1)}`;
}

function texts(attributes: Readonly<Record<string, string>>): Record<string, MessageAttributeValue> {
  const asText = (StringValue: string): MessageAttributeValue => ({ DataType: "String", StringValue });
  return Object.fromEntries(Object.entries(attributes).map(([name, text]) => [name, asText(text)]));
}
function bytesOf(...parts: readonly string[]): number {
  const encoder = new TextEncoder();
  return parts.reduce((sum, part) => sum + encoder.encode(part).length, 0);
}
