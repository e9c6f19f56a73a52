/** Counts of what an operator may want an alarm on. Nothing in the protocol reads them. */
export type Metric =
  /** A claim was lost to another worker. */
  | "claimConflicts"
  /** A message came back to an item that has not moved on since. */
  | "hopsWithoutProgress"
  /** A message was one too many, and was deleted. */
  | "hintCopies"
  /** An item ended dead-lettered. */
  | "deadLettered"
  /** A message that nobody could read or handle. */
  | "buried"
  /** An alarm that the sweeper could not handle. */
  | "alarmsFailed";

export interface Metrics {
  count(metric: Metric): void;
}
