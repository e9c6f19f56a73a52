/**
 * Receiving from one queue, or from those of several lanes. One queue is long-polled. Of several the first with a message
 * is taken, in the order of the rota; while all are empty each is waited for in turn, a second at a time: a message may
 * then lie for as many seconds as there are other queues.
 */
import { type Message as Delivered, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { Message, ReceiveOptions } from "../../ports/work-queue.ts";
import { type Deployment, queueOf } from "../../wire/deployment.ts";
import { createLaneRota } from "../shared/queue-order.ts";
import { ANSWER_MS, LONGEST_POLL_S } from "./options.ts";
import { named, receiptOf, secondsOf } from "./requests.ts";

const MAX_MESSAGES = 10;
const TURN_S = 1;

export interface ReceiveDeps {
  readonly client: SQSClient;
  readonly deployment: () => Promise<Deployment>;
}

export function createReceive({ client, deployment }: ReceiveDeps) {
  const rota = createLaneRota();
  return async (options: ReceiveOptions): Promise<readonly Message[]> => {
    const lanes = rota.order(options.lanes);
    const place = await deployment();
    const queues = [...new Set(lanes.map((lane) => queueOf(place, lane)))];
    const wait = { leftS: secondsOf(options.waitMs), turnS: queues.length > 1 ? TURN_S : LONGEST_POLL_S };
    if (queues.length > 1 || wait.leftS <= 0) {
      const taken = await takeWhatIsThere(client, queues, options);
      if (taken.length > 0) return taken;
    }
    for (let turn = 0; wait.leftS > 0 && !options.abortSignal.aborted; turn++) {
      const waitS = Math.min(wait.leftS, wait.turnS);
      const taken = await take(client, queues[turn % queues.length] ?? "", { ...options, waitS });
      if (taken.length > 0) return taken;
      wait.leftS -= waitS;
    }
    return [];
  };
}

async function takeWhatIsThere(client: SQSClient, queues: readonly string[], options: ReceiveOptions): Promise<Message[]> {
  const taken: Message[] = [];
  for (const queueUrl of queues) {
    if (taken.length >= options.max) break;
    taken.push(...(await take(client, queueUrl, { ...options, max: options.max - taken.length, waitS: 0 })));
  }
  return taken;
}

interface TakeOptions extends ReceiveOptions {
  readonly waitS: number;
}

/** As many requests as `max` takes; only the first waits. Fewer than asked for is taken to be all. */
async function take(client: SQSClient, queueUrl: string, options: TakeOptions): Promise<Message[]> {
  const taken: Message[] = [];
  for (let waitS = options.waitS; taken.length < options.max && !options.abortSignal.aborted; waitS = 0) {
    const asked = Math.min(MAX_MESSAGES, options.max - taken.length);
    const messages = await receiveOnce(client, queueUrl, { ...options, max: asked, waitS });
    taken.push(...messages);
    if (messages.length < asked) break;
  }
  return taken;
}

/** What SQS sends into an aborted wait is lost to us, and comes back when its visibility is over. */
async function receiveOnce(client: SQSClient, queueUrl: string, options: TakeOptions): Promise<Message[]> {
  const { max, waitS, visibilityMs, abortSignal } = options;
  const command = new ReceiveMessageCommand({
    QueueUrl: queueUrl,
    MaxNumberOfMessages: max,
    WaitTimeSeconds: waitS,
    VisibilityTimeout: secondsOf(visibilityMs),
    MessageSystemAttributeNames: ["ApproximateReceiveCount"],
  });
  const how = { abortSignal, requestTimeout: waitS * 1_000 + ANSWER_MS };
  try {
    const { Messages = [] } = await named("ReceiveMessage", queueUrl, () => client.send(command, how));
    return Messages.map((delivered) => messageOf(delivered, queueUrl));
  } catch (error) {
    if (abortSignal.aborted) return [];
    throw error;
  }
}

function messageOf({ MessageId = "", Body = "", ReceiptHandle = "", Attributes = {} }: Delivered, queueUrl: string): Message {
  const receiveCount = Number(Attributes.ApproximateReceiveCount ?? 1);
  return { id: MessageId, body: Body, receiveCount, receipt: receiptOf(queueUrl, ReceiptHandle) };
}
