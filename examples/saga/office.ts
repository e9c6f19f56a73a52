/** A booking office that remembers under which key it was asked, as payment services do. */
import { DidNotHappen, type Effect } from "rookery";

export interface Office {
  readonly book: Effect<{ leg: string; who: string }, string>;
  readonly unbook: Effect<{ id: string }, null>;
  /** What is booked now. */
  booked(): string[];
}

/** `soldOut`: legs that cannot be had. */
export function createOffice(soldOut: readonly string[] = []): Office {
  const byKey = new Map<string, string>();
  const booked = new Set<string>();
  return {
    booked: () => [...booked],
    book: {
      async run({ leg, who }, { idempotencyKey }) {
        if (soldOut.includes(leg)) throw new DidNotHappen(`no ${leg} left for ${who}`);
        const id = byKey.get(idempotencyKey) ?? `${leg}-${byKey.size + 1}`;
        byKey.set(idempotencyKey, id);
        booked.add(id);
        return id;
      },
      async ifInDoubt(_input, { idempotencyKey }) {
        const id = byKey.get(idempotencyKey);
        return id === undefined ? { happened: false } : { happened: true, result: id };
      },
    },
    unbook: {
      async run({ id }) {
        booked.delete(id);
        return null;
      },
      // To give back what was given back before does no harm.
      ifInDoubt: "rerun",
    },
  };
}
