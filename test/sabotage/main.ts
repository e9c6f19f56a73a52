/**
 * `npm run sim:sabotage [-- --only "NAME|NAME"] [--jobs N] [--list]`: breaks a copy of the production code in many small ways,
 * one after the other, and shows which machine finds each, by what, and how fast. Fails when one is found by none, or when
 * a machine finds something in what is not broken (not asked with --only).
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ask } from "./ask.ts";
import type { Break, MachineName } from "./break.ts";
import { BREAKS } from "./breaks.ts";
import { type Copy, makeCopy } from "./copies.ts";
import { MACHINES, type Machine, machineOf } from "./machines.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    jobs: { type: "string", default: "2" },
    list: { type: "boolean", default: false },
    /** Of these machines alone. */
    by: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});
const ROOT = join(import.meta.dirname, "../..");
const WIDTH = 80;

interface Row {
  readonly what: Break;
  readonly by: MachineName | null;
  readonly said: string;
  /** Of the machine that found it; of all, where none did. */
  readonly tookMs: number;
}

const only = values.only?.split("|") ?? [""];
const chosen = BREAKS.filter(({ name }) => only.some((part) => name.includes(part)));
if (values.list) for (const { name, rule, by } of chosen) say(`${name}\n    ${rule} (${by})`);
else process.exitCode = await run();

async function run(): Promise<number> {
  if (chosen.length === 0) {
    say(`no sabotage is called ${values.only}`);
    return 2;
  }
  const startedAtMs = performance.now();
  const copies = Array.from({ length: Number(values.jobs) }, () => makeCopy(ROOT));
  try {
    if (values.only === undefined && !(await findsNothing(copies))) return 1;
    const rows: Row[] = [];
    await shareOut(copies, chosen, async (copy, what) => {
      const row = await sabotage(copy, what);
      rows.push(row);
      tell(row);
    });
    const missed = rows.filter(({ by }) => by === null);
    const seconds = Math.round((performance.now() - startedAtMs) / 1_000);
    say("", `${rows.length - missed.length} of ${rows.length} sabotages found, in ${seconds} s`);
    for (const { what } of missed) say(`not found: ${what.name} (${what.rule})`);
    return missed.length === 0 ? 0 : 1;
  } finally {
    for (const copy of copies) copy[Symbol.dispose]();
  }
}

/** What a machine finds that always finds something proves nothing. */
async function findsNothing(copies: readonly Copy[]): Promise<boolean> {
  let sound = true;
  await shareOut(copies, MACHINES.filter(isAsked), async (copy, machine) => {
    const { said, tookMs, inTime, output } = await ask(machine, copy.root, null);
    say(`unbroken, ${machine.name}: ${said ?? (inTime ? "finds nothing" : "not in time")}, ${seconds(tookMs)} s`);
    if (said === null && inTime) return;
    sound = false;
    say(output);
  });
  return sound;
}

/** The expected machine first, then the others. */
async function sabotage(copy: Copy, what: Break): Promise<Row> {
  let tookMs = 0;
  let restore = (): void => undefined;
  try {
    restore = copy.apply(what);
    const first = machineOf(what.by);
    for (const machine of [first, ...MACHINES.filter((other) => other !== first)].filter(isAsked)) {
      const asked = await ask(machine, copy.root, machine === first ? (what.tests ?? null) : null);
      if (values.verbose) say(asked.output);
      if (asked.said !== null) return { what, by: machine.name, said: asked.said, tookMs: asked.tookMs };
      tookMs += asked.tookMs;
    }
    return { what, by: null, said: "nothing finds it", tookMs };
  } catch (error) {
    return { what, by: null, said: error instanceof Error ? error.message : String(error), tookMs };
  } finally {
    restore();
  }
}
function isAsked({ name }: Machine): boolean {
  return values.by === undefined || values.by.split(",").includes(name);
}

/** One thing at a time for each copy. */
async function shareOut<T>(
  copies: readonly Copy[],
  things: readonly T[],
  act: (copy: Copy, thing: T) => Promise<void>,
): Promise<void> {
  const left = [...things];
  await Promise.all(
    copies.map(async (copy) => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) await act(copy, next);
    }),
  );
}

function tell({ what, by, said, tookMs }: Row): void {
  const found = by === null ? "NOT FOUND" : by;
  say(`${what.name.padEnd(WIDTH - 20)}${found.padEnd(14)}${seconds(tookMs).padStart(6)}`, `    ${shortened(said, WIDTH - 4)}`);
}
function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
