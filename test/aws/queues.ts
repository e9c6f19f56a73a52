/** Queues of a test's own on the emulator, as the infrastructure makes them. */
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import { sqsClientOptions } from "../../src/adapters/sqs/options.ts";
import { createSqsQueue } from "../../src/adapters/sqs/queue.ts";
import { invariant } from "../../src/domain/errors.ts";
import type { Lane } from "../../src/ports/work-queue.ts";
import type { Deployment } from "../../src/wire/deployment.ts";
import { uniqueName } from "../contract/fixture.ts";
import { sqsClient } from "./clients.ts";

export interface Queues {
  readonly client: SQSClient;
  readonly deployment: Deployment;
  close(): Promise<void>;
}

interface QueuesOptions {
  readonly lanes?: readonly Lane[];
  readonly fair?: boolean;
  /** Receives after which SQS itself gives up; never by default. */
  readonly maxReceiveCount?: number;
}

export async function createQueues({ lanes = ["normal"], fair = false, maxReceiveCount }: QueuesOptions = {}): Promise<Queues> {
  const client = sqsClient(sqsClientOptions);
  const prefix = `q-${uniqueName()}`;
  const create = async (name: string): Promise<string> => {
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: `${prefix}-${name}` }));
    invariant(QueueUrl !== undefined, `queue ${name} was created`);
    return QueueUrl;
  };
  const deadLetters = await create("dead");
  const made = await Promise.all(lanes.map(async (lane) => [lane, await create(lane)] as const));
  const byLane: Partial<Record<Lane, string>> = Object.fromEntries(made);
  invariant(byLane.normal !== undefined, "there is a queue for normal");
  const queues = { ...byLane, normal: byLane.normal };
  if (maxReceiveCount !== undefined) await redrive(client, queues.normal, deadLetters, maxReceiveCount);
  return {
    client,
    deployment: { table: "t", bucket: "b", queues, deadLetters, fair, namespace: "test" },
    async close() {
      const urls = [...Object.values(queues), deadLetters];
      await Promise.all(urls.map((QueueUrl) => client.send(new DeleteQueueCommand({ QueueUrl }))));
      client.destroy();
    },
  };
}

async function redrive(client: SQSClient, queueUrl: string, deadLetters: string, maxReceiveCount: number): Promise<void> {
  const attributes = new GetQueueAttributesCommand({ QueueUrl: deadLetters, AttributeNames: ["QueueArn"] });
  const { Attributes } = await client.send(attributes);
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount });
  await client.send(new SetQueueAttributesCommand({ QueueUrl: queueUrl, Attributes: { RedrivePolicy } }));
}

export const queueOn = ({ client, deployment }: Queues) =>
  createSqsQueue({ client, deployment: async () => deployment, clock: createSystemClock() });
