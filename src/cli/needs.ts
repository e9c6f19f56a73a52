/** What an item needs to be worked on here. */
import type { ItemStatus } from "../runtime/inspect.ts";
import type { Context } from "./context.ts";

export const ENGINES_HINT = "engines come from rookery.config.ts or --engines <module>; see: rookery engines";

/** Null when its engine is loaded here. A worker leaves an item to workers that know its engine and version. */
export async function missingEngine(context: Context, { engine: id, engineVersion }: ItemStatus): Promise<string | null> {
  const loaded = await context.engines();
  if (loaded.some(({ engine }) => engine.id === id && engine.version >= engineVersion)) return null;
  return `needs engine ${id} version ≥ ${Math.max(1, engineVersion)}; not loaded here`;
}
