/** `rookery history`: committed versions, with their states where the journal policy kept them. */
import type { HistoryEntry } from "../../runtime/inspect.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { clean, cut } from "../output/text.ts";
import { duration, instant } from "../output/time.ts";
import { type RefOptions, refOf, takesItem } from "../refs.ts";

const VERSION_CHARS = 6;

const HELP = `
States before the last one are kept when the engine says so in defineEngine:
journal: "full", or { interval: n } for every nth. "compact" keeps no versions.
With --json: lines of JSON, one for each version.`;

export const configureHistory: Configure = (command, cli) => {
  takesItem(command)
    .addHelpText("after", HELP)
    .action((id: string | undefined, options: RefOptions) => showHistory(cli(), id, options));
};

async function showHistory(cli: Cli, id: string | undefined, options: RefOptions): Promise<void> {
  const ref = refOf(id, options);
  const store = await cli.existing();
  let [count, states] = [0, 0];
  for await (const entry of store.history(ref)) {
    count += 1;
    states += "state" in entry ? 1 : 0;
    if (cli.print.json) cli.print.jsonLine(entry);
    else cli.print.line(lineOf(cli, entry));
  }
  if (count === 0) cli.print.note("no version on record: nothing was saved yet, or the engine's journal is compact");
  else if (states < count) cli.print.hint('all states are kept with journal: "full" in defineEngine');
}

function lineOf({ print, style }: Cli, entry: HistoryEntry): string {
  const head = `${instant(entry.atMs)}  ${`v${entry.version}`.padEnd(VERSION_CHARS)}  `;
  const state = "state" in entry ? ` ${JSON.stringify(entry.state)}` : "";
  const tried = entry.attempt > 1 ? `, attempt ${entry.attempt}` : "";
  const text = clean(`${entry.step} (${duration(entry.durationMs)}${tried})${state}`);
  return `${style("dim", head)}${cut(text, print.columns - head.length)}`;
}
