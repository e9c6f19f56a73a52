/** `rookery sweep`: looks once at everything that is due; workers do so every minute by themselves. */
import type { Swept } from "../../runtime/sweep.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { EXIT } from "../exit.ts";

export const configureSweep: Configure = (command, cli) => {
  command.action(() => sweepOnce(cli()));
};

const NOTHING: Swept = { looked: 0, hinted: 0, forgotten: 0, collected: 0, failed: 0 };

async function sweepOnce(cli: Cli): Promise<void> {
  const store = await cli.look();
  const swept = store === null ? NOTHING : await store.sweep();
  if (swept.failed > 0) cli.endWith(EXIT.failed);
  if (cli.print.json) return cli.print.document(swept);
  cli.print.facts([
    ["due", String(swept.looked)],
    ["hints sent", String(swept.hinted)],
    ["forgotten", String(swept.forgotten)],
    ["collected", String(swept.collected)],
    ["failed", swept.failed === 0 ? "0" : `${swept.failed}, looked at again in 10 min`],
  ]);
}
