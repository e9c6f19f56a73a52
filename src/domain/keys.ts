/**
 * Sort keys of a work item's records, and who may write and delete each (DESIGN §3).
 *
 *   LIVE/BLOBS            that it has some   who is about to write one, once   removed when the item is collected
 *   LIVE/DUE              the alarm          anyone, by revision     removed last, when the item is collected
 *   LIVE/HEAD             the snapshot       the lease holder only   removed when the item is collected
 *   LIVE/ITEM             the request        enqueue, once           removed before HEAD: without it nothing runs
 *   LIVE/LEASE            who works on it    who claims              removed when the item is collected
 *   LIVE/CHILDREN         that it has some   its own step, once      removed when the item is collected
 *   LIVE/command/<at>/<id>  one command      anyone, once            removed after the commit that consumed it
 *   LIVE/inbox/<at>/<id>  one signal         anyone, once            removed after the commit that consumed it
 *   seen/<id>, seen/command/<id>  that it was sent   its sender      removed when the item is collected
 *   once/<version>/<key>  a memo             the lease holder, once  removed when the item is collected
 *   effect/<version>/<key>  a side effect    the lease holder, and who resolves it   removed when the item is collected
 *   callback/<version>/<name>  a one-shot token   the lease holder, once   removed when the item is collected
 *   child/<key>           a child item       the lease holder, once  removed when the item is collected
 *   group/<name>/leaf/<leaf>  who has ended  parent and children, by revision   removed when the item is collected
 *   group/<name>/list/<leaf>  who was started  the lease holder      removed when the item is collected
 *   group/<name>/limit    how many at once   parent and children, by revision   removed when the item is collected
 *   output/<version>/<token>.<attempt>/<n>  streamed text   the attempt, once   removed when the item is collected
 *   segment/<strand>/<n>/<nonce>  sealed     the lease holder, once  merged ones after the commit that links past them
 *
 * The live range comes with one read; capitals sort before small letters, and commands before signals, so a full inbox
 * can push neither HEAD nor a cancel out of it.
 */
/** From `from` (inclusive) to `to` (exclusive), by byte order. */
export interface SortRange {
  readonly from: string;
  readonly to: string;
}

export const BLOBS_KEY = "LIVE/BLOBS";
export const DUE_KEY = "LIVE/DUE";
export const HEAD_KEY = "LIVE/HEAD";
export const ITEM_KEY = "LIVE/ITEM";
export const LEASE_KEY = "LIVE/LEASE";
export const CHILDREN_KEY = "LIVE/CHILDREN";
/** The only record of a key's partition. */
export const KEY_KEY = "KEY";

/** LIVE_RANGE and all that sorts behind it: everything. */
export const WHOLE_RANGE: SortRange = { from: "LIVE/", to: "~" };
export const LIVE_RANGE: SortRange = { from: "LIVE/", to: "LIVE0" };
export const COMMAND_RANGE: SortRange = { from: "LIVE/command/", to: "LIVE/command0" };
export const INBOX_RANGE: SortRange = { from: "LIVE/inbox/", to: "LIVE/inbox0" };

const INSTANT_DIGITS = 15;
const SEGMENT_DIGITS = 9;

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
export function commandKey(sentAtMs: number, id: string): string {
  return `LIVE/command/${padded(sentAtMs, INSTANT_DIGITS)}/${id}`;
}
export function inboxKey(sentAtMs: number, id: string): string {
  return `LIVE/inbox/${padded(sentAtMs, INSTANT_DIGITS)}/${id}`;
}
/** The id is the last part of a command's or signal's key. */
export function idOfInboxKey(sort: string): string {
  return sort.slice(sort.lastIndexOf("/") + 1);
}
/** A command and a signal of the same id are two things. */
export function seenKey(id: string, kind: "command" | "signal" = "signal"): string {
  return kind === "signal" ? `seen/${id}` : `seen/command/${id}`;
}
/** Of the command or signal with this key. */
export function seenKeyOf(sort: string): string {
  return seenKey(idOfInboxKey(sort), sort.startsWith(COMMAND_RANGE.from) ? "command" : "signal");
}
export function onceKey(version: number, digest: string): string {
  return `once/${padded(version, SEGMENT_DIGITS)}/${digest}`;
}

/** `scope` is the version for a step's own, "item" for one that all steps share. */
export function effectKey(scope: number | "item", digest: string): string {
  return `effect/${scope === "item" ? scope : padded(scope, SEGMENT_DIGITS)}/${digest}`;
}
export const EFFECT_RANGE: SortRange = { from: "effect/", to: "effect0" };
export function callbackKey(version: number, digest: string): string {
  return `callback/${padded(version, SEGMENT_DIGITS)}/${digest}`;
}
export function callbackRange(version: number): SortRange {
  const prefix = `callback/${padded(version, SEGMENT_DIGITS)}`;
  return { from: `${prefix}/`, to: `${prefix}0` };
}
export function childKey(digest: string): string {
  return `child/${digest}`;
}
export const CHILD_RANGE: SortRange = { from: "child/", to: "child0" };

const TOKEN_DIGITS = 12;
/** Leaves of a group in the order of their starting: by version, then by the fencing token of the attempt. */
export function leafName(version: number, token: number, n: number): string {
  return `${padded(version, SEGMENT_DIGITS)}.${padded(token, TOKEN_DIGITS)}.${padded(n, SEGMENT_DIGITS)}`;
}
/** Whose leaf it is: of which step, and of which claim. */
export function leafOrigin(leaf: string): { readonly version: number; readonly token: number } {
  const dot = leaf.indexOf(".");
  return { version: Number(leaf.slice(0, dot)), token: Number(leaf.slice(dot + 1, leaf.indexOf(".", dot + 1))) };
}
/** The last part of the key of a leaf or of its list. */
export function leafOfKey(sort: string): string {
  return sort.slice(sort.lastIndexOf("/") + 1);
}
/** `group` is the digest of its name. */
export function leafKey(group: string, leaf: string): string {
  return `group/${group}/leaf/${leaf}`;
}
export function leafRange(group: string): SortRange {
  return { from: `group/${group}/leaf/`, to: `group/${group}/leaf0` };
}
/** The leaves of one step, whichever attempt began them. */
export function stepLeafRange(group: string, version: number): SortRange {
  const step = leafKey(group, padded(version, SEGMENT_DIGITS));
  return { from: `${step}.`, to: `${step}/` };
}
export function memberListKey(group: string, leaf: string): string {
  return `group/${group}/list/${leaf}`;
}
export function groupLimitKey(group: string): string {
  return `group/${group}/limit`;
}
export const GROUP_RANGE: SortRange = { from: "group/", to: "group0" };
/** The digest of the name of the group that this record is of. */
export function groupOfKey(sort: string): string {
  return sort.slice(GROUP_RANGE.from.length, sort.indexOf("/", GROUP_RANGE.from.length));
}
/** The records of the groups that come after the one that this record is of. */
export function groupsAfter(sort: string): SortRange {
  return { from: `${GROUP_RANGE.from}${groupOfKey(sort)}0`, to: GROUP_RANGE.to };
}

/** `recover` begins under the version, and perhaps the token, of the step that failed, with attempts of its own. */
export type OutputPhase = "step" | "recover";
/** Chunks of the output stream, in the order in which a reader wants them: of `recover` after those of the step. */
export function outputKey(version: number, token: number, attempt: number, n: number, phase: OutputPhase = "step"): string {
  const attemptName = `${phase === "recover" ? "r" : ""}${padded(attempt, SEGMENT_DIGITS)}`;
  return `output/${padded(version, SEGMENT_DIGITS)}/${padded(token, TOKEN_DIGITS)}.${attemptName}/${padded(n, SEGMENT_DIGITS)}`;
}
export const OUTPUT_RANGE: SortRange = { from: "output/", to: "output0" };

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
