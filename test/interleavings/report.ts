/** What was covered, case by case; with ROOKERY_SOAK=1 within larger bounds. */
import { afterAll } from "vitest";
import { type Bounds, type Case, type Covered, explore } from "./explore.ts";

export const IS_SOAK = process.env["ROOKERY_SOAK"] === "1";
const IN_A_SOAK: Bounds = { schedules: 200_000, switches: null };

const all: { readonly name: string; readonly covered: Covered }[] = [];

/** In `npm test` every schedule with at most so many switches, in a soak with any number, as far as its bound goes. */
export async function covering(name: string, what: Case, switches = 2): Promise<Covered> {
  const covered = await explore(what, IS_SOAK ? IN_A_SOAK : { switches });
  all.push({ name, covered });
  return covered;
}

afterAll(() => {
  const lines = all.splice(0).map(({ name, covered }) => {
    const { ends, schedules, states, longest, cut, tookMs } = covered;
    const extent = cut ? "cut by a bound" : "all";
    return `${name}: ${schedules} schedules (${ends} to the end), ${states} states, up to ${longest} calls, ${extent}, ${tookMs} ms`;
  });
  if (lines.length > 0) console.info(lines.join("\n"));
});
