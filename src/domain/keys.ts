/**
 * Sort keys of a work item's records, and who may write and delete each (DESIGN §3).
 *
 *   LIVE/DUE              the alarm          anyone, by revision     removed last, when the item is collected
 *   LIVE/HEAD             the snapshot       the lease holder only   removed when the item is collected
 *   LIVE/ITEM             the request        enqueue, once           removed before HEAD: without it nothing runs
 *   LIVE/LEASE            who works on it    who claims              removed when the item is collected
 *   LIVE/inbox/<at>/<id>  one command        anyone, once            removed after the commit that consumed it
 *   seen/<id>             that it was sent   its sender              removed when the item is collected
 *   once/<version>/<key>  a memo             the lease holder, once  removed when the item is collected
 *   segment/<strand>/<n>/<nonce>  sealed     the lease holder, once  merged ones after the commit that links past them
 *
 * The live range comes with one read; capitals sort before small letters, so a full inbox cannot push HEAD out of it.
 */
/** From `from` (inclusive) to `to` (exclusive), by byte order. */
interface SortRange {
  readonly from: string;
  readonly to: string;
}

export const DUE_KEY = "LIVE/DUE";
export const HEAD_KEY = "LIVE/HEAD";
export const ITEM_KEY = "LIVE/ITEM";
export const LEASE_KEY = "LIVE/LEASE";
/** The only record of a key's partition. */
export const KEY_KEY = "KEY";

export const LIVE_RANGE: SortRange = { from: "LIVE/", to: "LIVE0" };
export const INBOX_RANGE: SortRange = { from: "LIVE/inbox/", to: "LIVE/inbox0" };

const INSTANT_DIGITS = 15;
const SEGMENT_DIGITS = 9;

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
export function inboxKey(sentAtMs: number, id: string): string {
  return `LIVE/inbox/${padded(sentAtMs, INSTANT_DIGITS)}/${id}`;
}
export function seenKey(id: string): string {
  return `seen/${id}`;
}
export function onceKey(version: number, digest: string): string {
  return `once/${padded(version, SEGMENT_DIGITS)}/${digest}`;
}

export type StrandName = "journal" | "log" | "artifact";
export interface SegmentAddress {
  readonly n: number;
  readonly nonce: string;
}
export function segmentKey(strand: StrandName, address: SegmentAddress): string {
  return `segment/${strand}/${padded(address.n, SEGMENT_DIGITS)}/${address.nonce}`;
}
/** Every segment, orphans too, whose number is from `first` to `last`. */
export function segmentRange(strand: StrandName, first: number, last: number): SortRange {
  return {
    from: `segment/${strand}/${padded(Math.max(0, first), SEGMENT_DIGITS)}/`,
    to: `segment/${strand}/${padded(last, SEGMENT_DIGITS)}0`,
  };
}
