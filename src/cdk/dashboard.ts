/** One page that says how a deployment is: what waits, what works, what went wrong, what it takes. */

import { Dashboard, GraphWidget, type IMetric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import { Operation } from "aws-cdk-lib/aws-dynamodb";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Duration } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import { METRICS } from "../wire/environment.ts";
import type { Watched } from "./alarms.ts";
import { type Counted, countedMetric, over } from "./metrics.ts";

const PERIOD = Duration.minutes(5);
const SUM = over(PERIOD, Stats.SUM);
const MAXIMUM = over(PERIOD, Stats.MAXIMUM);
const COUNTED = Object.keys(METRICS) as Counted[];
const OPERATIONS = [Operation.GET_ITEM, Operation.PUT_ITEM, Operation.QUERY, Operation.DELETE_ITEM];

export function createDashboard(scope: Construct, id: string, watched: Watched): Dashboard {
  const { workerFunction, sweeperFunction, httpFunction, callbacksFunction } = watched;
  const functions = [workerFunction, sweeperFunction, httpFunction, callbacksFunction].filter((fn) => fn !== undefined);
  return new Dashboard(scope, id, {
    widgets: [queueRow(watched), functionRow(functions, watched), [countedGraph(scope)], tableRow(watched)],
  });
}

function graph(title: string, left: readonly IMetric[], right: readonly IMetric[] = []): GraphWidget {
  return new GraphWidget({ title, left: [...left], right: [...right], width: 12 });
}

function queueRow({ queues, deadLetterQueue }: Watched): GraphWidget[] {
  const all = Object.entries(queues);
  return [
    graph(
      "Messages",
      all.flatMap(([lane, queue]) => [
        queue.metricApproximateNumberOfMessagesVisible({ ...MAXIMUM, label: `${lane}: waiting` }),
        queue.metricApproximateNumberOfMessagesNotVisible({ ...MAXIMUM, label: `${lane}: with workers, or hidden` }),
        queue.metricApproximateNumberOfMessagesDelayed({ ...MAXIMUM, label: `${lane}: delayed` }),
      ]),
      [deadLetterQueue.metricApproximateNumberOfMessagesVisible({ ...MAXIMUM, label: "dead letters" })],
    ),
    graph(
      "Oldest message (s)",
      all.map(([lane, queue]) => queue.metricApproximateAgeOfOldestMessage({ ...MAXIMUM, label: lane })),
    ),
  ];
}

function functionRow(functions: readonly IFunction[], { workerFunction }: Watched): GraphWidget[] {
  return [
    graph(
      "Invocations, errors and throttles",
      functions.map((fn) => fn.metricInvocations(SUM)),
      functions.flatMap((fn) => [fn.metricErrors(SUM), fn.metricThrottles(SUM)]),
    ),
    graph(
      "Worker: duration (ms) and concurrency",
      [
        workerFunction.metricDuration({ ...over(PERIOD, Stats.p(50)), label: "median" }),
        workerFunction.metricDuration({ ...MAXIMUM, label: "longest" }),
      ],
      [workerFunction.metric("ConcurrentExecutions", { ...MAXIMUM, label: "at the same time" })],
    ),
  ];
}

function countedGraph(scope: Construct): GraphWidget {
  return new GraphWidget({
    title: "What went otherwise than usual",
    left: COUNTED.map((counted) => countedMetric(scope, counted, SUM)),
    width: 24,
  });
}

function tableRow({ table }: Watched): GraphWidget[] {
  return [
    graph("Table: capacity units", [
      table.metricConsumedReadCapacityUnits({ ...SUM, label: "read" }),
      table.metricConsumedWriteCapacityUnits({ ...SUM, label: "written" }),
    ]),
    graph(
      "Table: throttled requests",
      OPERATIONS.map((operation) => table.metricThrottledRequestsForOperation(operation, SUM)),
    ),
  ];
}
