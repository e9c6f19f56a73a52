/** What the functions count, as CloudWatch knows it: by the stack's name, which is Powertools' service. */

import { Metric, type MetricOptions, Stats } from "aws-cdk-lib/aws-cloudwatch";
import { type Duration, Stack } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import { METRICS, METRICS_DIMENSION, METRICS_NAMESPACE } from "../wire/environment.ts";

export type Counted = keyof typeof METRICS;

/** A sum over 5 minutes, unless `options` say otherwise. */
export function countedMetric(scope: Construct, counted: Counted, options: MetricOptions = {}): Metric {
  return new Metric({
    namespace: METRICS_NAMESPACE,
    metricName: METRICS[counted],
    dimensionsMap: { [METRICS_DIMENSION]: Stack.of(scope).stackName },
    statistic: Stats.SUM,
    ...options,
  });
}

export const over = (period: Duration, statistic: string): MetricOptions => ({ period, statistic });
