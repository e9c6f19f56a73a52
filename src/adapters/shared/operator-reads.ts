/** What a person may want to know of a queue; nothing in the protocol reads it. */
export interface MessageCounts {
  readonly visible: number;
  readonly delayed: number;
  /** Received, and neither removed nor visible again. */
  readonly inFlight: number;
  readonly buried: number;
}

export interface BuriedMessage {
  readonly id: string;
  readonly body: string;
  readonly reason: string;
  readonly atMs: number;
}

export interface OperatorReads {
  countMessages(): Promise<MessageCounts>;
  /** Newest first. */
  buried(limit: number): Promise<readonly BuriedMessage[]>;
}
