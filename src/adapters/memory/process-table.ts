import type { ProcessTable } from "../../ports/process-table.ts";

/** A machine of pretended processes. */
export interface MemoryMachine {
  /** The table as the process of that name sees it. */
  tableOf(self: string): ProcessTable;
  /** From now on everyone knows that it is gone. */
  end(holder: string): void;
}

export function createMemoryMachine(): MemoryMachine {
  const gone = new Set<string>();
  return {
    tableOf: (self) => ({ self, isGone: (holder) => gone.has(holder) }),
    end(holder) {
      gone.add(holder);
    },
  };
}
