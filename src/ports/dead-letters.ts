/** Messages that were buried, or that the queue itself gave up on: for the sweeper, which looks after their items. */
export interface DeadLetter {
  /** Of the message that was buried. */
  readonly id: string;
  readonly body: string;
  readonly reason: string;
  /** When it was buried; of one that the queue gave up on, when it was sent. */
  readonly atMs: number;
  /** Names this delivery. */
  readonly receipt: string;
}

/** Errors: `QueueUnavailableError` (retryable). */
export interface DeadLetters {
  /** At most `max`, at least 1. Nobody else receives them for 30 s; then those come back that were not removed. */
  receive(max: number): Promise<readonly DeadLetter[]>;
  /** Nothing happens if it is gone. */
  remove(letter: DeadLetter): Promise<void>;
}
