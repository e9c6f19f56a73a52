/** Things from outside, in order per sender: each is consumed once, by the commit that applied it. */
export type Command =
  | { readonly kind: "cancel"; readonly reason: string }
  | { readonly kind: "pause"; readonly reason: string }
  | { readonly kind: "resume" }
  | { readonly kind: "redrive"; readonly note: string };
export type CommandKind = Command["kind"];

export interface InboxEntry {
  /** Sort key of its record. */
  readonly sort: string;
  readonly id: string;
  readonly sentAtMs: number;
  readonly command: Command;
}
/** `consumed` once a commit applied it. */
export interface Seen {
  readonly sentAtMs: number;
  readonly consumed: boolean;
}
