/** The queue under all actors: any message that can be seen may come next, as a queue that reorders does it. */
import { createMemoryBroker, type MemoryBroker } from "../../src/adapters/memory/queue.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { hashOf } from "./hashes.ts";

type Entry = MemoryBroker["entries"] extends Map<string, infer E> ? E : never;

export interface Messages {
  readonly broker: MemoryBroker;
  /** Ids of those that a receiver may be given now. */
  visible(): string[];
  all(): readonly Entry[];
  /** The next instant at which one is seen; null when time shows none. */
  nextAtMs(): number | null;
  /** `receive` is given this one, whatever the order. */
  offer<T>(id: string, receive: () => Promise<T>): Promise<T>;
  /** The message that is sent within `send` has a name that does not depend on the order of things. */
  named<T>(body: string, send: () => Promise<T>): Promise<T>;
  /** All but these are lost. */
  dropBut(kept: ReadonlySet<string>): void;
  /** Another message of the same body; a delay holds for it, too. */
  copy(id: string): void;
  /** `gone`: as it would be if this process had died. */
  hash(gone?: string | null): number;
}

/** Bodies are told apart by a hash, copies of one by a count. */
const BODIES = 1_000_003;
const COPIES = 100;

export function createMessages(clock: Clock, isGone: (holder: string) => boolean, deathIsKnown: boolean): Messages {
  const broker = createMemoryBroker();
  const sent = new Map<string, number>();
  const isVisible = ({ visibleAtMs, receiver }: Entry): boolean =>
    visibleAtMs === null || visibleAtMs <= clock.nowMs() || (receiver !== null && isGone(receiver));
  const all = (): Entry[] => [...broker.entries.values()];
  const visible = (): string[] =>
    all()
      .filter(isVisible)
      .map(({ id }) => id)
      .sort();
  function nameNext(body: string): void {
    const count = (sent.get(body) ?? 0) + 1;
    sent.set(body, count);
    broker.sent = (hashOf(body) % BODIES) * COPIES + count - 1;
  }
  const laneOf = ({ lane }: Entry) => broker.lanes[lane];
  return {
    broker,
    visible,
    all,
    nextAtMs: () => {
      const later = all().flatMap((entry) => (isVisible(entry) || entry.visibleAtMs === null ? [] : [entry.visibleAtMs]));
      return later.length === 0 ? null : Math.min(...later);
    },
    offer: (id, receive) => {
      const waiting = all().filter(isVisible);
      for (const entry of waiting) {
        laneOf(entry).remove(entry.tenant, entry);
        entry.visibleAtMs = null;
        entry.receiver = null;
      }
      for (const entry of waiting) if (entry.id === id) laneOf(entry).add(entry.tenant, entry);
      // The queue takes before its first pause.
      const received = receive();
      for (const entry of waiting) if (entry.id !== id) laneOf(entry).add(entry.tenant, entry);
      return received;
    },
    named: (body, send) => {
      nameNext(body);
      return send();
    },
    dropBut: (kept) => {
      for (const entry of all()) {
        if (kept.has(entry.id)) continue;
        broker.entries.delete(entry.id);
        laneOf(entry).remove(entry.tenant, entry);
      }
    },
    copy: (id) => {
      const entry = broker.entries.get(id);
      if (entry === undefined) return;
      nameNext(entry.body);
      const visibleAtMs = entry.receiver === null ? entry.visibleAtMs : null;
      const copy = { ...entry, id: `m${++broker.sent}`, visibleAtMs, receiveCount: 0, receiver: null };
      broker.entries.set(copy.id, copy);
      if (visibleAtMs === null) laneOf(copy).add(copy.tenant, copy);
    },
    hash: (gone = null) =>
      hashOf(
        all()
          .map((entry) => {
            const freed = deathIsKnown && gone !== null && entry.receiver === gone;
            const at = freed || isVisible(entry) ? "now" : `${entry.visibleAtMs} ${entry.receiver}`;
            return `${entry.id} ${entry.body} ${at} ${entry.receiveCount}`;
          })
          .sort()
          .join("\n"),
      ),
  };
}
