/** `rookery pause`: holds items before their next step. */
import type { Configure } from "../configure.ts";
import { type RefOptions, takesItems } from "../refs.ts";
import { sendToAll } from "../send-to-all.ts";

export const configurePause: Configure = (command, cli) => {
  takesItems(command)
    .option("--reason <text>", "why; shown by status")
    .action((ids: readonly string[], options: RefOptions & { reason?: string }) =>
      sendToAll(cli(), "pause", ids, options, (store, ref) => store.pause(ref, options.reason)),
    );
};
