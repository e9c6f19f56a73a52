/** What was covered, case by case; with ROOKERY_SOAK=1 within larger bounds. */
import { afterAll } from "vitest";
import { type Case, type Covered, explore } from "./explore.ts";

const IS_SOAK = process.env["ROOKERY_SOAK"] === "1";
/** Schedules of one case, at most. */
const MOST = IS_SOAK ? 10_000 : 150;

const all: { readonly name: string; readonly covered: Covered }[] = [];

/** `most`: schedules in `npm test`. */
export async function covering(name: string, what: Case, most = MOST): Promise<Covered> {
  const covered = await explore(what, Math.max(most, IS_SOAK ? MOST : 0));
  all.push({ name, covered });
  return covered;
}

afterAll(() => {
  const lines = all.splice(0).map(({ name, covered }) => {
    const { ends, schedules, states, longest, allUpTo, tookMs } = covered;
    const extent = allUpTo === null ? "all there is" : `cut: all with up to ${allUpTo} turns`;
    return `${name}: ${schedules} schedules (${ends} to the end), ${states} states, up to ${longest} calls, ${extent}, ${tookMs} ms`;
  });
  if (lines.length > 0) console.info(lines.join("\n"));
});
