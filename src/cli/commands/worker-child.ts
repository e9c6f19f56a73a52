/** Hidden: what `worker`, `dev` and `run` start as child processes. */
import type { Command } from "commander";
import { messageOf } from "../../domain/errors.ts";
import type { Cli } from "../cli.ts";
import { CliError, EXIT } from "../exit.ts";
import { explain } from "../output/failure.ts";
import { runChild } from "../processes/child.ts";
import { decodeChildSpec } from "../processes/messages.ts";
import { loggerAboveLine } from "../progress.ts";
import { openStore } from "../store.ts";

export function configureWorkerChild(command: Command, cli: () => Cli): void {
  command.argument("<spec>").action(async (text: string) => {
    if (process.send === undefined)
      throw new CliError(EXIT.usage, "worker-child is started by `rookery worker`, `dev` and `run`");
    const spec = decodeChildSpec(text);
    const logger = spec.work.kind === "item" ? loggerAboveLine(cli()) : cli().logger;
    // Node ends the process after it; without a word from us, nothing says that it was a step's doing.
    process.on("uncaughtExceptionMonitor", (error, origin) => {
      const what =
        origin === "unhandledRejection"
          ? "a promise that nobody awaited was rejected"
          : "an error was thrown outside of any promise";
      logger.error(`${what}: it ends this worker process, and the steps in it are run again`, { error: messageOf(error) });
    });
    await runChild(spec, {
      describe: explain,
      open: async ({ settings }) => {
        const context = await cli().context();
        const engines = (await context.engines()).map(({ engine }) => engine);
        const opened = await openStore(context.where, { engines, logger, settings });
        return { opened, engines: engines.map(({ id }) => id) };
      },
    });
  });
}
