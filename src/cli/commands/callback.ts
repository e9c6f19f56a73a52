/** `rookery callback`: sends the signal that a step gave a token for. */
import { UnknownCallbackError, UnknownWorkItemError } from "../../domain/errors.ts";
import { parseCallbackToken } from "../../runtime/callback.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { tellSignalled } from "../item-signals.ts";
import { findEngine, readPayload } from "../start.ts";

const HELP = `
A token is good for one signal, until it expires. The same payload again is
answered like the first time.
Exit code 3: no such token; 4: used, expired, or the item has ended without it.`;

export const configureCallback: Configure = (command, cli) => {
  command
    .argument("<token>", "what ctx.callbackToken returned")
    .argument("[payload]", "JSON, - for stdin, @file for a file (default: {})")
    .addHelpText("after", HELP)
    .action((token: string, payload: string | undefined) => callback(cli(), token, payload));
};

async function callback(cli: Cli, token: string, text: string | undefined): Promise<void> {
  const { workId } = parseCallbackToken(token);
  const store = await cli.existing();
  const item = await store.status(workId).catch((thrown: unknown) => {
    throw thrown instanceof UnknownWorkItemError ? new UnknownCallbackError() : thrown;
  });
  const engine = await findEngine(cli, item.engine);
  const payload = await readPayload(text, cli.io, { usage: "callback <token> -" });
  tellSignalled(cli, workId, "callback", await store.callback(engine, token, payload));
}
