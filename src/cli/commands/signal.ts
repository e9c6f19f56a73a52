/** `rookery signal`: sends an item one of the signals that its engine knows. */
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { requireSignal, tellSignalled } from "../item-signals.ts";
import { refOf } from "../refs.ts";
import { findEngine, readPayload } from "../start.ts";

const HELP = `
It waits until a step takes it; rookery status shows what an item waits for.
Exit code 4: not accepted, since the item has ended without it.`;

export const configureSignal: Configure = (command, cli) => {
  command
    .argument("<id>", "id, or <engine>/<key>")
    .argument("<name>", "one of the signals of its engine")
    .argument("[payload]", "JSON, - for stdin, @file for a file (default: {})")
    .option("--id <id>", "the same id again is the same signal: safe to repeat")
    .addHelpText("after", HELP)
    .action((id: string, name: string, payload: string | undefined, flags: { id?: string }) =>
      signal(cli(), id, name, payload, flags.id),
    );
};

async function signal(cli: Cli, id: string, name: string, text: string | undefined, signalId: string | undefined): Promise<void> {
  const ref = refOf(id, {});
  const store = await cli.existing();
  const { workId, engine: engineId } = await store.status(ref);
  const engine = await findEngine(cli, engineId);
  requireSignal(engineId, name, Object.keys(engine.signals));
  const payload = await readPayload(text, cli.io, { usage: `signal ${id} ${name} -` });
  const answer = await store.signal(engine, workId, name, payload, signalId === undefined ? {} : { id: signalId });
  tellSignalled(cli, workId, `signal ${name}`, answer);
}
