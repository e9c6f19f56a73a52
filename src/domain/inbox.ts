/**
 * Things from outside, in order per sender: each is consumed once, by the commit that applied it. Commands change the
 * item itself and come first; signals are for the engine's code and wait until a step takes them.
 */
import type { Stored } from "./item.ts";

/** What an operator, or the runtime, wants of an item. */
export type Command =
  | { readonly kind: "cancel"; readonly reason: string }
  | { readonly kind: "pause"; readonly reason: string }
  | { readonly kind: "resume" }
  | { readonly kind: "redrive"; readonly note: string }
  /** The group that the item waits for since `version` is as it wanted it. */
  | {
      readonly kind: "children";
      readonly group: string;
      readonly version: number;
      readonly succeeded: number;
      readonly failed: number;
    };
export type CommandKind = Command["kind"];

export interface InboxEntry {
  /** Sort key of its record. */
  readonly sort: string;
  readonly id: string;
  readonly sentAtMs: number;
  readonly command: Command;
}
export interface SignalEntry {
  readonly sort: string;
  readonly id: string;
  readonly sentAtMs: number;
  readonly name: string;
  readonly payload: Stored;
}
/** `consumed` once a commit applied it. */
export interface Seen {
  readonly sentAtMs: number;
  readonly consumed: boolean;
  /** Of what was sent: the same id does not stand for two things. Null for a command. */
  readonly digest: string | null;
}
