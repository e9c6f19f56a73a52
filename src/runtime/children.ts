/** The children of one attempt: started by key, listed in their groups before the commit that waits for them. */
import type { Contract, Signals } from "../domain/contract.ts";
import type { ChildOptions, Ended } from "../domain/engine.ts";
import { RookeryError } from "../domain/errors.ts";
import type { WorkId } from "../domain/ids.ts";
import type { Json } from "../domain/json.ts";
import type { ChildEntry } from "../wire/child.ts";
import type { Part } from "./attempt-scope.ts";
import { createGate, inBatches } from "./batches.ts";
import { type LeafPlace, listMembers } from "./leaves.ts";
import { readResults } from "./results.ts";
import { checkStart, startChild, type Wanted } from "./start.ts";

export interface Children {
  start<P extends Json, R extends Json, G extends Signals>(
    contract: Contract<P, R, G>,
    payload: P,
    options: ChildOptions,
  ): Promise<string>;
  results<R extends Json>(contract: Contract<Json, R>, group: string): AsyncIterable<{ readonly key: string } & Ended<R>>;
  /** Resolves once every start has come to an end; never rejects. */
  settled(): Promise<void>;
  /** Lists in their groups whoever was started by this attempt: from its commit on they are waited for. */
  list(): Promise<void>;
}

/** Those of one leaf. */
interface Roll {
  readonly place: LeafPlace;
  readonly members: Map<number, WorkId>;
}
const LISTED_AT_ONCE = 8;
/** However many a step starts at once: each takes several writes. */
const STARTED_AT_ONCE = 64;

export function createChildren(part: Part): Children {
  const { scope, guard, interruptions } = part;
  const underWay = new Set<Promise<unknown>>();
  const rolls = new Map<string, Roll>();

  function enroll({ group, workId }: ChildEntry): void {
    if (group === null) return;
    const { name, slot } = group;
    const place = { partition: scope.partition, group: name, leaf: slot.leaf };
    const id = `${name}/${slot.leaf}`;
    const roll = rolls.get(id) ?? { place, members: new Map<number, WorkId>() };
    rolls.set(id, roll);
    roll.members.set(slot.index, workId);
  }
  const gate = createGate(STARTED_AT_ONCE);
  async function begin(wanted: Wanted): Promise<WorkId> {
    try {
      const child = await gate(() => startChild(part, wanted));
      enroll(child);
      return child.workId;
    } catch (error) {
      // Whether the child is there is not known, whatever the step makes of it.
      if (error instanceof RookeryError && error.retryable) interruptions.add({ kind: "threw", error });
      throw error;
    }
  }
  return {
    start: (contract, payload, options) => {
      const started = checkStart(contract, payload, options).then(begin);
      const ended = started
        .catch(() => undefined)
        .finally(() => {
          underWay.delete(ended);
        });
      underWay.add(ended);
      return started;
    },
    results: (contract, group) => readResults(scope.deps, scope.partition, contract, group, () => guard("results")),
    settled: async () => {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    list: () => inBatches([...rolls.values()], LISTED_AT_ONCE, ({ place, members }) => listMembers(scope.deps, place, members)),
  };
}
