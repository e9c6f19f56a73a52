/** `rookery log`: what its engine appended, a line of JSON each. */
import { InvalidArgumentError } from "commander";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { type RefOptions, refOf, takesItem } from "../refs.ts";

interface LogFlags extends RefOptions {
  readonly last?: number;
}

export const configureLog: Configure = (command, cli) => {
  takesItem(command)
    .option("--last <count>", "only the newest, without reading more than it needs", wholeNumber)
    .addHelpText("after", "\nLines of JSON, one for each entry, also without --json.")
    .action((id: string | undefined, flags: LogFlags) => showLog(cli(), id, flags));
};
function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError(`expected a whole number, got ${JSON.stringify(text)}`);
  return Number(text);
}

async function showLog(cli: Cli, id: string | undefined, flags: LogFlags): Promise<void> {
  const ref = refOf(id, flags);
  const store = await cli.existing();
  const entries = await store.log(ref, flags.last === undefined ? {} : { last: flags.last });
  for (const entry of entries) cli.print.jsonLine(entry);
  if (entries.length === 0) cli.print.note("its log is empty");
}
