/** The machines as they are run on a copy, and what of their output says what was broken. */
import { stripVTControlCharacters } from "node:util";
import type { MachineName, Tests } from "./break.ts";

export interface Machine {
  readonly name: MachineName;
  /** Arguments for node, in the copy's root. `tests`: those of the break alone. */
  args(tests: Tests | null): readonly string[];
  /** What takes longer has not come to an end, and has found nothing. */
  readonly timeoutMs: number;
}

const SEEDS = 500;
const SECOND_MS = 1_000;
const VITEST = "node_modules/vitest/vitest.mjs";

function vitest(name: MachineName, project: string, files: readonly string[], timeoutMs: number): Machine {
  return {
    name,
    args: (tests) => [
      ...[VITEST, "run", "--project", project, "--bail", "1", "--maxWorkers", "1"],
      ...(tests == null ? files : [tests.file]),
      ...(tests?.named === undefined ? [] : ["-t", tests.named]),
    ],
    timeoutMs,
  };
}

/** In the order in which they are asked about a break that the expected one has not found. */
export const MACHINES: readonly Machine[] = [
  {
    name: "simulation",
    args: () => ["test/simulation/main.ts", "--seeds", String(SEEDS), "--bail"],
    timeoutMs: 180 * SECOND_MS,
  },
  vitest("interleavings", "proofs", ["test/interleavings"], 420 * SECOND_MS),
  vitest("history", "main", ["test/history"], 60 * SECOND_MS),
  vitest("fuzzing", "main", ["test/fuzz"], 60 * SECOND_MS),
  vitest(
    "kills",
    "heavy",
    ["test/crash/kills.test.ts", "test/crash/frozen.test.ts", "test/crash/company.test.ts"],
    180 * SECOND_MS,
  ),
  vitest("model", "domain", ["test/domain/protocol.test.ts"], 60 * SECOND_MS),
];
export function machineOf(name: MachineName): Machine {
  const found = MACHINES.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no machine ${name}`);
  return found;
}

/** What no machine finds by itself: the break does not even load, or calls what is not there. */
const UNRUNNABLE = /ReferenceError: |does not provide an export|Transform failed/;

/** What was broken, in one line; null where the output does not say. Throws what shows that the break itself is no code. */
export function saidIn(output: string): string | null {
  const lines = stripVTControlCharacters(output).split("\n");
  const wrong = lines.find((line) => UNRUNNABLE.test(line));
  if (wrong !== undefined) throw new Error(`the break does not run: ${wrong.trim()}`);
  const simulated = lines.findIndex((line) => line.startsWith("BROKEN "));
  const found =
    lines[simulated + 1 || lines.length] ??
    lines.find((line) => /^Caused by: /.test(line)) ??
    lines.find((line) => /^(?:\w*Error|Violation): /.test(line));
  return found === undefined ? null : found.trim().replace(/^(?:Caused by: |Error: |AssertionError: |InvariantBroken: )+/, "");
}
