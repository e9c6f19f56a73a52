/** The children of one attempt: started by key, listed in their groups before the commit that waits for them. */
import type { StepCtx } from "../domain/engine.ts";
import { RookeryError } from "../domain/errors.ts";
import type { WorkId } from "../domain/ids.ts";
import { leafOrigin } from "../domain/keys.ts";
import type { ChildEntry } from "../wire/child.ts";
import type { Part } from "./attempt-scope.ts";
import { createGate, inBatches } from "./batches.ts";
import { MARK } from "./family.ts";
import type { LeafPlace } from "./leaves.ts";
import { leavesOfStep, listMembers } from "./listing.ts";
import { readResults } from "./results.ts";
import { checkStart, requireLease, startChild, type Wanted } from "./start.ts";
import { type Again, putBack } from "./turns.ts";

export interface Children extends Pick<StepCtx, "start" | "results"> {
  /** A start has not come to an end. */
  isBusy(): boolean;
  /** Resolves once every start has come to an end; never rejects. */
  settled(): Promise<void>;
  /**
   * Lists in their groups whoever was started by this attempt: from its commit on they are waited for, and whoever was
   * listed by an attempt of the same step that came to nothing is not.
   */
  list(): Promise<void>;
  /** Somebody may be listed: a later attempt has to look, should this one come to nothing. */
  listed(): boolean;
}

/** Those of one leaf. */
interface Roll {
  readonly name: string;
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
  let listed = false;

  function enroll({ group, workId }: ChildEntry): void {
    if (group === null) return;
    const { name, slot } = group;
    const place = { partition: scope.partition, group: name, leaf: slot.leaf };
    rollOf(place).members.set(slot.index, workId);
  }
  function rollOf(place: LeafPlace): Roll {
    const name = `${place.group}/${place.leaf}`;
    const roll = rolls.get(name) ?? { name, place, members: new Map<number, WorkId>() };
    rolls.set(name, roll);
    return roll;
  }
  async function list(): Promise<void> {
    const { deps, partition, head, family } = scope;
    listed = rolls.size > 0;
    const alone = new Set<Roll>();
    if (head.leftTraces && family.made(MARK))
      for (const place of await leavesOfStep(deps, partition, head.version)) alone.add(rollOf(place));
    const again: Again[] = [];
    await inBatches([...rolls.values()], LISTED_AT_ONCE, async (roll) => {
      const listing = { ...roll, opened: family.opened.get(roll.name) ?? null, alone: alone.has(roll) };
      const fresh = await listMembers(deps, listing, check);
      const { group, leaf } = roll.place;
      const late = leafOrigin(leaf).version < head.version ? fresh.map((index) => ({ leaf, index })) : [];
      if (late.length > 0 || head.leftTraces) again.push({ group, leaf, late });
    });
    const groups = new Set(again.map(({ group }) => group));
    await inBatches([...groups], LISTED_AT_ONCE, (name) =>
      putBack(
        deps,
        partition,
        name,
        again.filter(({ group }) => group === name),
      ),
    );
  }
  async function check(): Promise<void> {
    guard("start");
    await requireLease(scope);
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
    isBusy: () => underWay.size > 0,
    settled: async () => {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    list,
    listed: () => listed,
  };
}
