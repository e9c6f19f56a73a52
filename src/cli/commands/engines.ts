/** `rookery engines`: what can be worked here, and where it comes from. */
import { relative } from "node:path";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import type { LoadedEngine } from "../engine-modules.ts";

export const configureEngines: Configure = (command, cli) => {
  command.action(() => showEngines(cli()));
};

async function showEngines(cli: Cli): Promise<void> {
  const context = await cli.context();
  const loaded = await context.engines();
  if (cli.print.json) {
    cli.print.document(loaded.map(({ engine, source }) => ({ id: engine.id, version: engine.version, source })));
    return;
  }
  cli.print.table<LoadedEngine>(
    [
      { head: "ENGINE", cell: ({ engine }) => engine.id, cut: "never", tint: () => "bold" },
      { head: "VERSION", cell: ({ engine }) => String(engine.version), align: "right", cut: "never" },
      { head: "FROM", cell: ({ source }) => shorter(source, cli.io.cwd) },
    ],
    loaded,
  );
  if (context.configPath === null && context.engineModules === null)
    cli.print.hint("your own come from rookery.config.ts, or --engines <module>");
}
function shorter(source: string, cwd: string): string {
  const near = relative(cwd, source);
  return source.startsWith("/") && near.length < source.length ? near : source;
}
