/** `rookery worker`: processes that work on what is enqueued, until they are told to stop. */
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { EXIT } from "../exit.ts";
import { createCrewLog, createCrewLogger } from "../processes/crew-log.ts";
import { addPoolOptions, crewOf, giveUpError, type PoolFlags, poolOf } from "../processes/crew-options.ts";
import { stopOnSignals } from "../processes/signals.ts";
import { type CrewEvent, startCrew } from "../processes/supervisor.ts";

const HELP = `
With --stack they work off the queues of that stack, beside its own functions:
either may take a message. One that does not know an item's engine leaves it to
the others. The stack's sweeper sweeps, these processes do not.`;

export function configureWorker(command: Command, cli: () => Cli): void {
  addPoolOptions(command)
    .addHelpText("after", HELP)
    .action((flags: PoolFlags) => work(cli(), flags));
}

async function work(cli: Cli, flags: PoolFlags): Promise<void> {
  const logger = createCrewLogger(cli);
  const log = createCrewLog(logger);
  let announced = false;
  const onEvent = (event: CrewEvent): void => {
    if (event.kind === "ready" && !announced) {
      announced = true;
      const { namespace, at, engines } = event;
      const { kind: _, ...place } = at;
      const { processes, concurrency } = flags;
      logger.info("working; Ctrl-C stops", { namespace, ...place, engines: engines.join(","), processes, concurrency });
    }
    log(event);
  };
  const crew = startCrew(crewOf(cli, flags, { processes: flags.processes, work: poolOf(flags), onEvent }));
  const unlisten = stopOnSignals(crew, () =>
    logger.info("stopping: steps finish or are given back; once more ends them at once"),
  );
  const end = await crew.ended;
  unlisten();
  if (end.kind === "gave_up") throw giveUpError(end.failure);
  logger.info("stopped");
  if (end.kind === "stopped" && end.killed) cli.endWith(EXIT.failed);
}
