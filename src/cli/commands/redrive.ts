/** `rookery redrive`: failed and dead-lettered items go on from their last snapshot, with fresh attempts and limits. */
import type { Configure } from "../configure.ts";
import { type RefOptions, takesItems } from "../refs.ts";
import { sendToAll } from "../send-to-all.ts";

export const configureRedrive: Configure = (command, cli) => {
  takesItems(command)
    .option("--note <text>", "what changed; the step sees it as ctx.wake.note")
    .action((ids: readonly string[], options: RefOptions & { note?: string }) =>
      sendToAll(cli(), "redrive", ids, options, (store, ref) => store.redrive(ref, options.note)),
    );
};
