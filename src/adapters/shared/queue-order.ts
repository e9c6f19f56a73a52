/**
 * The order of the queues that keep it themselves (memory, embedded), and of lanes everywhere.
 *
 * Within a lane, tenants take turns (start-time fair queueing): a message gets its turn when it becomes visible, one
 * after the later of the lane's lowest waiting turn and its tenant's last one, and the lowest turn goes first. So a
 * tenant's first message waits for at most two of each other tenant's, however many they have, and as turns only rise
 * nobody waits for ever.
 */
import { invariant } from "../../domain/errors.ts";
import { LANES, type Lane } from "../../domain/lane.ts";
import { MAX_DELAY_MS, MINUTE_MS } from "../../domain/limits.ts";

/** A message further ahead was hidden under a clock that has jumped back since: nothing may wait that long. */
export const FAR_AHEAD_MS = MAX_DELAY_MS + MINUTE_MS;

export function isVisible(visibleAtMs: number, nowMs: number): boolean {
  return visibleAtMs <= nowMs || visibleAtMs > nowMs + FAR_AHEAD_MS;
}

/** @param lowestOfLane @param lastOfTenant turns of visible messages; null when there are none. */
export function turnAfter(lowestOfLane: number | null, lastOfTenant: number | null): number {
  return Math.max(lowestOfLane ?? 0, lastOfTenant ?? 0) + 1;
}

export function checkDelay(delayMs: number): void {
  invariant(delayMs >= 0 && delayMs <= MAX_DELAY_MS, `a delay is 0 to ${MAX_DELAY_MS} ms, got ${delayMs}`);
}

/** Low has one delivery in eight when all lanes are full. */
const PATTERN: readonly Lane[] = ["high", "high", "normal", "high", "high", "normal", "high", "low"];

export interface LaneRota {
  /** The lane whose turn it is, then the others from high to low. */
  order(lanes: readonly Lane[] | null): readonly Lane[];
  /** One from the lane whose delivery it is, or else from the highest lane that has one. */
  next<T>(lanes: readonly Lane[] | null, takeFrom: (lane: Lane) => T | null): T | null;
}

export function createLaneRota(): LaneRota {
  let place = 0;
  const order = (lanes: readonly Lane[] | null): readonly Lane[] => {
    const preferred = PATTERN[place];
    place = (place + 1) % PATTERN.length;
    const inOrder = LANES.filter((lane) => lane !== preferred);
    if (preferred !== undefined) inOrder.unshift(preferred);
    return inOrder.filter((lane) => lanes?.includes(lane) !== false);
  };
  return {
    order,
    next(lanes, takeFrom) {
      for (const lane of order(lanes)) {
        const taken = takeFrom(lane);
        if (taken !== null) return taken;
      }
      return null;
    },
  };
}
