/** Names that the infrastructure and its functions share. */
import type { Metric } from "../ports/metrics.ts";

/** Variables of the functions' environment. */
export const ENVIRONMENT = {
  /** The deployment, as its SSM parameter has it. */
  deployment: "ROOKERY_DEPLOYMENT",
  /** JSON: the settings that differ from the defaults (see runtime/settings). */
  settings: "ROOKERY_SETTINGS",
} as const;

/** Of CloudWatch metrics, with the one dimension `service`: the stack's name (Powertools' POWERTOOLS_SERVICE_NAME). */
export const METRICS_NAMESPACE = "Rookery";
export const METRICS_DIMENSION = "service";
export const METRICS = {
  claimConflicts: "ClaimConflicts",
  hopsWithoutProgress: "HopsWithoutProgress",
  hintCopies: "HintCopies",
  deadLettered: "DeadLettered",
  buried: "BuriedMessages",
  alarmsFailed: "AlarmsFailed",
} as const satisfies Record<Metric, string>;

/** Of the HTTP door, Lambda's longest: an output is streamed for as long as somebody listens. */
export const HTTP_TIMEOUT_S = 900;

/**
 * Where streams are uploaded until their digest is known: `_tmp/<namespace>/<workId>/<name>`. Ahead of the namespace,
 * because the bucket's rules know prefixes only; no namespace begins with `_`, so none of its blobs ever expires.
 */
export const UPLOAD_PREFIX = "_tmp/";
