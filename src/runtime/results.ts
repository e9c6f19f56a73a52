/** How the children of a group ended, in the order of their starting; a few are read at a time, so memory stays flat. */
import { type Contract, requireContract } from "../domain/contract.ts";
import type { Ended } from "../domain/engine.ts";
import { countedSlots, parseGroup } from "../domain/group.ts";
import type { WorkId } from "../domain/ids.ts";
import type { Json } from "../domain/json.ts";
import type { Deps } from "./deps.ts";
import { endOf } from "./end-of.ts";
import { leavesOf, readMembers } from "./leaves.ts";
import { readLive } from "./live.ts";

const AT_ONCE = 16;

export type ChildEnd<R> = { readonly key: string } & Ended<R>;

/** `guard` throws once the attempt is over. @throws SchemaError when a result does not fit the contract. */
export function readResults<R extends Json>(
  deps: Deps,
  partition: string,
  contract: Contract<Json, R>,
  group: string,
  guard: () => void,
): AsyncIterable<ChildEnd<R>> {
  requireContract(contract);
  return ends(deps, partition, contract, parseGroup(group), guard);
}

async function* ends<R extends Json>(
  deps: Deps,
  partition: string,
  contract: Contract<Json, R>,
  group: string,
  guard: () => void,
): AsyncGenerator<ChildEnd<R>> {
  for await (const { leaf, marks } of leavesOf(deps, partition, group)) {
    const slots = countedSlots(marks);
    if (slots.length === 0) continue;
    const members = await readMembers(deps, { partition, group, leaf });
    for (let from = 0; from < slots.length; from += AT_ONCE) {
      guard();
      const batch = slots.slice(from, from + AT_ONCE).map((index) => endOfMember(deps, contract, members.get(index)));
      for (const end of await Promise.all(batch)) {
        guard();
        if (end !== null) yield end;
      }
    }
  }
}

/** Null for one that a redrive has set to work again. */
async function endOfMember<R extends Json>(
  deps: Deps,
  contract: Contract<Json, R>,
  workId: WorkId | undefined,
): Promise<ChildEnd<R> | null> {
  const live = workId === undefined ? null : await readLive(deps, workId, { mail: false });
  if (live === null || live.item === null) return null;
  const end = await endOf(deps, contract, live);
  return end.status === "open" ? null : { key: live.item.parent?.key ?? "", ...end };
}
