/** Who works: the worker, the sweeper and, by choice, two doors. Each with the rights that it needs, and no more. */

import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { FunctionUrlAuthType, type IFunction, InvokeMode, RecursiveLoop } from "aws-cdk-lib/aws-lambda";
import { Duration, Stack } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import { deploymentFields } from "../wire/deployment.ts";
import { ENVIRONMENT, HTTP_TIMEOUT_S } from "../wire/environment.ts";
import { callbackPermissions, httpPermissions, type Parts, sweeperPermissions, workerPermissions } from "./access.ts";
import { allowSelfInvocation, createFunction, type FunctionSpec, handlerEntry } from "./bundle.ts";
import type { Choices } from "./props.ts";

/** Our own functions do little but wait for answers. */
const MEMORY_MB = 256;
/** It ends before the next sweep begins. */
export const SWEEPER_TIMEOUT = Duration.seconds(55);
const CALLBACKS_TIMEOUT = Duration.seconds(30);

/** What all functions have in common. */
export type Common = Pick<FunctionSpec, "environment" | "logRetention" | "removalPolicy" | "bucket">;

export interface Door {
  readonly door: IFunction;
  readonly url: string;
}

/** The deployment as JSON: what the functions and the SSM parameter say of it. */
export function deploymentJson(scope: Construct, parts: Parts, { fair, namespace }: Choices): string {
  const { table, bucket, queues, deadLetterQueue } = parts;
  const { normal, high, low } = queues;
  const fields = deploymentFields({
    table: table.tableName,
    bucket: bucket.bucketName,
    queues: {
      normal: normal.queueUrl,
      ...(high === undefined ? {} : { high: high.queueUrl }),
      ...(low === undefined ? {} : { low: low.queueUrl }),
    },
    deadLetters: deadLetterQueue.queueUrl,
    fair,
    namespace,
  });
  return Stack.of(scope).toJsonString(fields);
}

export function commonOf({ bucket }: Parts, choices: Choices, deployment: string): Common {
  const { settings, logRetention, removalPolicy } = choices;
  const own = settings === undefined ? {} : { [ENVIRONMENT.settings]: JSON.stringify(settings) };
  return { environment: { [ENVIRONMENT.deployment]: deployment, ...own }, logRetention, removalPolicy, bucket };
}

export function createWorker(scope: Construct, id: string, parts: Parts, choices: Choices, common: Common): IFunction {
  const worker = createFunction(scope, id, {
    ...common,
    entry: choices.workerEntry,
    description: "Rookery: runs the steps of work items",
    memoryMb: choices.workerMemoryMb,
    timeout: choices.workerTimeout,
    environment: { ...choices.environment, ...common.environment },
    permissions: workerPermissions(parts),
    // A chain of steps is a loop through the queue. Lambda would drop it after some 16 hops, without a word.
    recursiveLoop: RecursiveLoop.ALLOW,
  });
  for (const [lane, queue] of Object.entries(parts.queues)) {
    // No filter: what does not match one is deleted.
    worker.addEventSourceMapping(lane, {
      eventSourceArn: queue.queueArn,
      batchSize: choices.batchSize,
      maxConcurrency: choices.workerConcurrency,
      reportBatchItemFailures: true,
    });
  }
  return worker;
}

export function createSweeper(scope: Construct, id: string, parts: Parts, choices: Choices, common: Common): IFunction {
  const { sweeperReservedConcurrency: reserved, sweepEvery } = choices;
  const sweeper = createFunction(scope, id, {
    ...common,
    entry: handlerEntry("sweeper"),
    description: "Rookery: looks after what is due",
    memoryMb: MEMORY_MB,
    timeout: SWEEPER_TIMEOUT,
    permissions: sweeperPermissions(parts),
    ...(reserved === undefined ? {} : { reservedConcurrency: reserved }),
    // The next sweep is the retry.
    retryAttempts: 0,
    maxEventAge: Duration.minutes(1),
  });
  allowSelfInvocation(scope, `${id}Shards`, sweeper);
  new Rule(scope, `${id}Schedule`, {
    schedule: Schedule.rate(sweepEvery),
    targets: [new LambdaFunction(sweeper, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
  });
  return sweeper;
}

/** For requests that are signed: the caller's own rights decide. */
export function createHttp(scope: Construct, id: string, parts: Parts, { httpEntry }: Choices, common: Common): Door {
  const door = createFunction(scope, id, {
    ...common,
    entry: httpEntry ?? handlerEntry("http"),
    description: "Rookery: HTTP for signed requests",
    memoryMb: MEMORY_MB,
    timeout: Duration.seconds(HTTP_TIMEOUT_S),
    permissions: httpPermissions(parts),
  });
  const { url } = door.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM, invokeMode: InvokeMode.RESPONSE_STREAM });
  return { door, url };
}

/** For those who cannot sign: the token is the right. */
export function createCallbacks(scope: Construct, id: string, parts: Parts, { callbacksEntry }: Choices, common: Common): Door {
  const door = createFunction(scope, id, {
    ...common,
    entry: callbacksEntry ?? handlerEntry("callbacks"),
    description: "Rookery: callbacks by token, for anybody",
    memoryMb: MEMORY_MB,
    timeout: CALLBACKS_TIMEOUT,
    permissions: callbackPermissions(parts),
  });
  const { url } = door.addFunctionUrl({ authType: FunctionUrlAuthType.NONE, invokeMode: InvokeMode.BUFFERED });
  return { door, url };
}
