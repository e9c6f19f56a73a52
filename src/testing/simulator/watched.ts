/** What is known of an item by the writes that were applied. */
import type { Due } from "../../domain/alarm.ts";
import type { Head } from "../../domain/head.ts";
import type { Item } from "../../domain/item.ts";
import type { Lease } from "../../domain/lease.ts";

/** A claim of an item: who, and what it may do. */
export interface Claimed {
  readonly who: string;
  readonly token: number;
  /** It took over from somebody who had not released: its own commit comes before any step. */
  readonly mustFence: boolean;
  fenced: boolean;
  /** The last attempt left no outcome when it was claimed. */
  readonly suspectAt: number | null;
}
/** All that is known of one item. */
export interface Watched {
  readonly partition: string;
  readonly workId: string;
  item: Item | null;
  head: Head | null;
  lease: Lease | null;
  due: Due | null;
  /** The states of the last versions, as JSON text. */
  readonly states: Map<number, string>;
  /** By token. */
  readonly claims: Map<number, Claimed>;
  /** Attempts on record that have not begun, by process, version and number. */
  readonly grants: Map<string, number>;
  redrives: number;
  /** What came in and is there still; whether its sender has sent the hint, too. */
  readonly inbox: Map<string, boolean>;
  /** When the lease was claimed last, and who looked at it when before an effect. */
  claimedAtMs: number;
  readonly looks: Map<string, number>;
  headWrites: number;
  /** Of its live records. */
  writes: number;
  sends: number;
  signals: number;
  claimed: number;
  steps: number;
}
