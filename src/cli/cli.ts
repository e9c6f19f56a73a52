/** What a command is given: where it works, the store, and how to say things. Everything heavy is loaded when wanted. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Embedded } from "../embedded.ts";
import type { Logger } from "../ports/logger.ts";
import { type Context, type GlobalFlags, resolveContext } from "./context.ts";
import { CliError, EXIT, type ExitCode } from "./exit.ts";
import { columnsOf, type Io } from "./io.ts";
import { createCliLogger } from "./output/logger.ts";
import { createPrinter, type Printer } from "./output/printer.ts";
import { colorWanted, createStyle, type Style } from "./output/style.ts";

export interface Cli {
  readonly io: Io;
  readonly flags: GlobalFlags;
  readonly logger: Logger;
  readonly print: Printer;
  /** For stdout; `print.style` too. */
  readonly style: Style;
  context(): Promise<Context>;
  /** The store, made when it is missing. */
  open(): Promise<Embedded>;
  /** The store anew, for a command that outlives the file that it had opened. */
  reopen(): Promise<Embedded>;
  /** The store, for looking: null when there is none yet, and none is made. */
  look(): Promise<Embedded | null>;
  /** As `look`, for commands that name an item. @throws CliError when there is no store. */
  existing(): Promise<Embedded>;
  /** The command went through, and yet something in it did not. The first one stands. */
  endWith(code: ExitCode): void;
  exitCode(): ExitCode;
  close(): void;
}

export const DATABASE_FILE = "rookery.sqlite";

export function createCli(flags: GlobalFlags, io: Io): Cli {
  const json = flags.json === true;
  const style = createStyle(!json && colorWanted(flags, io.env, io.stdout));
  const logStyle = createStyle(colorWanted(flags, io.env, io.stderr));
  const logger = createCliLogger({
    sink: io.stderr,
    form: json || io.stderr.isTTY !== true ? "json" : "human",
    verbose: flags.verbose === true,
    style: logStyle,
  });
  let context: Promise<Context> | null = null;
  let opened: Promise<Embedded> | null = null;
  let store: Embedded | null = null;
  let code: ExitCode = EXIT.ok;
  const cli: Cli = {
    io,
    flags,
    logger,
    style,
    print: createPrinter({ io, json, style, columns: columnsOf(io) }),
    context: () => {
      context ??= resolveContext(flags, io);
      return context;
    },
    open: () => {
      opened ??= cli.context().then(async ({ home, namespace }) => {
        const { openEmbedded } = await import("../embedded.ts");
        store = openEmbedded({ home: home.value, namespace: namespace.value, logger });
        return store;
      });
      return opened;
    },
    reopen: () => {
      store?.close();
      opened = null;
      return cli.open();
    },
    look: async () => {
      const { home } = await cli.context();
      return existsSync(join(home.value, DATABASE_FILE)) ? cli.open() : null;
    },
    existing: async () => {
      const found = await cli.look();
      if (found !== null) return found;
      const { home } = await cli.context();
      throw new CliError(EXIT.notFound, `no work items yet: ${home.value} holds no ${DATABASE_FILE}`, {
        hint: "is this the right folder? Otherwise name the home with --home or ROOKERY_HOME",
      });
    },
    endWith: (ended) => {
      if (code === EXIT.ok) code = ended;
    },
    exitCode: () => code,
    close: () => store?.close(),
  };
  return cli;
}
