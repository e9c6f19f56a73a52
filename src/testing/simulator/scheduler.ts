/**
 * The one order of everything: each event has an instant of its own, and the next one fires when all that the last one
 * set off has come to rest. Nothing else moves time, so the same seed gives the same run.
 */
import type { EventLoop } from "../../adapters/node/event-loop.ts";

export interface Scheduler {
  /** Since the beginning, in milliseconds and fractions of them. */
  elapsedMs(): number;
  /** Fires once, in so much time; events of one instant fire in the order of their setting. Returns how to cancel it. */
  in(delayMs: number, fire: () => void): () => void;
  /**
   * Fires one event after the other until `isOver` says so, which is asked before each; false when none is left. `pause`
   * may hold time up before the next one, for what happens in real time; null: it need not.
   */
  run(isOver: () => boolean, pause?: () => Promise<void> | null): Promise<boolean>;
}

interface Entry {
  readonly atMs: number;
  readonly n: number;
  fire: (() => void) | null;
}

export function createScheduler(loop: Pick<EventLoop, "whenDrained">): Scheduler {
  const heap: Entry[] = [];
  let nowMs = 0;
  let set = 0;
  return {
    elapsedMs: () => nowMs,
    in(delayMs, fire) {
      const entry: Entry = { atMs: nowMs + Math.max(0, delayMs), n: set++, fire };
      push(heap, entry);
      return () => {
        entry.fire = null;
      };
    },
    run: (isOver, pause = () => null) =>
      new Promise((resolve, reject) => {
        /** Null: it goes on. */
        function fireNext(): boolean | null {
          if (isOver()) return true;
          const pausing = pause();
          if (pausing !== null) {
            pausing.then(goOn, reject);
            return null;
          }
          let next = pop(heap);
          while (next !== null && next.fire === null) next = pop(heap);
          if (next === null) return false;
          nowMs = next.atMs;
          next.fire?.();
          loop.whenDrained(goOn);
          return null;
        }
        function goOn(): void {
          try {
            const end = fireNext();
            if (end !== null) resolve(end);
          } catch (error) {
            reject(error);
          }
        }
        loop.whenDrained(goOn);
      }),
  };
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.n < b.n);
}
function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || isBefore(parent, entry)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = entry;
}
function pop(heap: Entry[]): Entry | null {
  const [first] = heap;
  const last = heap.pop();
  if (first === undefined || last === undefined) return null;
  if (heap.length > 0) sink(heap, last);
  return first;
}
function sink(heap: Entry[], entry: Entry): void {
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const [a, b] = [heap[left], heap[left + 1]];
    if (a === undefined) break;
    const below = b !== undefined && isBefore(b, a) ? left + 1 : left;
    const child = heap[below];
    if (child === undefined || isBefore(entry, child)) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = entry;
}
