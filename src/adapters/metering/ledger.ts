/** Where the meter's parts enter what they count: on the bill, and to the work items that it was for. */
import { assertNever } from "../../domain/errors.ts";
import { addUnits, NO_UNITS, type Units } from "../../domain/units.ts";
import type { Meter } from "../../ports/meter.ts";
import { type Bill, type Line, nameOf } from "./bill.ts";

export interface Ledger extends Meter {
  /** `partitions`: whose it is, each an equal share; none where it is nobody's, or not known. */
  enter(line: Line, partitions: readonly string[]): void;
  /** Everything that was counted. */
  bill(): Bill;
}

/** Items whose units nobody has taken; the oldest are forgotten: of most that a process reads it has no commit. */
const REMEMBERED = 10_000;

export function createLedger(): Ledger {
  const lines = new Map<string, Line>();
  const shares = new Map<string, Units>();
  function share(partition: string, units: Units): void {
    shares.set(partition, addUnits(shares.get(partition) ?? NO_UNITS, units));
    for (const oldest of shares.keys()) {
      if (shares.size <= REMEMBERED) return;
      shares.delete(oldest);
    }
  }
  return {
    enter(line, partitions) {
      const known = lines.get(nameOf(line));
      lines.set(nameOf(line), { ...line, count: (known?.count ?? 0) + line.count });
      const units = unitsOf({ ...line, count: line.count / partitions.length });
      if (units !== null) for (const partition of partitions) share(partition, units);
    },
    bill: () => [...lines.values()],
    take(partition) {
      const units = shares.get(partition) ?? null;
      shares.delete(partition);
      return units;
    },
  };
}

/** Null for what an item's snapshot does not keep. */
function unitsOf({ unit, count }: Line): Units | null {
  switch (unit) {
    case "write":
      return { ...NO_UNITS, writes: count };
    case "read":
      return { ...NO_UNITS, reads: count };
    case "request":
      return { ...NO_UNITS, requests: count };
    case "put":
      return { ...NO_UNITS, puts: count };
    case "get":
      return { ...NO_UNITS, gets: count };
    case "invocation":
    case "gbSecond":
    case "free":
      return null;
    default:
      return assertNever(unit);
  }
}
