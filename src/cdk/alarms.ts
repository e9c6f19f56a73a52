/** What a person should hear of. Each is on one metric of its own: cheap, and every emulator knows them. */

import { type Alarm, ComparisonOperator, type Metric, Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Duration } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import type { Parts } from "./access.ts";
import { type Counted, countedMetric, over } from "./metrics.ts";

export interface Watched extends Parts {
  readonly workerFunction: IFunction;
  readonly sweeperFunction: IFunction;
  readonly httpFunction: IFunction | undefined;
  readonly callbacksFunction: IFunction | undefined;
  readonly workerTimeout: Duration;
  readonly sweeperTimeout: Duration;
  readonly sweepEvery: Duration;
}

interface Watch {
  readonly id: string;
  readonly metric: Metric;
  /** It rings at this much, and above. */
  readonly atLeast: number;
  /** For so many periods in a row. Default 1. */
  readonly periods?: number;
  readonly says: string;
}

const PERIOD = Duration.minutes(5);
const SUM = over(PERIOD, Stats.SUM);
const MAXIMUM = over(PERIOD, Stats.MAXIMUM);
/** A delay of 15 minutes, a hide of 15 more and a step of 15 are no reason yet. */
const OLD_SECONDS = 3_600;
/** Of a function's time. */
const NEAR_TIMEOUT = 0.9;
/** Sweeps may be missed now and then, but not this many in a row. */
const SILENT_SWEEPS = 5;
/** Per 5 minutes and for a quarter of an hour: a crash or a deployment makes a few of each, a defect keeps making them. */
const MANY: readonly { readonly counted: Counted; readonly atLeast: number; readonly says: string }[] = [
  { counted: "claimConflicts", atLeast: 100, says: "workers keep losing claims to each other" },
  { counted: "hopsWithoutProgress", atLeast: 50, says: "hints come back without their items having moved on" },
  { counted: "hintCopies", atLeast: 500, says: "hints multiply: more of them are one too many than crashes explain" },
];

export function createAlarms(scope: Construct, watched: Watched, topic: ITopic | undefined): Alarm[] {
  const alarms = [
    ...[...queueWatches(watched), ...functionWatches(watched), ...countedWatches(scope)].map((watch) =>
      createAlarm(scope, watch),
    ),
    createSilence(scope, watched),
  ];
  const action = topic === undefined ? null : new SnsAction(topic);
  for (const alarm of alarms) {
    if (action === null) break;
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
  }
  return alarms;
}

function createAlarm(scope: Construct, { id, metric, atLeast, periods = 1, says }: Watch): Alarm {
  return metric.createAlarm(scope, `${id}Alarm`, {
    threshold: atLeast,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: periods,
    treatMissingData: TreatMissingData.NOT_BREACHING,
    alarmDescription: `Rookery: ${says}`,
  });
}

/** The one that rings when nothing comes. */
function createSilence(scope: Construct, { sweeperFunction, sweepEvery }: Watched): Alarm {
  const period = Duration.minutes(SILENT_SWEEPS * sweepEvery.toMinutes());
  return sweeperFunction.metricInvocations(over(period, Stats.SUM)).createAlarm(scope, "SweeperSilentAlarm", {
    threshold: 1,
    comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.BREACHING,
    alarmDescription: "Rookery: no sweep takes place, so nobody looks after what crashes leave behind",
  });
}

function queueWatches({ queues, deadLetterQueue }: Watched): Watch[] {
  const ages = Object.entries(queues).map(([lane, queue]) => ({
    id: lane === "normal" ? "OldestMessage" : `OldestMessageOf${lane === "high" ? "High" : "Low"}`,
    metric: queue.metricApproximateAgeOfOldestMessage(MAXIMUM),
    atLeast: OLD_SECONDS,
    says: `a message of the ${lane} lane waits for ${OLD_SECONDS / 60} minutes: too few workers, or none that has its engine`,
  }));
  return [
    ...ages,
    {
      id: "DeadLetters",
      metric: deadLetterQueue.metricApproximateNumberOfMessagesVisible(MAXIMUM),
      atLeast: 1,
      says: "messages lie in the dead-letter queue, which the sweeper empties",
    },
  ];
}

function functionWatches(watched: Watched): Watch[] {
  const { workerFunction, sweeperFunction, httpFunction, callbacksFunction, workerTimeout, sweeperTimeout } = watched;
  const named = [
    { name: "Worker", fn: workerFunction },
    { name: "Sweeper", fn: sweeperFunction },
    ...(httpFunction === undefined ? [] : [{ name: "Http", fn: httpFunction }]),
    ...(callbacksFunction === undefined ? [] : [{ name: "Callbacks", fn: callbacksFunction }]),
  ];
  return [
    ...named.flatMap(({ name, fn }) => [
      { id: `${name}Errors`, metric: fn.metricErrors(SUM), atLeast: 1, says: `an invocation of ${name} died or threw` },
      { id: `${name}Throttles`, metric: fn.metricThrottles(SUM), atLeast: 1, says: `${name} is held up by a concurrency limit` },
    ]),
    // A stream lasts as long as somebody listens, so how long a request takes says nothing.
    nearTimeout("Worker", workerFunction, workerTimeout),
    nearTimeout("Sweeper", sweeperFunction, sweeperTimeout),
  ];
}
function nearTimeout(name: string, fn: IFunction, timeout: Duration): Watch {
  return {
    id: `${name}NearTimeout`,
    metric: fn.metricDuration(MAXIMUM),
    atLeast: timeout.toMilliseconds() * NEAR_TIMEOUT,
    says: `an invocation of ${name} took ${NEAR_TIMEOUT * 100} % of its ${timeout.toSeconds()} s`,
  };
}

function countedWatches(scope: Construct): Watch[] {
  const any = (counted: Counted, says: string): Watch => ({
    id: upperFirst(counted),
    metric: countedMetric(scope, counted, SUM),
    atLeast: 1,
    says,
  });
  return [
    any("alarmsFailed", "the sweeper could not handle an alarm: its log names the item"),
    any("buried", "a message could not be read or handled: its reason is in the record, and in the log"),
    ...MANY.map(({ counted, atLeast, says }) => ({
      id: upperFirst(counted),
      metric: countedMetric(scope, counted, SUM),
      atLeast,
      periods: 3,
      says,
    })),
  ];
}
const upperFirst = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
