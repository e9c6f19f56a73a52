/**
 * Rookery in one's own AWS account: the same client as on one machine, over DynamoDB, SQS and S3. Node 20 or newer, in
 * any process that has AWS credentials: a server, a script, one's own Lambda.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { dynamoClientOptions } from "./adapters/dynamodb/client-options.ts";
import { createDynamoRecordStore } from "./adapters/dynamodb/record-store.ts";
import { type CostMeter, createMeter } from "./adapters/metering/meter.ts";
import { endpointFromEnvironment } from "./adapters/node/aws-environment.ts";
import { createSystemClock } from "./adapters/node/clock.ts";
import { createConsoleLogger } from "./adapters/node/logger.ts";
import { createProcessTable } from "./adapters/node/process-table.ts";
import { createSystemRandom } from "./adapters/node/random.ts";
import { createS3BlobStore } from "./adapters/s3/blob-store.ts";
import { s3ClientOptions } from "./adapters/s3/options.ts";
import type { BuriedMessage, MessageCounts, OperatorReads } from "./adapters/shared/operator-reads.ts";
import { createSqsDeadLetters } from "./adapters/sqs/dead-letters.ts";
import { sqsClientOptions } from "./adapters/sqs/options.ts";
import { createSqsQueue } from "./adapters/sqs/queue.ts";
import { findDeployment } from "./adapters/ssm/deployment.ts";
import type { Engine } from "./domain/engine.ts";
import { InvalidArgumentError } from "./domain/errors.ts";
import { parseNamespace } from "./domain/ids.ts";
import type { DeadLetters } from "./ports/dead-letters.ts";
import type { Logger } from "./ports/logger.ts";
import type { Metrics } from "./ports/metrics.ts";
import type { ProcessTable } from "./ports/process-table.ts";
import { listBuried } from "./runtime/dead-letters.ts";
import { createNonces, type Deps, NO_METRICS } from "./runtime/deps.ts";
import { markBlobs } from "./runtime/marked-blobs.ts";
import { createRookery, type Rookery } from "./runtime/rookery.ts";
import { type Settings, settingsOf } from "./runtime/settings.ts";
import { createCodec } from "./wire/codec.ts";
import type { Deployment } from "./wire/deployment.ts";

export type { Driven } from "./runtime/drive.ts";
export type { DriveOptions, Rookery, WorkOptions } from "./runtime/rookery.ts";
export type { Settings } from "./runtime/settings.ts";
export type { Swept } from "./runtime/sweep.ts";
export type { Deployment } from "./wire/deployment.ts";

/** Where AWS is. What is left out is found as the AWS SDK finds it: environment, profile, role. */
export interface AwsPlace {
  readonly region?: string;
  /** Another endpoint for every service, as AWS_ENDPOINT_URL names one: an emulator. */
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };
}
export interface AwsClientOptions extends AwsPlace {
  /** Name of the stack; its table, queues and bucket are found by its SSM parameter. This or `deployment`. */
  readonly stack?: string;
  /** The names themselves: nothing is looked up. */
  readonly deployment?: Deployment;
  /** Default the deployment's. */
  readonly namespace?: string;
  /** Needed to work here (`work`, `drive`), not to call. */
  readonly engines?: readonly Engine[];
  /** Default: warnings and errors to stderr. */
  readonly logger?: Logger;
  readonly settings?: Partial<Settings>;
}
export interface AwsClient extends Rookery {
  readonly deployment: Deployment;
  /** As far as SQS knows: approximate. */
  countMessages(): Promise<MessageCounts>;
  /** Messages that nobody could read or handle, newest first: in the dead-letter queue, or taken from it by the sweeper. */
  buried(limit: number): Promise<readonly BuriedMessage[]>;
  /** Closes idle connections. */
  close(): void;
}

/**
 * Looks the stack up, once.
 *
 * @throws InvalidArgumentError, UnknownStackError when the stack has no parameter here, AwsAccessError without a region or
 * credentials, StoreUnavailableError
 */
export async function createAwsClient(options: AwsClientOptions): Promise<AwsClient> {
  const deployment = await deploymentOf(options);
  const engines = options.engines ?? [];
  const world = createAwsWorld({
    deployment,
    place: options,
    namespace: options.namespace ?? deployment.namespace,
    logger: options.logger ?? createConsoleLogger(),
    metrics: NO_METRICS,
    processes: createProcessTable(),
    settings: options.settings ?? {},
    // Who only calls commits nothing that the counts could go with.
    ...(engines.length === 0 ? {} : { meter: createMeter() }),
  });
  return {
    ...createRookery(world.deps, engines),
    deployment,
    countMessages: () => world.operator.countMessages(),
    buried: (limit) => buriedOf(world, deployment, limit),
    close: world.close,
  };
}

/** The queue first: a letter is on record before it leaves it, so one that is taken meanwhile is seen, perhaps twice. */
async function buriedOf({ operator, deps }: AwsWorld, deployment: Deployment, limit: number): Promise<BuriedMessage[]> {
  const queued = await operator.buried(limit);
  // What nobody can read has no namespace: the sweeper keeps it in the deployment's.
  const recorded = await listBuried({ store: deps.store, namespace: parseNamespace(deployment.namespace) }, limit);
  const known = new Set(recorded.map(({ id }) => id));
  return [...recorded, ...queued.filter(({ id }) => !known.has(id))].sort((a, b) => b.atMs - a.atMs).slice(0, limit);
}

function deploymentOf({ stack, deployment, ...place }: AwsClientOptions): Promise<Deployment> {
  if (deployment !== undefined && stack === undefined) return Promise.resolve(deployment);
  if (stack === undefined || deployment !== undefined)
    throw new InvalidArgumentError("createAwsClient", "either a stack or a deployment", { stack, deployment });
  return findDeployment(stack, placeOf(place));
}

/** An endpoint from the environment is named outright: an emulator wants S3's bucket in the path. */
function placeOf({ region, endpoint = endpointFromEnvironment() ?? undefined, credentials }: AwsPlace): AwsPlace {
  return {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

export interface AwsWorldOptions {
  readonly deployment: Deployment;
  readonly place: AwsPlace;
  readonly namespace: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly processes: ProcessTable;
  readonly settings: Partial<Settings>;
  /** Counts what its clients use. Default none. */
  readonly meter?: CostMeter;
}
export interface AwsWorld {
  readonly deps: Deps;
  readonly operator: OperatorReads;
  readonly deadLetters: DeadLetters;
  close(): void;
}

/** HEAD is billed by the KiB: small states are worth their compression here. */
const DEFLATE_FROM_BYTES = 256;

/** Ports over AWS: what the client and the functions are made of. */
export function createAwsWorld(options: AwsWorldOptions): AwsWorld {
  const { deployment, logger, metrics, processes, meter } = options;
  const place = placeOf(options.place);
  const emulated = place.endpoint !== undefined;
  const [clock, random] = [createSystemClock(), createSystemRandom()];
  const dynamo = new DynamoDBClient({ ...dynamoClientOptions, ...place });
  const sqs = new SQSClient({ ...sqsClientOptions, ...place, useQueueUrlAsEndpoint: !emulated });
  const s3 = new S3Client({ ...s3ClientOptions, ...place, forcePathStyle: emulated });
  meter?.watch({ dynamo, sqs, s3 });
  const queueDeps = { client: sqs, deployment: async () => deployment, clock };
  const queue = createSqsQueue(queueDeps);
  const deps: Deps = {
    namespace: parseNamespace(options.namespace),
    store: createDynamoRecordStore({ client: dynamo, table: async () => deployment.table }),
    queue,
    blobs: createS3BlobStore({ client: s3, bucket: async () => deployment.bucket, random, clock }),
    clock,
    random,
    logger,
    metrics,
    processes,
    codec: createCodec({ deflateFromBytes: DEFLATE_FROM_BYTES }),
    settings: settingsOf(options.settings),
    nonce: createNonces(random),
    ...(meter === undefined ? {} : { meter }),
  };
  const close = (): void => {
    for (const client of [dynamo, sqs, s3]) client.destroy();
  };
  return { deps: { ...deps, blobs: markBlobs(deps) }, operator: queue, deadLetters: createSqsDeadLetters(queueDeps), close };
}
