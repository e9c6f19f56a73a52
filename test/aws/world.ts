/** A whole deployment on the emulator, made by the SDK in a second: what the infrastructure makes, but for its functions. */
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectsV2Command,
  type S3Client,
} from "@aws-sdk/client-s3";
import { DeleteParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { CREDENTIALS, REGION } from "../../localstack/emulator.ts";
import { type Deployment, deploymentFields, deploymentParameter } from "../../src/wire/deployment.ts";
import { uniqueName } from "../contract/fixture.ts";
import { dynamoClient, endpoint, s3Client } from "./clients.ts";
import { createQueues } from "./queues.ts";
import { createTable } from "./table.ts";

export interface TestDeployment {
  readonly stack: string;
  readonly deployment: Deployment;
  remove(): Promise<void>;
}

/** What AWS's clients find their way by, for a process of a test's own. */
export const awsEnvironment: Readonly<Record<string, string>> = {
  AWS_ENDPOINT_URL: endpoint ?? "",
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
};

/** As the infrastructure sets it. */
const MAX_RECEIVES = 100;

export async function createDeployment(namespace = "default"): Promise<TestDeployment> {
  const [dynamo, s3] = [dynamoClient(), s3Client()];
  const bucket = `rookery-${uniqueName()}`;
  const [table, queues] = await Promise.all([
    createTable(dynamo),
    createQueues({ maxReceiveCount: MAX_RECEIVES }),
    s3.send(new CreateBucketCommand({ Bucket: bucket })),
  ]);
  const deployment = { ...queues.deployment, table: table.name, bucket, namespace };
  const named = await nameDeployment(deployment);
  const remove = async (): Promise<void> => {
    await Promise.all([named.remove(), table.remove(), queues.close(), removeBucket(s3, bucket)]);
    for (const client of [dynamo, s3]) client.destroy();
  };
  return { ...named, remove };
}

/** Says under a stack's name that it consists of these, wherever they are. */
export async function nameDeployment(deployment: Deployment): Promise<TestDeployment> {
  const ssm = new SSMClient({ region: REGION, credentials: CREDENTIALS, ...(endpoint === null ? {} : { endpoint }) });
  const stack = `Test-${uniqueName()}`;
  const Name = deploymentParameter(stack);
  await ssm.send(new PutParameterCommand({ Name, Type: "String", Value: JSON.stringify(deploymentFields(deployment)) }));
  const remove = async (): Promise<void> => {
    await ssm.send(new DeleteParameterCommand({ Name }));
    ssm.destroy();
  };
  return { stack, deployment, remove };
}

async function removeBucket(s3: S3Client, Bucket: string): Promise<void> {
  for (;;) {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
    if (Contents.length === 0) break;
    const Objects = Contents.map(({ Key }) => ({ Key }));
    await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  }
  await s3.send(new DeleteBucketCommand({ Bucket }));
}
