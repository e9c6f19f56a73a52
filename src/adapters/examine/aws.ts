/**
 * What a stack's table, queues and bucket are like, for `rookery doctor`: reads only, each by one request or two with short
 * patience. Nothing here judges; what cannot be read is thrown.
 */
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import { HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { StoreUnavailableError } from "../../domain/errors.ts";
import { SECOND_MS } from "../../domain/limits.ts";
import { plainly, sdkFailureOf, speaking } from "../shared/sdk-failure.ts";
import { captureDate } from "./date.ts";

export interface AccessFacts {
  readonly region: string;
  /** Names whose credentials they are, and is no secret. */
  readonly accessKeyId: string;
}
export interface TableFacts {
  /** ACTIVE, CREATING, … */
  readonly status: string;
  readonly billing: string;
  /** Partition and sort key. */
  readonly keys: readonly string[];
  readonly indexes: readonly { readonly name: string; readonly status: string; readonly keys: readonly string[] }[];
  /** As DynamoDB counted some time within the last six hours. */
  readonly items: number;
  readonly bytes: number;
}
export interface QueueFacts {
  readonly visibilityS: number;
  readonly retentionS: number;
  /** Where SQS puts what was received too often; null for nowhere. */
  readonly redrive: { readonly queue: string; readonly maxReceiveCount: number } | null;
}

/** Every method throws StoreUnavailableError that names the request. */
export interface AwsExaminer {
  access(): Promise<AccessFacts>;
  /** By how much the clock of `nowMs` is ahead of AWS's, to a second; null when AWS does not say. */
  clockAheadMs(parameter: string, nowMs: () => number): Promise<number | null>;
  table(name: string): Promise<TableFacts>;
  /** The attribute by which DynamoDB deletes; null when it does not. */
  timeToLive(table: string): Promise<string | null>;
  /** Whether the table can be restored to any second of the last weeks. */
  recovers(table: string): Promise<boolean>;
  queue(url: string): Promise<QueueFacts>;
  bucket(name: string): Promise<void>;
  close(): void;
}

const OPTIONS = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 2 * SECOND_MS, requestTimeout: 4 * SECOND_MS, throwOnRequestTimeout: true },
} as const;

/** `endpoint`: of an emulator; null for AWS's own. */
export function createAwsExaminer(endpoint: string | null): AwsExaminer {
  const place = { ...OPTIONS, ...(endpoint === null ? {} : { endpoint }) };
  const [ssm, dynamo] = [new SSMClient(place), new DynamoDBClient(place)];
  const sqs = new SQSClient({ ...place, useQueueUrlAsEndpoint: endpoint === null });
  const s3 = new S3Client({ ...place, forcePathStyle: endpoint !== null });
  return {
    access: () =>
      named("credentials", async () => {
        const [region, { accessKeyId }] = [await ssm.config.region(), await ssm.config.credentials()];
        return { region: String(region), accessKeyId };
      }),
    clockAheadMs: (parameter, nowMs) =>
      named(`GetParameter of ${parameter}`, async () => {
        const date = captureDate(ssm.middlewareStack);
        const beforeMs = nowMs();
        await ssm.send(new GetParameterCommand({ Name: parameter }));
        const saidMs = date();
        return saidMs === null ? null : aheadOf(saidMs, beforeMs, nowMs());
      }),
    table: (name) =>
      named(`DescribeTable of ${name}`, async () => {
        const { Table = {} } = await dynamo.send(new DescribeTableCommand({ TableName: name }));
        return tableOf(Table);
      }),
    timeToLive: (name) =>
      named(`DescribeTimeToLive of ${name}`, async () => {
        const { TimeToLiveDescription: found } = await dynamo.send(new DescribeTimeToLiveCommand({ TableName: name }));
        return found?.TimeToLiveStatus === "ENABLED" ? (found.AttributeName ?? null) : null;
      }),
    recovers: (name) =>
      named(`DescribeContinuousBackups of ${name}`, async () => {
        const { ContinuousBackupsDescription: found } = await dynamo.send(
          new DescribeContinuousBackupsCommand({ TableName: name }),
        );
        return found?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === "ENABLED";
      }),
    queue: (url) =>
      named(`GetQueueAttributes of ${lastPart(url, "/")}`, async () => {
        const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] });
        const { Attributes = {} } = await sqs.send(command);
        return {
          visibilityS: Number(Attributes.VisibilityTimeout),
          retentionS: Number(Attributes.MessageRetentionPeriod),
          redrive: redriveOf(Attributes.RedrivePolicy),
        };
      }),
    bucket: (name) => named(`HeadBucket of ${name}`, async () => void (await s3.send(new HeadBucketCommand({ Bucket: name })))),
    close: () => {
      for (const client of [ssm, dynamo, sqs, s3]) client.destroy();
    },
  };
}

const MISSING = {
  ResourceNotFoundException: "there is no such table",
  QueueDoesNotExist: "there is no such queue",
  NotFound: "there is no such bucket",
};

async function named<T>(what: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (thrown) {
    throw new StoreUnavailableError(`${what}${plainly(sdkFailureOf(thrown), MISSING)}`, speaking(thrown));
  }
}

/** AWS's instant is a whole second, and the answer took its time: only what is outside of both is known. */
function aheadOf(saidMs: number, beforeMs: number, afterMs: number): number {
  if (beforeMs > saidMs + SECOND_MS) return beforeMs - saidMs - SECOND_MS;
  return afterMs < saidMs ? afterMs - saidMs : 0;
}

function tableOf(table: TableDescription): TableFacts {
  const keysOf = (schema: TableDescription["KeySchema"] = []): string[] => schema.map(({ AttributeName = "" }) => AttributeName);
  return {
    status: table.TableStatus ?? "unknown",
    billing: table.BillingModeSummary?.BillingMode ?? "PROVISIONED",
    keys: keysOf(table.KeySchema),
    indexes: (table.GlobalSecondaryIndexes ?? []).map(({ IndexName = "", IndexStatus = "ACTIVE", KeySchema = [] }) => ({
      name: IndexName,
      status: IndexStatus,
      keys: keysOf(KeySchema),
    })),
    items: table.ItemCount ?? 0,
    bytes: table.TableSizeBytes ?? 0,
  };
}

/** AWS writes it as JSON, with a number or with a text. */
function redriveOf(policy: string | undefined): QueueFacts["redrive"] {
  const parsed: unknown = policy === undefined || policy === "" ? null : JSON.parse(policy);
  if (typeof parsed !== "object" || parsed === null) return null;
  const arn: unknown = Reflect.get(parsed, "deadLetterTargetArn");
  return { queue: lastPart(String(arn), ":"), maxReceiveCount: Number(Reflect.get(parsed, "maxReceiveCount")) };
}
function lastPart(text: string, separator: string): string {
  return text.slice(text.lastIndexOf(separator) + 1);
}
