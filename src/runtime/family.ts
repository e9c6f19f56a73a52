/** What one claim of an item knows of its children, from step to step. */
import { LEAF_CHILDREN, type Slot } from "../domain/group.ts";
import { leafName, leafOrigin } from "../domain/keys.ts";
import type { Revision } from "../ports/record-store.ts";

export interface Family {
  /** This write has been made, or is being made. */
  made(what: string): boolean;
  /** Makes a write that is needed once: those who ask meanwhile wait for the same, and one that failed is made again. */
  once(what: string, write: () => Promise<void>): Promise<void>;
  /** Leaves that this claim began, by group and leaf, as it wrote them: empty. */
  readonly opened: Map<string, Revision>;
  /** By name: groups that are known to have a limit. */
  readonly limited: Set<string>;
  /** Of these, the ones in which children were started since the last commit: their turn may come with it. */
  readonly toHint: Set<string>;
  /**
   * The next free slot of a group, in leaves that are this claim's and version's own: no two children are ever given
   * the same one, whichever attempt starts them.
   */
  takeSlot(group: string, version: number, token: number): Slot;
  /** One that surely nobody was given. */
  giveBack(group: string, slot: Slot): void;
}

interface Taken {
  readonly version: number;
  /** Slots so far. */
  count: number;
  readonly free: Slot[];
}

/** The write that says that it has children. */
export const MARK = "mark";

export function createFamily(hasChildren: boolean): Family {
  const groups = new Map<string, Taken>();
  const writes = new Map<string, Promise<void>>(hasChildren ? [[MARK, Promise.resolve()]] : []);
  return {
    made: (what) => writes.has(what),
    once: async (what, write) => {
      const made = writes.get(what) ?? write();
      writes.set(what, made);
      await made.catch((error: unknown) => {
        writes.delete(what);
        throw error;
      });
    },
    opened: new Map(),
    limited: new Set(),
    toHint: new Set(),
    takeSlot: (group, version, token) => {
      const known = groups.get(group);
      const taken = known?.version === version ? known : { version, count: 0, free: [] };
      groups.set(group, taken);
      const free = taken.free.pop();
      if (free !== undefined) return free;
      const index = taken.count++;
      return { leaf: leafName(version, token, Math.floor(index / LEAF_CHILDREN)), index: index % LEAF_CHILDREN };
    },
    giveBack: (group, slot) => {
      const taken = groups.get(group);
      if (taken?.version === leafOrigin(slot.leaf).version) taken.free.push(slot);
    },
  };
}
