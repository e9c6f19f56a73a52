/** What one may choose of a deployment, what it is otherwise, and what is refused at synthesis (G8). */

import type { WarmThroughput } from "aws-cdk-lib/aws-dynamodb";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Duration, RemovalPolicy } from "aws-cdk-lib/core";
import { InvalidArgumentError } from "../domain/errors.ts";
import { parseNamespace } from "../domain/ids.ts";
import { MINUTE_MS, STEP_MS, SWEEP_MS } from "../domain/limits.ts";
import { type Settings, settingsOf } from "../runtime/settings.ts";
import { ENVIRONMENT } from "../wire/environment.ts";

export interface RookeryProps {
  /** Path of your `worker.ts`, which exports `handler` (see `createWorkerHandler` of `rookery/lambda`). */
  readonly workerEntry: string;
  /**
   * Memory of the worker in MiB, 128 to 10,240. CPU comes with it.
   * @default 256
   */
  readonly workerMemoryMb?: number;
  /**
   * How long an invocation of the worker may take, at most 15 minutes: no step can take longer.
   * A worker begins a step in the first half of its time only, so that every step has the second half.
   * @default 11 minutes: a step of the default `limits.stepMs` (5 minutes) always fits
   */
  readonly workerTimeout?: Duration;
  /**
   * How many workers at most take from one queue at the same time, 2 to 1,000; each has up to `batchSize` work items.
   * @default 10
   */
  readonly workerConcurrency?: number;
  /**
   * Variables of the worker's environment besides Rookery's own.
   * @default - none
   */
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * How many messages a worker gets at most, 1 to 10. It works on all of them at the same time.
   * @default 10
   */
  readonly batchSize?: number;
  /**
   * Queues: 3 for high, normal and low, or 1 for all of them. Each costs its polling, about $0.26 a month. Going back to
   * 1 deletes two queues; what their messages were for, the sweeper finds again.
   * @default 1
   */
  readonly lanes?: 1 | 3;
  /**
   * Tenants of a queue take turns (SQS fair queues: messages carry their tenant as message group).
   * @default false
   */
  readonly fair?: boolean;
  /**
   * Where callers work unless they say otherwise.
   * @default "default"
   */
  readonly namespace?: string;
  /**
   * Bounds of the runtime that differ from its defaults, in whole milliseconds.
   * @default - the defaults
   */
  readonly settings?: Partial<Settings>;
  /**
   * What happens to table, bucket and logs when the stack is deleted. With anything but DESTROY, table and bucket are
   * also protected from deletion by other means.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Empties the bucket before it is deleted, by a function that the CDK brings along.
   * @default - true with RemovalPolicy.DESTROY
   */
  readonly autoDeleteObjects?: boolean;
  /**
   * Throughput that table and indexes are ready for from the start. It is paid for once.
   * @default - what on-demand tables begin with
   */
  readonly warmThroughput?: WarmThroughput;
  /**
   * Gets every alarm, and its end.
   * @default - alarms are seen in CloudWatch only
   */
  readonly alarmTopic?: ITopic;
  /**
   * A function URL for signed (IAM) requests: enqueue, signal, status, result, output.
   * @default true
   */
  readonly http?: boolean;
  /**
   * Path of a door of your own, which exports `handler` (see `createHttpHandler` of `rookery/lambda`): one that knows your
   * contracts refuses what does not fit them.
   * @default - one that knows no contract, and lets in any JSON
   */
  readonly httpEntry?: string;
  /**
   * The same for callbacks (see `createCallbackHandler`).
   * @default - one that knows no contract: a step fails with what does not fit
   */
  readonly callbacksEntry?: string;
  /**
   * A second function URL, for anybody on the internet, that takes `POST /callback/<token>` and nothing else.
   * @default false
   */
  readonly callbacks?: boolean;
  /**
   * How long the functions' logs are kept.
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;
  /**
   * Time between sweeps, 1 minute or more. What a crash left behind waits for the next one.
   * @default 1 minute
   */
  readonly sweepEvery?: Duration;
  /**
   * Concurrency that the account sets aside for the sweeper, so that no other function can hold it up.
   * @default - none
   */
  readonly sweeperReservedConcurrency?: number;
}

type Optional = "httpEntry" | "callbacksEntry" | "settings" | "warmThroughput" | "alarmTopic" | "sweeperReservedConcurrency";
/** Every choice made. */
export type Choices = Required<Omit<RookeryProps, Optional>> & Pick<RookeryProps, Optional>;

export function chosen(props: RookeryProps): Choices {
  const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
  const { httpEntry, callbacksEntry, settings, warmThroughput, alarmTopic, sweeperReservedConcurrency } = props;
  const choices: Choices = {
    workerEntry: props.workerEntry,
    workerMemoryMb: props.workerMemoryMb ?? 256,
    workerTimeout: props.workerTimeout ?? Duration.millis(2 * STEP_MS + MINUTE_MS),
    workerConcurrency: props.workerConcurrency ?? 10,
    environment: props.environment ?? {},
    batchSize: props.batchSize ?? 10,
    lanes: props.lanes ?? 1,
    fair: props.fair ?? false,
    namespace: props.namespace ?? "default",
    removalPolicy,
    autoDeleteObjects: props.autoDeleteObjects ?? removalPolicy === RemovalPolicy.DESTROY,
    http: props.http ?? true,
    callbacks: props.callbacks ?? false,
    logRetention: props.logRetention ?? RetentionDays.ONE_MONTH,
    sweepEvery: props.sweepEvery ?? Duration.millis(SWEEP_MS),
    ...(httpEntry === undefined ? {} : { httpEntry }),
    ...(callbacksEntry === undefined ? {} : { callbacksEntry }),
    ...(settings === undefined ? {} : { settings }),
    ...(warmThroughput === undefined ? {} : { warmThroughput }),
    ...(alarmTopic === undefined ? {} : { alarmTopic }),
    ...(sweeperReservedConcurrency === undefined ? {} : { sweeperReservedConcurrency }),
  };
  check(choices);
  return choices;
}

function check(choices: Choices): void {
  const { workerMemoryMb, workerConcurrency, batchSize, lanes, environment } = choices;
  parseNamespace(choices.namespace);
  settingsOf(choices.settings ?? {});
  requireBetween("workerMemoryMb", workerMemoryMb, 128, 10_240);
  requireBetween("workerTimeout in seconds", choices.workerTimeout.toSeconds(), 1, 900);
  requireBetween("workerConcurrency", workerConcurrency, 2, 1_000);
  requireBetween("batchSize", batchSize, 1, 10);
  requireBetween("sweepEvery in minutes", choices.sweepEvery.toMinutes(), 1, 60);
  if (lanes !== 1 && lanes !== 3) throw new InvalidArgumentError("lanes", "1 or 3", lanes);
  if (choices.autoDeleteObjects && choices.removalPolicy !== RemovalPolicy.DESTROY)
    throw new InvalidArgumentError("autoDeleteObjects", "RemovalPolicy.DESTROY with it", choices.removalPolicy);
  const reserved = Object.values(ENVIRONMENT).find((name) => name in environment);
  if (reserved !== undefined) throw new InvalidArgumentError("environment", `a variable other than ${reserved}`, reserved);
}

function requireBetween(what: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new InvalidArgumentError(what, `a whole number from ${least} to ${most}`, value);
}
