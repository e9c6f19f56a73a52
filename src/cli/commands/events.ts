/** `rookery events`: what happened to an item, oldest first. */
import type { JournalEvent } from "../../domain/journal.ts";
import type { Ref } from "../../runtime/client.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { eventText, eventTint } from "../output/event.ts";
import { wrap } from "../output/text.ts";
import { instant } from "../output/time.ts";
import { pauseFor } from "../pause-for.ts";
import { type RefOptions, refOf, takesItem } from "../refs.ts";
import type { Store } from "../store.ts";

interface EventsFlags extends RefOptions {
  readonly follow?: boolean;
}

const LOOK_MS = 250;
const VERSION_CHARS = 6;

export const configureEvents: Configure = (command, cli) => {
  takesItem(command)
    .option("-f, --follow", "wait for more, until the item has ended")
    .addHelpText("after", "\nWith --json: lines of JSON, one for each event.")
    .action((id: string | undefined, flags: EventsFlags) => showEvents(cli(), id, flags));
};

async function showEvents(cli: Cli, id: string | undefined, flags: EventsFlags): Promise<void> {
  const ref = refOf(id, flags);
  const store = await cli.existing();
  let seen = await showFrom(cli, store, ref, 0);
  if (flags.follow !== true) {
    if (seen === 0) cli.print.note("nothing has happened yet");
    return;
  }
  const stop = cli.io.interruption();
  while (!stop.aborted) {
    const ended = (await store.status(ref)).endedAtMs !== null;
    seen = await showFrom(cli, store, ref, seen);
    if (ended) return;
    await pauseFor(LOOK_MS, stop);
  }
}

/** Those after the first `seen`; answers how many there are. */
async function showFrom(cli: Cli, store: Store, ref: Ref, seen: number): Promise<number> {
  let count = 0;
  for await (const event of store.events(ref)) {
    count += 1;
    if (count > seen) show(cli, event);
  }
  return Math.max(count, seen);
}

function show(cli: Cli, event: JournalEvent): void {
  if (cli.print.json) cli.print.jsonLine(event);
  else showLine(cli, event);
}
function showLine({ print, style }: Cli, event: JournalEvent): void {
  const head = `${instant(event.atMs)}  ${`v${event.version}`.padEnd(VERSION_CHARS)}  `;
  const tint = eventTint(event);
  const [first = "", ...rest] = wrap(eventText(event), print.columns - head.length);
  const colored = (text: string): string => (tint === null ? text : style(tint, text));
  print.line(`${style("dim", head)}${colored(first)}`);
  for (const line of rest) print.line(`${" ".repeat(head.length)}${colored(line)}`);
}
