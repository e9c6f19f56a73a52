/** `rookery cancel`: ends items, after their recover has had its turn. */
import type { Configure } from "../configure.ts";
import { type RefOptions, takesItems } from "../refs.ts";
import { sendToAll } from "../send-to-all.ts";

export const configureCancel: Configure = (command, cli) => {
  takesItems(command)
    .option("--reason <text>", "why; kept in the journal")
    .action((ids: readonly string[], options: RefOptions & { reason?: string }) =>
      sendToAll(cli(), "cancel", ids, options, (store, ref) => store.cancel(ref, options.reason)),
    );
};
