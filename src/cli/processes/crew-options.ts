/** The options that commands with worker processes share, and what follows from them. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { ABANDON_MS, LEASE_DURATION_MS, SECOND_MS } from "../../domain/limits.ts";
import type { Lane } from "../../ports/work-queue.ts";
import type { Cli } from "../cli.ts";
import type { GlobalFlags } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import { countOption, durationOption } from "../option-values.ts";
import { type ChildSpec, encodeChildSpec, type Failure, parseSettings } from "./messages.ts";
import type { CrewEvent, CrewOptions } from "./supervisor.ts";

export interface CrewFlags {
  readonly grace: number;
  readonly silence: number;
  readonly settings: ChildSpec["settings"];
}
export interface PoolFlags extends CrewFlags {
  readonly processes: number;
  readonly concurrency: number;
  readonly lane?: readonly Lane[];
}

/** One can die, spin or be replaced while the other works on. */
const PROCESSES = 2;
const CONCURRENCY = 10;
/** Hidden, and known to commands.ts. */
const CHILD_COMMAND = "worker-child";
/** Half of the 10 s that containers are given between SIGTERM and SIGKILL. */
const GRACE_MS = 5 * SECOND_MS;
const ALIVE_MS = SECOND_MS;
const ALIVES_PER_SILENCE = 4;
/** For a child to notice, commit and close after the worst that a step may do. */
const LAST_MS = 3 * SECOND_MS;

export function addCrewOptions(command: Command): Command {
  return command
    .addOption(option("--grace <duration>", "how long running steps may go on after a stop", durationOption, GRACE_MS, "5s"))
    .addOption(
      option("--silence <duration>", "a process silent for so long is replaced", durationOption, LEASE_DURATION_MS).hideHelp(),
    )
    .addOption(option("--settings <json>", "bounds of leases, heartbeats and retention", settings, {}).hideHelp());
}
export function addPoolOptions(command: Command, processes = PROCESSES): Command {
  command
    .option("--processes <n>", "worker processes", countOption, processes)
    .option("--concurrency <n>", "items at work at once in each process", countOption, CONCURRENCY)
    .option("--lane <lane>", "only this lane: high, normal or low; repeatable (default: all)", lane);
  return addCrewOptions(command);
}
function option<T>(flags: string, text: string, parse: (value: string) => T, otherwise: T, shown?: string): Option {
  return new Option(flags, text).argParser(parse).default(otherwise, shown);
}

export function poolOf({ concurrency, lane: lanes }: PoolFlags): ChildSpec["work"] {
  return { kind: "queue", concurrency, lanes: lanes === undefined ? null : [...lanes] };
}

/** Children are this same program, with the same flags in the same folder, and so find the same config. */
export function crewOf(
  cli: Cli,
  flags: CrewFlags,
  wanted: { processes: number; work: ChildSpec["work"]; onEvent: (event: CrewEvent) => void },
): CrewOptions {
  const { silence: silenceMs, grace: graceMs } = flags;
  const aliveMs = Math.min(ALIVE_MS, silenceMs / ALIVES_PER_SILENCE);
  const spec: ChildSpec = { aliveMs, graceMs, settings: flags.settings, work: wanted.work };
  const entry = process.argv[1];
  if (entry === undefined) throw new CliError(EXIT.failed, "cannot start worker processes: this program has no file");
  return {
    entry,
    args: [...globalFlags(cli.flags), CHILD_COMMAND, encodeChildSpec(spec)],
    processes: wanted.processes,
    silenceMs,
    killAfterMs: graceMs + (flags.settings.abandonMs ?? ABANDON_MS) + LAST_MS,
    onEvent: wanted.onEvent,
  };
}

/** The exit code is that of the child's own error. */
export function giveUpError({ message, hint, exit }: Failure): CliError {
  const code = Object.values(EXIT).find((one) => one === exit && one !== EXIT.ok) ?? EXIT.failed;
  return new CliError(code, message, hint === null ? {} : { hint });
}

function globalFlags(flags: GlobalFlags): string[] {
  const { home, stack, namespace, config, engines = [], json, verbose, color } = flags;
  return [
    ...(home === undefined ? [] : ["--home", home]),
    ...(stack === undefined ? [] : ["--stack", stack]),
    ...(namespace === undefined ? [] : ["--namespace", namespace]),
    ...(config === undefined ? [] : ["--config", config]),
    ...engines.flatMap((module) => ["--engines", module]),
    ...(json === true ? ["--json"] : []),
    ...(verbose === true ? ["--verbose"] : []),
    ...(color === false ? ["--no-color"] : []),
  ];
}

const LANES: readonly Lane[] = ["high", "normal", "low"];
function lane(text: string, before: readonly Lane[] = []): Lane[] {
  const found = LANES.find((one) => one === text);
  if (found === undefined) throw new InvalidArgumentError(`expected one of: ${LANES.join(", ")}, got ${JSON.stringify(text)}`);
  return [...new Set([...before, found])];
}
function settings(text: string): ChildSpec["settings"] {
  const parsed = parseSettings(text);
  if (parsed === null) throw new InvalidArgumentError("expected the fields of Settings, as JSON");
  return parsed;
}
