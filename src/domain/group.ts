/**
 * Groups of children. A group is kept in leaves of up to 100 children each: one character per child, set by whoever
 * knows, never counted up, so that a repeat does no harm and no record is hot (DESIGN §4, Children).
 *
 *   "."  nobody was started here           "o"  started, and waited for
 *   "s" "f"  has ended (well, badly), and the parent has not listed it yet: the attempt that started it may have died
 *   "S" "F"  has ended, and is waited for
 */
import { InvalidArgumentError, invariant } from "./errors.ts";

/** When a wait for a group is over. `failedAtMost`: when all have ended, or as soon as more have failed. */
export type Until = "all" | "any" | { readonly succeeded?: number; readonly failedAtMost?: number };
export type GroupWait = { readonly name: string; readonly until: Until };
export interface GroupCount {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
}
/** Where a child stands in its group. */
export type Slot = { readonly leaf: string; readonly index: number };

const GROUP_CHARS = 128;
export function parseGroup(name: unknown): string {
  if (typeof name === "string" && name !== "" && name.length <= GROUP_CHARS && name.isWellFormed()) return name;
  throw new InvalidArgumentError("group", `a well-formed text of 1 to ${GROUP_CHARS} characters`, name);
}

export const LEAF_CHILDREN = 100;
export const EMPTY_LEAF = ".".repeat(LEAF_CHILDREN);

/** One slot is told of a child's end. */
export function markEnded(leaf: string, index: number, succeeded: boolean): string {
  const present = at(leaf, index);
  const listed = present === "o" || present === "S" || present === "F";
  const mark = succeeded ? "s" : "f";
  return withMark(leaf, index, listed ? mark.toUpperCase() : mark);
}
/** The parent waits for the child in this slot. */
export function markListed(leaf: string, index: number): string {
  const present = at(leaf, index);
  return withMark(leaf, index, present === "." ? "o" : present === "s" || present === "f" ? present.toUpperCase() : present);
}
/** The parent waits for nobody in this leaf: whoever listed them came to nothing. */
export function unlisted(leaf: string): string {
  return leaf.replaceAll("o", ".").toLowerCase();
}
/** For good: one that ended badly may have been redriven since. */
export function hasSucceeded(leaf: string, index: number): boolean {
  return at(leaf, index).toLowerCase() === "s";
}
export function isListed(leaf: string, index: number): boolean {
  const present = at(leaf, index);
  return present === "o" || present === "S" || present === "F";
}
/** The slots of children that have ended and are waited for, in order. */
export function countedSlots(leaf: string): number[] {
  return slotsWhere(leaf, (mark) => mark === "S" || mark === "F");
}
/**
 * The slots that take up one of the places of a limited group, in order: whoever is waited for and has not ended, and as
 * long as the leaf is not closed (its step has not been committed) whoever may still be started in it.
 */
export function openSlots(leaf: string, closed: boolean): number[] {
  return slotsWhere(leaf, (mark) => mark === "o" || (mark === "." && !closed));
}
function slotsWhere(leaf: string, picks: (mark: string) => boolean): number[] {
  return Array.from(leaf).flatMap((mark, index) => (picks(mark) ? [index] : []));
}

function at(leaf: string, index: number): string {
  invariant(index >= 0 && index < LEAF_CHILDREN, `a slot is 0 to ${LEAF_CHILDREN - 1}, got ${index}`);
  return leaf.charAt(index);
}
function withMark(leaf: string, index: number, mark: string): string {
  return leaf.slice(0, index) + mark + leaf.slice(index + 1);
}

/** Of the children that are waited for. */
export function countLeaves(leaves: Iterable<string>): GroupCount {
  let [total, succeeded, failed] = [0, 0, 0];
  for (const leaf of leaves) {
    for (const mark of leaf) {
      if (mark === "S") succeeded += 1;
      if (mark === "F") failed += 1;
      if (mark === "S" || mark === "F" || mark === "o") total += 1;
    }
  }
  return { total, succeeded, failed };
}

/** An empty group is satisfied at once, and so is one in which nothing more can happen. */
export function isSatisfied(until: Until, { total, succeeded, failed }: GroupCount): boolean {
  if (succeeded + failed >= total) return true;
  if (until === "all") return false;
  if (until === "any") return succeeded + failed > 0;
  if (until.succeeded !== undefined && succeeded >= until.succeeded) return true;
  return until.failedAtMost !== undefined && failed > until.failedAtMost;
}
/** Whether one more child's end may satisfy the wait; `leaf` is the child's own, with its end in it. */
export function mayMatter(until: Until, leaf: string, succeeded: boolean): boolean {
  return !isAtWork(leaf) || mayDecide(until, succeeded);
}
/** Somebody in it is waited for, and has not ended. */
export function isAtWork(leaf: string): boolean {
  return leaf.includes("o");
}
/** Whether one more child's end may satisfy the wait while others are still at work. */
export function mayDecide(until: Until, succeeded: boolean): boolean {
  if (until === "all") return false;
  if (until === "any") return true;
  return succeeded ? until.succeeded !== undefined : until.failedAtMost !== undefined;
}
