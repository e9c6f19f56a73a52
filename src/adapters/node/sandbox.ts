/** The process of a Lambda: nobody elsewhere can tell whether it is gone, so leases expire by their instant. */
import type { ProcessTable } from "../../ports/process-table.ts";
import type { Random } from "../../ports/random.ts";

const NAME_BYTES = 6;

/** `name`: the log stream, where a person finds what it said. */
export function createSandboxProcess(name: string, random: Random): ProcessTable {
  const own = Array.from(random.bytes(NAME_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { self: `lambda/${name}/${own}`, isGone: () => false };
}
