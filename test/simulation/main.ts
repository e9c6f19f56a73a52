/**
 * `npm run sim -- --seeds 10000 [--from 1] [--jobs 2]` simulates many seeds, and tells of each that breaks.
 * `npm run sim -- --seed 4711 [--trace]` plays one again, exactly.
 * `--bail` stops at the first that breaks, and leaves its faults as they are.
 */
import { fork } from "node:child_process";
import { Command, InvalidArgumentError, Option } from "commander";
import { FAULT_KINDS } from "../../src/testing/simulator/rates.ts";
import { describeSimulated, type Simulated, shrink, simulate } from "../../src/testing/simulator/world.ts";
import { playOf } from "./play.ts";

/** A whole number of 0 or more, or of `least`. */
const whole =
  (least: number) =>
  (text: string): number => {
    if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`expected a whole number, ${least} or more`);
  };
const faults = (text: string): string[] => {
  const names = text.split(",").filter((name) => name !== "");
  const unknown = names.find((name) => !FAULT_KINDS.some((kind) => kind === name));
  if (unknown !== undefined) throw new InvalidArgumentError(`expected some of ${FAULT_KINDS.join(", ")}, got ${unknown}`);
  return names;
};
interface Values {
  readonly seeds: number;
  readonly from: number;
  readonly jobs: number;
  readonly seed?: number;
  readonly calls?: number;
  readonly trace: boolean;
  readonly without: readonly string[];
  readonly bail: boolean;
  readonly child: boolean;
}
const values = new Command("npm run sim --")
  .description("the runtime under simulated faults")
  .option("--seeds <n>", "how many seeds", whole(1), 500)
  .option("--from <n>", "the first of them", whole(0), 1)
  .option("--jobs <n>", "in so many processes", whole(1), 1)
  .option("--bail", "stop at the first that breaks, with its faults as they are", false)
  .option("--seed <n>", "play one again, exactly", whole(0))
  .option("--trace", "with --seed: print all that happens", false)
  .option("--without <kinds>", "faults that do not happen, with commas between", faults, [])
  .option("--calls <n>", "port calls until nothing goes wrong any more", whole(1))
  .addOption(new Option("--child").hideHelp().default(false))
  .allowExcessArguments(false)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<Values>();
const SHOWN = 60;
const TELL_MS = 5_000;
/** Failures that are shrunk and shown in full; of more, the seed is told. */
const SHRUNK = 5;

interface Progress {
  readonly seeds: number;
  readonly calls: number;
  readonly broken: readonly number[];
}
const options = values.calls === undefined ? {} : { calls: values.calls };

if (values.seed !== undefined) process.exitCode = await replay(values.seed);
else if (values.child) await many(values.from, values.seeds, (progress) => process.send?.(progress));
else process.exitCode = await all();

async function replay(seed: number): Promise<number> {
  const { without } = values;
  const run = await simulate({ seed, without, traced: values.trace ? 1_000_000 : SHOWN, ...options }, playOf);
  if (values.trace) say(run.trace.join("\n"));
  tell(run, without);
  return run.broken === null ? 0 : 1;
}

/** Shared out over processes; tells how far it is. */
async function all(): Promise<number> {
  const { from, seeds, jobs } = values;
  const startedAtMs = performance.now();
  const parts = new Map<number, Progress>();
  const each = Math.ceil(seeds / jobs);
  let toldAtMs = startedAtMs;
  const tellProgress = (force: boolean): void => {
    const nowMs = performance.now();
    if (!force && nowMs - toldAtMs < TELL_MS) return;
    toldAtMs = nowMs;
    const done = [...parts.values()];
    const [count, calls] = [sum(done.map((one) => one.seeds)), sum(done.map((one) => one.calls))];
    const seconds = (nowMs - startedAtMs) / 1_000;
    const broken = done.flatMap((one) => one.broken);
    const rate = `${Math.round(calls / seconds)} port calls/s, ${(count / seconds).toFixed(1)} seeds/s`;
    say(`${count} of ${seeds} seeds, ${calls} port calls, ${rate}, ${broken.length} broken`);
  };
  if (jobs === 1) {
    await many(from, seeds, (progress) => {
      parts.set(0, progress);
      tellProgress(false);
    });
  } else {
    await Promise.all(
      Array.from({ length: jobs }, (_, i) => {
        const args = ["--child", "--from", String(from + i * each), "--seeds", String(Math.min(each, seeds - i * each))];
        const child = fork(import.meta.filename, [
          ...args,
          ...(values.calls === undefined ? [] : ["--calls", String(values.calls)]),
        ]);
        child.on("message", (progress: Progress) => {
          parts.set(i, progress);
          tellProgress(false);
        });
        return new Promise<void>((resolve) => child.on("exit", () => resolve()));
      }),
    );
  }
  tellProgress(true);
  const broken = [...parts.values()].flatMap((one) => one.broken);
  const done = sum([...parts.values()].map((one) => one.seeds));
  if (broken.length > 0) say(`broken: ${broken.join(" ")}`);
  return broken.length === 0 && done === seeds ? 0 : 1;
}

async function many(from: number, seeds: number, onProgress: (progress: Progress) => void): Promise<void> {
  const broken: number[] = [];
  let calls = 0;
  for (let seed = from; seed < from + seeds; seed++) {
    const run = await simulate({ seed, traced: SHOWN, ...options }, playOf);
    calls += run.calls;
    if (run.broken !== null) {
      broken.push(seed);
      if (values.bail) tell(run, []);
      else if (broken.length <= SHRUNK) await explain(run);
      else say(describeSimulated(run), `  ${run.broken.message}`);
    }
    onProgress({ seeds: seed - from + 1, calls, broken });
    if (values.bail && broken.length > 0) return;
  }
}

async function explain(failing: Simulated): Promise<void> {
  const { run, without } = await shrink(failing, (off) =>
    simulate({ seed: failing.seed, without: off, traced: SHOWN, ...options }, playOf),
  );
  tell(run, without);
  say("", ...run.trace, "");
}

function tell(run: Simulated, without: readonly string[]): void {
  const replayed = `npm run sim -- --seed ${run.seed}${without.length === 0 ? "" : ` --without ${without.join(",")}`} --trace`;
  say(`${run.broken === null ? "ok" : "BROKEN"} ${describeSimulated(run)}`);
  if (run.broken === null) return;
  say(
    `  ${run.broken.message}`,
    `  injected: ${run.injected.map(({ kind, who }) => `${kind} (${who})`).join(", ") || "nothing"}`,
  );
  say(`  replay: ${replayed}`);
}
function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
