/** SDK clients of the emulator, and whether there is one. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { inject } from "vitest";
import { CREDENTIALS, REGION } from "../../localstack/emulator.ts";

/** Null where the suites cannot run: `describe.skipIf(endpoint === null)`. */
export const endpoint = inject("awsEndpoint");

const place = { region: REGION, credentials: CREDENTIALS, ...(endpoint === null ? {} : { endpoint }) };
export const dynamoClient = (): DynamoDBClient => new DynamoDBClient(place);
export const sqsClient = (): SQSClient => new SQSClient({ ...place, useQueueUrlAsEndpoint: false });
export const s3Client = (): S3Client => new S3Client({ ...place, forcePathStyle: true });
export const lambdaClient = (): LambdaClient => new LambdaClient(place);
