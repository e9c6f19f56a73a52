/** Real time, for what has to wait until the code of others has come to rest. */
export interface EventLoop {
  /** Monotonic. */
  nowMs(): number;
  /** Resolves once everything that is ready has run. */
  turn(): Promise<void>;
  /** Calls back once all that waits for promises alone has run, however deep; the event loop itself does not turn. */
  whenDrained(callback: () => void): void;
  sleep(ms: number): Promise<void>;
}

/** Taken when the module is loaded: a test runner may put pretended timers in their place later. */
const { setImmediate: soon, setTimeout: later, performance, process } = globalThis;
const { nextTick } = process;
const ready = Promise.resolve();

export function createEventLoop(): EventLoop {
  return {
    nowMs: () => performance.now(),
    turn: () => new Promise((resolve) => soon(() => resolve())),
    // Ticks come only when no microtask is left. Asked for in a microtask, so that it is none of those that run now.
    whenDrained: (callback) => void ready.then(() => nextTick(callback)),
    sleep: (ms) => new Promise((resolve) => later(() => resolve(), ms)),
  };
}
