/** What a sabotage is: a small break of the production code, and the machine that is to find it. */

import { parseSync } from "oxc-parser";

/** The machines that try to break the runtime; `model` is the pure model of the protocol, which runs none of it. */
export type MachineName = "simulation" | "interleavings" | "history" | "kills" | "fuzzing" | "model";

export interface Edit {
  /** From the root of the repository. */
  readonly file: string;
  /** Exactly once in the file. */
  readonly from: string;
  readonly to: string;
}
export interface Tests {
  readonly file: string;
  /** Those whose names have this text. */
  readonly named?: string;
  /** Of the interleavings: schedules of a case, at most; default as in `npm test`. */
  readonly schedules?: number;
}
export interface Break {
  /** What the broken code does; unique. */
  readonly name: string;
  /** Which guarantee, or † rule of the design, it takes away. */
  readonly rule: string;
  /** Which is expected to find it: it is asked first. */
  readonly by: MachineName;
  /** The tests of that machine that are run; default all. */
  readonly tests?: Tests;
  readonly edits: readonly Edit[];
}

export function edit(file: string, from: string, to: string): Edit {
  return { file, from, to };
}

/** The text as the break leaves it. Throws where a `from` is not there once, and where what is left is no code. */
export function applied({ name, edits }: Break, file: string, text: string): string {
  let broken = text;
  for (const { from, to } of edits.filter((one) => one.file === file)) {
    const times = broken.split(from).length - 1;
    if (times !== 1) throw new Error(`${name}: expected its text once in ${file}, found it ${times} times: ${from}`);
    broken = broken.split(from).join(to);
  }
  const [wrong] = parseSync(file, broken).errors;
  if (wrong !== undefined) throw new Error(`${name}: what it leaves of ${file} is no code: ${wrong.message}`);
  return broken;
}
