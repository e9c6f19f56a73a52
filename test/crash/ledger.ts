/** What steps wrote outside of the store, against what is on record of their item. */
import { expect } from "vitest";
import type { JournalEvent } from "../../src/index.ts";
import type { Execution } from "./engines.ts";

/**
 * G1: every version is there once. G2: no two executions of a step stand for the same attempt, and the one that was
 * committed is the greatest: whoever came late had a lesser one, and changed nothing.
 */
export function expectCounted(steps: number, executions: readonly Execution[], events: readonly JournalEvent[]): void {
  const committed = events.filter((event) => event.kind === "step");
  expect(committed.map(({ version }) => version)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
  for (const { version, attempt } of committed) {
    const attempts = executions.filter((one) => one.version === version - 1).map((one) => one.attempt);
    expect(new Set(attempts).size).toBe(attempts.length);
    expect(Math.max(...attempts)).toBe(attempt);
  }
}
/** Once a later step has begun, the version before it was committed: no earlier step begins again. For processes that die. */
export function expectInOrder(executions: readonly Execution[]): void {
  const versions = executions.map(({ version }) => version);
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
}

/** Whoever executes a later step of an item has run the one before to its end. */
export function whoRanOn(executions: readonly Execution[]): ReadonlySet<number> {
  const lastOf = new Map<string, number>();
  const ran = new Set<number>();
  for (const { workId, pid } of executions) {
    if (lastOf.get(workId) === pid) ran.add(pid);
    lastOf.set(workId, pid);
  }
  return ran;
}
