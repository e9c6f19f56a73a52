/** SDK clients of the emulator, and whether there is one. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { SQSClient, type SQSClientConfig } from "@aws-sdk/client-sqs";
import { inject } from "vitest";
import { CREDENTIALS, REGION } from "../../localstack/emulator.ts";

/** Null where the suites cannot run: `describe.skipIf(endpoint === null)`. */
export const endpoint = inject("awsEndpoint");
/** Another engine may stand in for SQS alone: ROOKERY_TEST_SQS names its endpoint. */
export const sqsEndpoint = process.env["ROOKERY_TEST_SQS"] ?? endpoint;

const place = { region: REGION, credentials: CREDENTIALS, ...(endpoint === null ? {} : { endpoint }) };
export const dynamoClient = (): DynamoDBClient => new DynamoDBClient(place);
export const sqsClient = (options: SQSClientConfig = {}): SQSClient =>
  new SQSClient({
    ...place,
    ...(sqsEndpoint === null ? {} : { endpoint: sqsEndpoint }),
    useQueueUrlAsEndpoint: false,
    ...options,
  });
export const s3Client = (options: S3ClientConfig = {}): S3Client => new S3Client({ ...place, forcePathStyle: true, ...options });
export const lambdaClient = (): LambdaClient => new LambdaClient(place);
