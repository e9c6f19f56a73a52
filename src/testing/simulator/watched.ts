/** What is known of an item by the writes that were applied, and what an invariant is given of it. */
import type { Due } from "../../domain/alarm.ts";
import type { Head } from "../../domain/head.ts";
import type { Item } from "../../domain/item.ts";
import type { Lease } from "../../domain/lease.ts";
import type { Stage } from "./stage.ts";
import type { StepBegin } from "./watch.ts";

/** A claim of an item: who, and what it may do. */
export interface Claimed {
  readonly who: string;
  readonly token: number;
  /** It took over from somebody who had not released: its own commit comes before any step. */
  readonly mustFence: boolean;
  fenced: boolean;
  /** The last attempt left no outcome when it was claimed. */
  readonly suspectAt: number | null;
  /** A step of another item ran beside one of its own. */
  company: boolean;
}
/** Something that was put into an inbox, by a process that may have more to do about it. */
export interface Arrived {
  readonly by: string;
  /** Of a signal; null for a command. */
  readonly name: string | null;
  /** Its sender has seen to it that an alarm rings, and has sent the hint. */
  alarmed: boolean;
  hinted: boolean;
}
/** What a process saw when it last read all that is live of an item. */
export interface Sight {
  readonly atMs: number;
  readonly head: Head;
  readonly lease: Lease | null;
  readonly due: Due | null;
  /** Commands that were unread. */
  readonly commands: number;
}
/** All that is known of one item. */
export interface Watched {
  readonly partition: string;
  readonly workId: string;
  item: Item | null;
  head: Head | null;
  lease: Lease | null;
  due: Due | null;
  /** Who wrote it last. */
  dueBy: string;
  /** The states of the last versions, as JSON text. */
  readonly states: Map<number, string>;
  /** By token. */
  readonly claims: Map<number, Claimed>;
  /** Attempts on record that have not begun, by process, version and number. */
  readonly grants: Map<string, number>;
  /** What woke the attempts of the last versions, as JSON text. */
  readonly wakes: Map<string, string>;
  /** Until when the version sleeps, also beneath a pause; null once it has begun. */
  asleep: { readonly version: number; readonly wakeAtMs: number } | null;
  redrives: number;
  /** What came in and is there still, by its key. */
  readonly inbox: Map<string, Arrived>;
  /** By process. */
  readonly sights: Map<string, Sight>;
  readonly sentAtMs: Map<string, number>;
  /** When the lease was claimed last, and who looked at it when before an effect. */
  claimedAtMs: number;
  readonly looks: Map<string, number>;
  headWrites: number;
  /** Of its live records, heartbeats left out. */
  writes: number;
  sends: number;
  signals: number;
  claimed: number;
  steps: number;
}

/** Before anything is known of it. */
export function unwatched(partition: string, workId: string): Watched {
  return {
    partition,
    workId,
    ...{ item: null, head: null, lease: null, due: null, dueBy: "" },
    states: new Map(),
    claims: new Map(),
    grants: new Map(),
    inbox: new Map(),
    looks: new Map(),
    sights: new Map(),
    sentAtMs: new Map(),
    wakes: new Map(),
    asleep: null,
    ...{ redrives: 0, claimedAtMs: 0, headWrites: 0, writes: 0, sends: 0, signals: 0, claimed: 0, steps: 0 },
  };
}

export interface RecordChange {
  readonly who: string;
  /** As it was before. */
  readonly one: Watched;
  /** By the writer's clock. */
  readonly nowMs: number;
  readonly stage: Stage;
  /** Whether the writer knows that a process is gone. */
  readonly isGone: (holder: string) => boolean;
}

export interface StepGiven {
  readonly step: StepBegin;
  readonly one: Watched;
  readonly stage: Stage;
  /** Under which it runs. */
  readonly claim: Claimed | null;
  /** What runs in the same process. */
  readonly beside: readonly { readonly other: StepBegin; readonly one: Watched | null; readonly claim: Claimed | null }[];
}

/** What the world is like when it has come to rest: no faults any more, and the alarm has rung as often as it had to. */
export interface AtEnd {
  readonly stage: Stage;
  readonly items: readonly Watched[];
  /** Messages that are still there. */
  readonly messages: number;
  /** Callers that have not come to their end. */
  readonly waiting: readonly string[];
}

/** The code of an effect begins. */
export interface EffectGiven {
  readonly one: Watched;
  readonly who: string;
  readonly fencingToken: number;
}
