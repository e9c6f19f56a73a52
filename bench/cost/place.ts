/** A table, a queue and a bucket on the emulator, as a deployment has them. */
import { randomUUID } from "node:crypto";
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, DeleteQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { CREDENTIALS, REGION } from "../../localstack/emulator.ts";
import type { AwsPlace, Deployment } from "../../src/aws.ts";
import { tableInput } from "../../test/aws/table-shape.ts";

export interface Rented {
  readonly place: AwsPlace;
  readonly deployment: Deployment;
  giveBack(): Promise<void>;
}

export async function rentPlace(endpoint: string): Promise<Rented> {
  const place = { endpoint, region: REGION, credentials: CREDENTIALS };
  const [dynamo, sqs, s3] = [
    new DynamoDBClient(place),
    new SQSClient({ ...place, useQueueUrlAsEndpoint: false }),
    new S3Client({ ...place, forcePathStyle: true }),
  ];
  const name = `cost-${randomUUID()}`;
  const create = async (suffix: string): Promise<string> => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: `${name}-${suffix}` }));
    if (QueueUrl === undefined) throw new Error(`expected queue ${name}-${suffix} to be created`);
    return QueueUrl;
  };
  await dynamo.send(new CreateTableCommand(tableInput(name)));
  await waitUntilTableExists({ client: dynamo, maxWaitTime: 60, minDelay: 1 }, { TableName: name });
  await s3.send(new CreateBucketCommand({ Bucket: name }));
  const [normal, deadLetters] = [await create("normal"), await create("dead")];
  return {
    place,
    deployment: { table: name, bucket: name, queues: { normal }, deadLetters, fair: false, namespace: "cost" },
    async giveBack() {
      await dynamo.send(new DeleteTableCommand({ TableName: name }));
      for (const QueueUrl of [normal, deadLetters]) await sqs.send(new DeleteQueueCommand({ QueueUrl }));
      for (const client of [dynamo, sqs, s3]) client.destroy();
    },
  };
}
