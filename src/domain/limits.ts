/** Every bound, with its unit and reason. The assertions at the end say how they relate. */
import { invariant } from "./errors.ts";

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** How long a lease stands without a heartbeat: the longest a frozen worker can hold up its item. */
export const LEASE_DURATION_MS = 20 * SECOND_MS;
/** Time between heartbeats: several may be late before the lease is lost. */
export const HEARTBEAT_MS = 4 * SECOND_MS;
/** How long a message stays with its worker: longer than the lease, so that it comes back to a lease that has ended. */
export const VISIBILITY_MS = 25 * SECOND_MS;
/** SQS's longest delay and the longest hide; a message or lease further off than this was written under another clock. */
export const MAX_DELAY_MS = 15 * MINUTE_MS;
/** How long an abandoned step may take to notice its abort signal before its process is replaced. */
export const ABANDON_MS = 5 * SECOND_MS;

/** Default for limits.stepMs. */
export const STEP_MS = 5 * MINUTE_MS;
/** Default for limits.crashes: deaths alone, per version, before the item is taken for the killer. */
export const CRASHES = 5;
/** A worker with no free slot lets others in after so many steps or so long on one item. */
export const INLINE_STEPS = 100;
export const INLINE_MS = 5 * SECOND_MS;
/** Hints in a row that may find an item no further before they are delayed. */
export const FREE_HOPS = 10;
/** `recover` is bounded: it runs when the item's own limits are off. */
export const RECOVER_STEPS = 100;
export const RECOVER_MS = HOUR_MS;

/** The alarm (DESIGN §4, Alarm). */
export const ALARM_ENQUEUE_MS = 5 * MINUTE_MS;
export const ALARM_INBOX_MS = 60 * SECOND_MS;
export const ALARM_OWED_MS = 10 * MINUTE_MS;
export const ALARM_READY_MAX_MS = 6 * HOUR_MS;
export const ALARM_WAKE_GRACE_MS = 2 * MINUTE_MS;
export const ALARM_PAUSED_MS: readonly number[] = [DAY_MS, 7 * DAY_MS, 30 * DAY_MS];
/** A DUE without its ITEM is an enqueue that never finished. */
export const ALARM_ORPHAN_MS = DAY_MS;
/** Time between sweeps. */
export const SWEEP_MS = MINUTE_MS;
export const SHARDS = 32;

/** An enqueue that cannot finish says so. */
export const ENQUEUE_MS = 30 * SECOND_MS;
/** How long an ended item is remembered; open ones have no limit. */
export const RETENTION_MS = 30 * DAY_MS;
/** Records outlive what is remembered by a day, so that no late caller meets a half-collected item. */
export const COLLECT_AFTER_MS = DAY_MS;
/**
 * HEAD outlives the others. It is told when it may go as it ends, they are once all that follows is done, which may be
 * late; and an item without HEAD would seem new.
 */
export const HEAD_OUTLIVES_MS = 30 * DAY_MS;

/** State up to this size stays in the snapshot; above it is a blob. */
export const INLINE_STATE_BYTES = 8_192;
/** A sealed piece of journal or log. */
export const SEGMENT_BYTES = 16_384;
/** Small segments in a row are merged once they come to this together. */
export const MERGE_BYTES = 12_288;
export const MERGE_COUNT = 32;
/** A log entry or journal note larger than this is a blob of its own. */
export const ENTRY_BYTES = 12_288;
/** Artifact references that the snapshot holds before they are sealed. */
export const HEAD_ARTIFACTS = 4;
/** Stored error text: longer messages and stacks are stored with the number of characters that were left out. */
export const ERROR_CHARS = 2_000;

/** The reason or note that comes with a command: it is stored in the snapshot. */
export const NOTE_CHARS = 2_000;

/** Signals, and commands, that wait to be read: so many come with one read, so many are buffered, so many go with a commit. */
export const INBOX_READ = 64;
export const INBOX_MAX = 1_000;
export const INBOX_CONSUMED = 16;
/** A signal is accepted or not; one that met an item at its very end asks again for so long before it says that it does not know. */
export const CLOSING_MS = 10 * SECOND_MS;

/** Default for an effect's timeoutMs: after it, the effect of a dead attempt is in doubt. */
export const EFFECT_MS = MINUTE_MS;
/** The longest that it may be: it is how long a death nobody knows of holds up the item. */
export const EFFECT_MAX_MS = DAY_MS;
/** An effect's key is shown to people and goes outside. */
export const EFFECT_KEY_CHARS = 1_024;
/** An effect's `ifInDoubt` is asked again no sooner, whatever it says. */
export const ASK_SOONEST_MS = SECOND_MS / 10;
/** How soon the outside system is asked again when nothing says when, at first and at the slowest. */
export const ASK_FIRST_MS = SECOND_MS;
export const ASK_SLOWEST_MS = 5 * MINUTE_MS;
/** How long an effect's `ifInDoubt` may say "ask again" before the item waits for a person. */
export const ASK_MS = DAY_MS;

/** Keys may be anything that a business has for a name. */
export const KEY_BYTES = 16_384;
export const NAMESPACE_PATTERN = /^[a-z0-9][a-z0-9_-]{0,62}$/;
export const SIGNAL_PATTERN = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,62}$/;
export const ENGINE_PATTERN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;

invariant(3 * HEARTBEAT_MS < LEASE_DURATION_MS, "three heartbeats fit into a lease");
invariant(LEASE_DURATION_MS < VISIBILITY_MS, "visibility outlives the lease");
invariant(VISIBILITY_MS <= MAX_DELAY_MS, "a hide is never longer than the queue can do");
invariant(MERGE_BYTES < SEGMENT_BYTES && ENTRY_BYTES < SEGMENT_BYTES, "a merged segment and an entry fit into a segment");
invariant(INBOX_CONSUMED <= INBOX_READ && INBOX_READ <= INBOX_MAX, "what is consumed was read, what is read was buffered");
invariant(
  EFFECT_MS <= EFFECT_MAX_MS && ASK_SLOWEST_MS < ASK_MS,
  "an effect's default fits its bound, and it is asked about more than once",
);
