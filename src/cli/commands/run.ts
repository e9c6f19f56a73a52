/** `rookery run`: enqueues an item and works on it until it ends, in a process of its own that may die and be replaced. */
import { isWorkId } from "../../domain/ids.ts";
import type { ItemStatus } from "../../runtime/inspect.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { CliError, EXIT } from "../exit.ts";
import { ENGINES_HINT, missingEngine } from "../needs.ts";
import { suggestion } from "../next-steps.ts";
import { countOption } from "../option-values.ts";
import { errorText, statusWord } from "../output/item.ts";
import { duration } from "../output/time.ts";
import { createCrewLog } from "../processes/crew-log.ts";
import { addCrewOptions, type CrewFlags, crewOf } from "../processes/crew-options.ts";
import type { Failure } from "../processes/messages.ts";
import { stopOnSignals } from "../processes/signals.ts";
import { type CrewEnd, startCrew } from "../processes/supervisor.ts";
import { CLEAR_LINE, hasLiveLine, showProgress } from "../progress.ts";
import { refOf } from "../refs.ts";
import { addStartOptions, readPayload, type StartFlags, startItem } from "../start.ts";
import type { Store } from "../store.ts";

interface RunFlags extends StartFlags, CrewFlags {
  readonly id?: string;
  readonly steps?: number;
}

export const configureRun: Configure = (command, cli) => {
  addStartOptions(
    command
      .argument("[engine]", "see: rookery engines")
      .argument("[payload]", "JSON, - for stdin, @file for a file (default: {})"),
  )
    .option("--id <id>", "go on with an item that is there")
    .option("--steps <count>", "stop after so many saved steps; run --id goes on", countOption)
    .addHelpText("after", "\nThe result goes to stdout as JSON.\nExit code 0: completed, or --steps saved; 1: anything else.");
  addCrewOptions(command).action((engine: string | undefined, payload: string | undefined, flags: RunFlags) =>
    run(cli(), engine, payload, flags),
  );
};

async function run(cli: Cli, engine: string | undefined, text: string | undefined, flags: RunFlags): Promise<void> {
  const [store, workId] = await itemFor(cli, engine, text, flags);
  const before = await store.status(workId);
  if (before.endedAtMs !== null && before.unread === 0) return report(cli, store, before, before, "ended");
  await requireEngine(cli, before);
  const untilVersion = flags.steps === undefined ? null : before.version + flags.steps;
  const startedAtMs = Date.now();
  const end = await work(cli, store, workId, flags, untilVersion);
  const item = await store.status(workId);
  if (end.kind === "gave_up" && item.endedAtMs === null)
    throw new CliError(exitOf(end.failure), end.failure.message, { hint: end.failure.hint ?? goOn(cli, workId) });
  cli.print.hint(`${statusWord(item.status)} after ${duration(Date.now() - startedAtMs)}: ${workId}`);
  await report(cli, store, before, item, end.kind === "over" ? end.how : "stopped");
}

/** @throws CliError */
async function requireEngine(cli: Cli, item: ItemStatus): Promise<void> {
  const missing = await missingEngine(await cli.context(), item);
  if (missing !== null) throw new CliError(EXIT.notFound, `work item ${item.workId} ${missing}`, { hint: ENGINES_HINT });
}

async function itemFor(
  cli: Cli,
  engine: string | undefined,
  text: string | undefined,
  flags: RunFlags,
): Promise<[Store, string]> {
  if ((engine === undefined) === (flags.id === undefined))
    throw new CliError(EXIT.usage, `expected an engine and a payload, or --id <id>${engine === undefined ? "" : ", not both"}`, {
      hint: `rookery run counter '{"upTo": 5}'`,
    });
  if (flags.id !== undefined) {
    const store = await cli.existing();
    const ref = refOf(flags.id, {});
    return [store, typeof ref === "string" && isWorkId(ref) ? ref : (await store.status(ref)).workId];
  }
  const payload = await readPayload(text, cli.io);
  const store = await cli.open();
  const { workId } = await startItem(cli, store, engine ?? "", payload, flags);
  cli.print.note(`work item ${workId}`);
  return [store, workId];
}

/** A child that says what it could not do is not started again: the next one could not either. */
async function work(cli: Cli, store: Store, workId: string, flags: RunFlags, untilVersion: number | null): Promise<CrewEnd> {
  let failure: Failure | null = null;
  const ended = new AbortController();
  const clear = (): void => {
    if (hasLiveLine(cli)) cli.io.stderr.write(CLEAR_LINE);
  };
  const log = createCrewLog(cli.logger);
  const crew = startCrew(
    crewOf(cli, flags, {
      processes: 1,
      work: { kind: "item", workId, untilVersion },
      onEvent: (event) => {
        if (event.kind !== "started" && event.kind !== "ready") clear();
        if (event.kind !== "exited" || event.failure === null || !event.wasReady) return log(event);
        failure = event.failure;
        crew.stop();
      },
    }),
  );
  const unlisten = stopOnSignals(crew, () => {
    clear();
    cli.print.note("stopping: the running step is finished or given back");
  });
  const progress = showProgress(cli, store, workId, ended.signal);
  const end = await crew.ended;
  ended.abort();
  await progress;
  unlisten();
  return failure === null ? end : { kind: "gave_up", failure };
}

async function report(cli: Cli, store: Store, before: ItemStatus, item: ItemStatus, how: string): Promise<void> {
  const result = await store.resultJson(item.workId);
  if (item.status !== "completed" && how !== "reached") cli.endWith(EXIT.failed);
  if (cli.print.json) return cli.print.document({ ...item, how, result });
  if (item.status === "completed") return cli.print.document(result);
  if (item.error !== null && item.endedAtMs !== null) {
    throw new CliError(EXIT.failed, `work item ${item.workId} ${statusWord(item.status)}: ${errorText(item.error)}`, {
      hint: item.status === "cancelled" ? suggestion(cli, "events", item.workId) : suggestion(cli, "redrive", item.workId),
    });
  }
  const steps = item.version - before.version;
  const where = item.status === "paused" ? `paused (${item.pausedBecause ?? ""})` : "not ended";
  cli.print.note(`${where}: ${steps} ${steps === 1 ? "step" : "steps"} saved here, now at version ${item.version}`);
  cli.print.note(item.status === "paused" ? `let it go on: ${suggestion(cli, "resume", item.workId)}` : goOn(cli, item.workId));
}
function goOn(cli: Cli, workId: string): string {
  return `go on with: ${suggestion(cli, "run", "--id", workId)}`;
}
function exitOf({ exit }: Failure) {
  return Object.values(EXIT).find((code) => code === exit) ?? EXIT.failed;
}
