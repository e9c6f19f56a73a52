/** `rookery cancel`: ends items, after their recover has had its turn. */
import type { Configure } from "../configure.ts";
import { type RefOptions, takesItems } from "../refs.ts";
import { sendToAll } from "../send-to-all.ts";

const HELP = `
The running step is told by its abort signal. When the engine has a recover
function, its steps run before the item ends as cancelled.`;

export const configureCancel: Configure = (command, cli) => {
  takesItems(command)
    .option("--reason <text>", "why; kept in the journal")
    .addHelpText("after", HELP)
    .action((ids: readonly string[], options: RefOptions & { reason?: string }) =>
      sendToAll(cli(), "cancel", ids, options, (store, ref) => store.cancel(ref, options.reason)),
    );
};
