/** The visible messages of one lane, tenants in turns (see queue-order). */
import { turnAfter } from "../shared/queue-order.ts";

interface Waiting<T> {
  readonly turn: number;
  readonly entered: number;
  readonly value: T;
}

export interface MemoryLane<T> {
  add(tenant: string, value: T): void;
  /** The lowest turn; of one turn, what came first. */
  take(): T | null;
  remove(tenant: string, value: T): void;
  count(): number;
}

export function createMemoryLane<T>(): MemoryLane<T> {
  const tenants = new Map<string, Waiting<T>[]>();
  let entries = 0;
  const first = (): { tenant: string; waiting: Waiting<T> } | null => {
    let best: { tenant: string; waiting: Waiting<T> } | null = null;
    for (const [tenant, [waiting]] of tenants) {
      if (waiting !== undefined && (best === null || isBefore(waiting, best.waiting))) best = { tenant, waiting };
    }
    return best;
  };
  const remove = (tenant: string, value: T): void => {
    const left = tenants.get(tenant)?.filter((waiting) => waiting.value !== value) ?? [];
    if (left.length === 0) tenants.delete(tenant);
    else tenants.set(tenant, left);
  };
  return {
    add(tenant, value) {
      const ofTenant = tenants.get(tenant) ?? [];
      const turn = turnAfter(first()?.waiting.turn ?? null, ofTenant.at(-1)?.turn ?? null);
      ofTenant.push({ turn, entered: entries++, value });
      tenants.set(tenant, ofTenant);
    },
    take() {
      const found = first();
      if (found !== null) remove(found.tenant, found.waiting.value);
      return found?.waiting.value ?? null;
    },
    remove,
    count: () => [...tenants.values()].reduce((sum, waiting) => sum + waiting.length, 0),
  };
}

function isBefore<T>(a: Waiting<T>, b: Waiting<T>): boolean {
  return a.turn < b.turn || (a.turn === b.turn && a.entered < b.entered);
}
