import { GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { type Deployment, queuesOf } from "../../wire/deployment.ts";
import type { MessageCounts, OperatorReads } from "../shared/operator-reads.ts";
import type { Batches } from "./batches.ts";
import { receiveLetters } from "./letters.ts";
import { handleOf, named, SOON } from "./requests.ts";

/** So many are looked at to find the newest: SQS gives them in no order. */
const PEEK_MAX = 100;
/** Given back right after the look; if that fails, they come back by themselves. */
const PEEK_S = 10;

export interface OperatorReadsDeps {
  readonly client: SQSClient;
  readonly deployment: () => Promise<Deployment>;
  readonly batches: Batches;
}

/** All numbers are SQS's, which are approximate: they may be a minute behind. */
export function createOperatorReads({ client, deployment, batches }: OperatorReadsDeps): OperatorReads {
  const count = async (queueUrl: string): Promise<Omit<MessageCounts, "buried">> => {
    const command = new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
      ],
    });
    const { Attributes = {} } = await named("GetQueueAttributes", queueUrl, () => client.send(command, SOON));
    return {
      visible: Number(Attributes.ApproximateNumberOfMessages ?? 0),
      delayed: Number(Attributes.ApproximateNumberOfMessagesDelayed ?? 0),
      inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
    };
  };
  return {
    async countMessages() {
      const place = await deployment();
      const [dead, counts] = await Promise.all([count(place.deadLetters), Promise.all(queuesOf(place).map(count))]);
      const sum = (of: (each: (typeof counts)[number]) => number) => counts.reduce((total, each) => total + of(each), 0);
      return {
        visible: sum(({ visible }) => visible),
        delayed: sum(({ delayed }) => delayed),
        inFlight: sum(({ inFlight }) => inFlight),
        buried: dead.visible + dead.delayed + dead.inFlight,
      };
    },
    async buried(limit) {
      const { deadLetters } = await deployment();
      const letters = await receiveLetters(client, deadLetters, {
        max: Math.max(limit, PEEK_MAX),
        waitS: 1,
        visibilityS: PEEK_S,
      });
      const giveBack = letters.map((letter) => batches.hide(deadLetters, { handle: handleOf(letter).handle, seconds: 0 }));
      await Promise.allSettled(giveBack);
      return letters
        .sort((a, b) => b.atMs - a.atMs)
        .slice(0, limit)
        .map(({ id, body, reason, atMs }) => ({ id, body, reason, atMs }));
    },
  };
}
