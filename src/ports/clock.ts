/** Wall-clock instants in milliseconds since 1970, and timers. Passed in, so that time is data (G7). */
export interface Clock {
  nowMs(): number;
  /** Calls back once, after at least `delayMs`; returns how to cancel it. What waits keeps its process alive. */
  after(delayMs: number, callback: () => void): () => void;
}
