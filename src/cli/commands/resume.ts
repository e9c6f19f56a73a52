/** `rookery resume`: lets paused items go on where they were. */
import type { Configure } from "../configure.ts";
import { type RefOptions, takesItems } from "../refs.ts";
import { sendToAll } from "../send-to-all.ts";

export const configureResume: Configure = (command, cli) => {
  takesItems(command).action((ids: readonly string[], options: RefOptions) =>
    sendToAll(cli(), "resume", ids, options, (store, ref) => store.resume(ref)),
  );
};
