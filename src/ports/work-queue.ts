/** A queue of hints (DESIGN §2): at least once, may repeat and reorder; a lost message is found again by its alarm. */
import type { Lane } from "../domain/lane.ts";

export type { Lane };

export interface SendOptions {
  /** 0 to 900,000 (the longest delay that SQS knows). */
  readonly delayMs: number;
  readonly lane: Lane;
  /** Tenants of a lane take turns; "" when there are none. */
  readonly tenant: string;
}

export interface Message {
  /** The same at every delivery of this message. */
  readonly id: string;
  readonly body: string;
  /** How often it was received, this time included. A hint for backoff, never an attempt count. */
  readonly receiveCount: number;
  /** Names this delivery: a later one invalidates it. */
  readonly receipt: string;
}

export interface ReceiveOptions {
  /** Null for all lanes. High goes first, but never so much that low starves. */
  readonly lanes: readonly Lane[] | null;
  /** At most this many messages, at least 1. */
  readonly max: number;
  /** Waits this long for a first message; 0 answers at once. */
  readonly waitMs: number;
  readonly visibilityMs: number;
  /** Ends the wait early, with what there is. */
  readonly abortSignal: AbortSignal;
}

/** Errors: `QueueUnavailableError` (retryable). */
export interface WorkQueue {
  send(body: string, options: SendOptions): Promise<void>;
  receive(options: ReceiveOptions): Promise<readonly Message[]>;
  /** Invisible for `delayMs` from now, up to 900,000. Nothing happens if the message was delivered again since. */
  hide(message: Message, delayMs: number): Promise<void>;
  /** Nothing happens if the message was delivered again since, or is gone. */
  remove(message: Message): Promise<void>;
  /** Moves it to the dead-letter queue with the reason, for a person. */
  bury(message: Message, reason: string): Promise<void>;
}
