/** `rookery tail`: what an item's steps write, as they write it. */
import type { OutputEvent } from "../../runtime/output-reader.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { writeAll } from "../io.ts";
import { suggestion } from "../next-steps.ts";
import { cleanLines } from "../output/text.ts";
import { type RefOptions, refOf, takesItem } from "../refs.ts";

interface TailFlags extends RefOptions {
  readonly after?: string;
}

const HELP = `
Until the item has ended, or Ctrl-C. Text of an attempt that came to nothing is
on the page already when that is known: a line on stderr says which to drop.
With --json: lines of JSON, one for each event: {cursor, step, attempt, kind,
text}, where kind is chunk, replaced (drop what came of this step) or end.`;

export const configureTail: Configure = (command, cli) => {
  takesItem(command)
    .option("--after <cursor>", "go on behind this event of tail --json")
    .addHelpText("after", HELP)
    .action((id: string | undefined, flags: TailFlags) => tail(cli(), id, flags));
};

async function tail(cli: Cli, id: string | undefined, flags: TailFlags): Promise<void> {
  const ref = refOf(id, flags);
  const store = await cli.existing();
  const stop = cli.io.interruption();
  let last = flags.after ?? null;
  let ended = false;
  const page = createPage(cli);
  for await (const event of store.output(ref, { after: last, abortSignal: stop })) {
    last = event.cursor;
    ended = event.kind === "end";
    if (cli.print.json) cli.print.jsonLine(event);
    else await page.show(event);
  }
  page.end();
  if (!ended && last !== null && id !== undefined) cli.print.hint(`go on: ${suggestion(cli, "tail", id, "--after", last)}`);
}

/** Chunks as they come; what is said in between begins a line of its own. */
function createPage(cli: Cli): { show(event: OutputEvent): Promise<void>; end(): void } {
  const isTerminal = cli.io.stdout.isTTY === true;
  let midLine = false;
  const newLine = (): void => {
    if (isTerminal && midLine) cli.print.line("");
    midLine = false;
  };
  return {
    async show({ kind, step, attempt, text }) {
      if (kind === "chunk") {
        const shown = isTerminal ? cleanLines(text) : text;
        await writeAll(cli.io.stdout, Buffer.from(shown));
        if (shown !== "") midLine = !shown.endsWith("\n");
      } else if (kind === "replaced") {
        newLine();
        cli.print.note(`rookery: drop what step ${step} wrote so far: it does not count (attempt ${attempt})`);
      } else {
        newLine();
        cli.print.hint(`the item is ${text.replaceAll("_", "-")}`);
      }
    },
    end: newLine,
  };
}
