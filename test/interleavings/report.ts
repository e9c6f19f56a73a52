/** What was covered, case by case; with ROOKERY_SOAK=1, or with ROOKERY_SCHEDULES=2000, within larger bounds. */
import { afterAll } from "vitest";
import { type Case, type Covered, explore } from "./explore.ts";

/** Schedules of one case, at most. */
const USUAL = process.env["ROOKERY_SOAK"] === "1" ? 10_000 : 150;
const MOST = Number(process.env["ROOKERY_SCHEDULES"] ?? USUAL);

const all: { readonly name: string; readonly covered: Covered }[] = [];

/** `least`: for a case whose worst orders are further off, or that is cheap. */
export async function covering(name: string, what: Case, least = 0): Promise<Covered> {
  const covered = await explore(what, Math.max(MOST, least));
  all.push({ name, covered });
  return covered;
}

afterAll(() => {
  const lines = all.splice(0).map(({ name, covered }) => {
    const { ends, schedules, states, longest, allUpTo, tookMs } = covered;
    const extent =
      allUpTo === null ? "all there is" : `${allUpTo < 0 ? "cut" : `cut: all with up to ${allUpTo} switches or faults`}`;
    return `${name}: ${schedules} schedules (${ends} to the end), ${states} states, up to ${longest} calls, ${extent}, ${tookMs} ms`;
  });
  if (lines.length > 0) console.info(lines.join("\n"));
});
