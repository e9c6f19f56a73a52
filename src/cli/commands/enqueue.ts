/** `rookery enqueue`: hands a work item to the workers. `ID=$(rookery enqueue …)` is just the id. */
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { suggestion } from "../next-steps.ts";
import { addStartOptions, readPayload, type StartFlags, startItem } from "../start.ts";

export const configureEnqueue: Configure = (command, cli) => {
  addStartOptions(
    command
      .argument("<engine>", "see: rookery engines")
      .argument("[payload]", "JSON, - for stdin, @file for a file (default: {})"),
  )
    .option("--id-only", "the id and nothing else, on a terminal too")
    .action((engine: string, payload: string | undefined, flags: StartFlags & { idOnly?: boolean }) =>
      enqueue(cli(), engine, payload, flags),
    );
};

async function enqueue(
  cli: Cli,
  engine: string,
  text: string | undefined,
  flags: StartFlags & { idOnly?: boolean },
): Promise<void> {
  const payload = await readPayload(text, cli.io);
  const { kind, store } = await cli.opened();
  const enqueued = await startItem(cli, store, engine, payload, flags);
  if (cli.print.json) return cli.print.document({ ...enqueued, namespace: store.namespace, engine });
  cli.print.line(enqueued.workId);
  if (flags.idOnly === true) return;
  cli.print.hint(`look at it:    ${suggestion(cli, "status", enqueued.workId)}`);
  // A stack's own functions take it.
  if (kind === "home") cli.print.hint(`let it work:   ${suggestion(cli, "worker")}`);
}
