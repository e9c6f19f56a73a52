/** Names that the infrastructure and its functions share. */

/** Variables of the functions' environment. */
export const ENVIRONMENT = {
  /** The deployment, as its SSM parameter has it. */
  deployment: "ROOKERY_DEPLOYMENT",
  /** JSON: the settings that differ from the defaults (see runtime/settings). */
  settings: "ROOKERY_SETTINGS",
} as const;

/** Of CloudWatch metrics, with the one dimension `service`: the stack's name (Powertools' POWERTOOLS_SERVICE_NAME). */
export const METRICS_NAMESPACE = "Rookery";
export const METRICS = {
  /** A claim was lost to another worker. */
  claimConflicts: "ClaimConflicts",
  /** A hint came back without its item having moved on since the one before. */
  hopsWithoutProgress: "HopsWithoutProgress",
  /** A message was one too many, and was deleted. */
  hintCopies: "HintCopies",
  /** Work items that ended dead-lettered. */
  deadLettered: "DeadLettered",
  /** Messages that nobody could read or handle. */
  buried: "BuriedMessages",
  /** Alarms that the sweeper could not handle. */
  alarmsFailed: "AlarmsFailed",
} as const;

/**
 * Where streams are uploaded until their digest is known: `_tmp/<namespace>/<workId>/<name>`. Ahead of the namespace,
 * because the bucket's rules know prefixes only; no namespace begins with `_`, so none of its blobs ever expires.
 */
export const UPLOAD_PREFIX = "_tmp/";
