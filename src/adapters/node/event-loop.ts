/** Real time, for what has to wait until the code of others has come to rest. */
export interface EventLoop {
  /** Monotonic. */
  nowMs(): number;
  /** Resolves once everything that is ready has run. */
  turn(): Promise<void>;
  sleep(ms: number): Promise<void>;
}

/** Taken when the module is loaded: a test runner may put pretended timers in their place later. */
const { setImmediate: soon, setTimeout: later, performance } = globalThis;

export function createEventLoop(): EventLoop {
  return {
    nowMs: () => performance.now(),
    turn: () => new Promise((resolve) => soon(() => resolve())),
    sleep: (ms) => new Promise((resolve) => later(() => resolve(), ms)),
  };
}
