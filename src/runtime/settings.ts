/** Bounds that a deployment may set: what they are, and how they must relate. */
import { InvalidArgumentError } from "../domain/errors.ts";
import {
  ABANDON_MS,
  DAY_MS,
  HEARTBEAT_MS,
  LEASE_DURATION_MS,
  MAX_DELAY_MS,
  RETENTION_MS,
  VISIBILITY_MS,
} from "../domain/limits.ts";

/** Whole milliseconds. */
export interface Settings {
  /** Longer than three heartbeats. */
  readonly leaseDurationMs: number;
  readonly heartbeatMs: number;
  /** Longer than the lease, at most 15 min. */
  readonly visibilityMs: number;
  /** How long an aborted step may take to end before its process is to be replaced. */
  readonly abandonMs: number;
  /**
   * The longest sleep that is left to the queue, by a delayed message. One that is longer costs nothing while it lasts:
   * its alarm rings so long before it ends, and the sweep then sends the message. Longer than the time between two sweeps,
   * or long sleeps end late by as much. At most 15 min, which is all that queues can do, and the default.
   */
  readonly maxDelayMs: number;
  /** How long ended items are remembered. */
  readonly retentionMs: number;
  /** How long a write waits for a store that cannot be reached before it gives up. */
  readonly patienceMs: number;
}
export const DEFAULT_SETTINGS: Settings = {
  leaseDurationMs: LEASE_DURATION_MS,
  heartbeatMs: HEARTBEAT_MS,
  visibilityMs: VISIBILITY_MS,
  abandonMs: ABANDON_MS,
  maxDelayMs: MAX_DELAY_MS,
  retentionMs: RETENTION_MS,
  patienceMs: 0,
};

const LONGEST_MS = 36_500 * DAY_MS;

/** The defaults with what is given in their place. @throws InvalidArgumentError */
export function settingsOf(given: Partial<Settings>): Settings {
  const settings = { ...DEFAULT_SETTINGS, ...given };
  for (const [name, value] of Object.entries(settings)) {
    if (Number.isSafeInteger(value) && value >= 0 && value <= LONGEST_MS) continue;
    throw new InvalidArgumentError(`settings.${name}`, "whole milliseconds, 0 or more", value);
  }
  const { leaseDurationMs, heartbeatMs, visibilityMs, maxDelayMs } = settings;
  if (heartbeatMs < 1) throw new InvalidArgumentError("settings.heartbeatMs", "1 or more", heartbeatMs);
  if (leaseDurationMs <= 3 * heartbeatMs)
    throw new InvalidArgumentError(
      "settings.leaseDurationMs",
      `more than three heartbeats of ${heartbeatMs} ms`,
      leaseDurationMs,
    );
  if (visibilityMs <= leaseDurationMs || visibilityMs > MAX_DELAY_MS)
    throw new InvalidArgumentError(
      "settings.visibilityMs",
      `more than leaseDurationMs (${leaseDurationMs}) and at most ${MAX_DELAY_MS}`,
      visibilityMs,
    );
  if (maxDelayMs > MAX_DELAY_MS) throw new InvalidArgumentError("settings.maxDelayMs", `at most ${MAX_DELAY_MS}`, maxDelayMs);
  return settings;
}
