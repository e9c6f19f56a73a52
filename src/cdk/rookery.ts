/** All that Rookery needs in an AWS account, as one construct. */

import type { Alarm, Dashboard, Metric, MetricOptions } from "aws-cdk-lib/aws-cloudwatch";
import { Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import { Grant, type IGrantable } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import { Stack, Token } from "aws-cdk-lib/core";
import { Construct } from "constructs";
import { InvalidArgumentError } from "../domain/errors.ts";
import type { Lane } from "../domain/lane.ts";
import { deploymentParameter } from "../wire/deployment.ts";
import {
  enqueuePermissions,
  operatePermissions,
  type Parts,
  type Permission,
  readPermissions,
  workPermissions,
} from "./access.ts";
import { createAlarms } from "./alarms.ts";
import { createDashboard } from "./dashboard.ts";
import {
  commonOf,
  createCallbacks,
  createHttp,
  createSweeper,
  createWorker,
  type Door,
  deploymentJson,
  SWEEPER_TIMEOUT,
} from "./functions.ts";
import { type Counted, countedMetric } from "./metrics.ts";
import { chosen, type RookeryProps } from "./props.ts";
import { createDeadLetterQueue, createQueues, type Queues } from "./queues.ts";
import { createBucket, createTable } from "./storage.ts";

/** One per stack: callers find it by the stack's name (`createAwsClient({ stack })`). */
export class Rookery extends Construct {
  /** All records of work items. */
  readonly table: Table;
  /** What is too large for a record. */
  readonly bucket: Bucket;
  /** The queue of the normal lane, and of the others where they have none of their own. */
  readonly queue: Queue;
  /** By lane. */
  readonly queues: Queues;
  /** Gets what nobody can read. The sweeper empties it. */
  readonly deadLetterQueue: Queue;
  readonly workerFunction: IFunction;
  readonly sweeperFunction: IFunction;
  /** Undefined with `http: false`. */
  readonly httpFunction: IFunction | undefined;
  /** Undefined with `http: false`. */
  readonly httpUrl: string | undefined;
  /** Undefined unless `callbacks: true`. */
  readonly callbacksFunction: IFunction | undefined;
  /** Undefined unless `callbacks: true`. */
  readonly callbacksUrl: string | undefined;
  /** Says all of this to callers. */
  readonly parameter: StringParameter;
  readonly alarms: readonly Alarm[];
  readonly dashboard: Dashboard;
  readonly #http: Door | null;

  /** @throws InvalidArgumentError when a prop is not usable, or the stack has another Rookery or no name */
  constructor(scope: Construct, id: string, props: RookeryProps) {
    super(scope, id);
    const stack = requireOwnStack(this);
    const choices = chosen(props);
    const { lanes, workerTimeout, sweepEvery, alarmTopic } = choices;

    this.table = createTable(this, "Table", choices);
    this.bucket = createBucket(this, "Bucket", choices);
    this.deadLetterQueue = createDeadLetterQueue(this, "DeadLetterQueue");
    this.queues = createQueues(this, { lanes, workerTimeout, deadLetterQueue: this.deadLetterQueue });
    this.queue = this.queues.normal;

    const deployment = deploymentJson(this, this.#parts, choices);
    this.parameter = new StringParameter(this, "Parameter", {
      parameterName: deploymentParameter(stack.stackName),
      stringValue: deployment,
      description: "Rookery: where its table, bucket and queues are",
    });

    const common = commonOf(this.#parts, choices, deployment);
    this.workerFunction = createWorker(this, "Worker", this.#parts, choices, common);
    this.sweeperFunction = createSweeper(this, "Sweeper", this.#parts, choices, common);
    this.#http = choices.http ? createHttp(this, "Http", this.#parts, choices, common) : null;
    const callbacks = choices.callbacks ? createCallbacks(this, "Callbacks", this.#parts, choices, common) : null;
    this.httpFunction = this.#http?.door;
    this.httpUrl = this.#http?.url;
    this.callbacksFunction = callbacks?.door;
    this.callbacksUrl = callbacks?.url;

    const { workerFunction, sweeperFunction, httpFunction, callbacksFunction } = this;
    const functions = { workerFunction, sweeperFunction, httpFunction, callbacksFunction };
    const watched = { ...this.#parts, ...functions, workerTimeout, sweeperTimeout: SWEEPER_TIMEOUT, sweepEvery };
    this.alarms = createAlarms(this, watched, alarmTopic);
    this.dashboard = createDashboard(this, "Dashboard", watched);
  }

  /**
   * To enqueue work and to signal it, by the SDK. Whoever may write records may write any: IAM cannot tell an enqueue
   * from a cancel.
   */
  grantEnqueue(grantee: IGrantable): Grant {
    return this.#grant(grantee, enqueuePermissions(this.#parts));
  }
  /** To look at work items, their results, output and artifacts, by the SDK. */
  grantRead(grantee: IGrantable): Grant {
    return this.#grant(grantee, readPermissions(this.#parts));
  }
  /** To enqueue, read and command (cancel, pause, resume, redrive, resolve), by the SDK, the CLI and the HTTP function's URL. */
  grantOperate(grantee: IGrantable): Grant {
    const grant = this.#grant(grantee, operatePermissions(this.#parts));
    return this.#http === null ? grant : grant.combine(this.#http.door.grantInvokeUrl(grantee));
  }
  /**
   * To work, by `rookery worker --stack` and `rookery run --stack` or the SDK's `work` and `drive`: in development, and on
   * machines of one's own beside the functions.
   */
  grantWork(grantee: IGrantable): Grant {
    return this.#grant(grantee, workPermissions(this.#parts));
  }

  /** Seconds that the oldest message of a lane has waited. */
  metricOldestMessageAge(options: MetricOptions & { readonly lane?: Lane } = {}): Metric {
    const { lane = "normal", ...metric } = options;
    return (this.queues[lane] ?? this.queue).metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM, ...metric });
  }
  /** Messages in the dead-letter queue that the sweeper has not taken yet. */
  metricDeadLetters(options: MetricOptions = {}): Metric {
    return this.deadLetterQueue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, ...options });
  }
  /** Claims that were lost to another worker. */
  metricClaimConflicts(options?: MetricOptions): Metric {
    return this.#counted("claimConflicts", options);
  }
  /** Hints that came back without their item having moved on. */
  metricHopsWithoutProgress(options?: MetricOptions): Metric {
    return this.#counted("hopsWithoutProgress", options);
  }
  /** Messages that were one too many. */
  metricHintCopies(options?: MetricOptions): Metric {
    return this.#counted("hintCopies", options);
  }
  /** Work items that ended dead-lettered. */
  metricDeadLettered(options?: MetricOptions): Metric {
    return this.#counted("deadLettered", options);
  }
  /** Messages that nobody could read or handle. */
  metricBuried(options?: MetricOptions): Metric {
    return this.#counted("buried", options);
  }
  /** Alarms that the sweeper could not handle. */
  metricAlarmsFailed(options?: MetricOptions): Metric {
    return this.#counted("alarmsFailed", options);
  }

  get #parts(): Parts {
    const { table, bucket, queues, deadLetterQueue } = this;
    return { table, bucket, queues, deadLetterQueue };
  }
  #counted(counted: Counted, options?: MetricOptions): Metric {
    return countedMetric(this, counted, options);
  }
  /** With the parameter that says where everything is. */
  #grant(grantee: IGrantable, permissions: readonly Permission[]): Grant {
    const where = { actions: ["ssm:GetParameter"], resources: [this.parameter.parameterArn] };
    return [where, ...permissions]
      .map(({ actions, resources }) => Grant.addToPrincipal({ grantee, actions: [...actions], resourceArns: [...resources] }))
      .reduce((all, one) => all.combine(one));
  }
}

/** Its name is how callers find it. */
function requireOwnStack(rookery: Rookery): Stack {
  const stack = Stack.of(rookery);
  if (Token.isUnresolved(stack.stackName))
    throw new InvalidArgumentError(`Rookery ${rookery.node.path}`, "a stack with a name of its own", "a nested stack");
  const other = stack.node.findAll().find((one) => one instanceof Rookery && one !== rookery && Stack.of(one) === stack);
  if (other !== undefined)
    throw new InvalidArgumentError(`Rookery ${rookery.node.path}`, "the only one of its stack", `another, ${other.node.path}`);
  return stack;
}
