/** `rookery resume`: lets paused items go on where they were. */
import type { Ref } from "../../runtime/client.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { resolveSteps } from "../next-steps.ts";
import { type RefOptions, takesItems } from "../refs.ts";
import { sendToAll } from "../send-to-all.ts";
import type { Store } from "../store.ts";

export const configureResume: Configure = (command, cli) => {
  takesItems(command).action((ids: readonly string[], options: RefOptions) =>
    sendToAll(cli(), "resume", ids, options, async (store, ref) => {
      const steps = await wordsWanted(cli(), store, ref);
      await store.resume(ref);
      for (const step of steps) cli().print.hint(`it parks again until you say what happened: ${step}`);
    }),
  );
};

/** One that is parked for an effect in doubt asks the same again. */
async function wordsWanted(cli: Cli, store: Store, ref: Ref): Promise<readonly string[]> {
  const { status, workId } = await store.status(ref);
  return status === "paused" ? resolveSteps(cli, workId, await store.effects(ref)) : [];
}
