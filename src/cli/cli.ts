/** What a command is given: where it works, the store, and how to say things. Everything heavy is loaded when wanted. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "../ports/logger.ts";
import { type Context, type GlobalFlags, resolveContext } from "./context.ts";
import { CliError, EXIT, type ExitCode } from "./exit.ts";
import { columnsOf, type Io } from "./io.ts";
import { createCliLogger } from "./output/logger.ts";
import { createPrinter, type Printer } from "./output/printer.ts";
import { colorWanted, createStyle, type Style } from "./output/style.ts";
import { type Opened, openStore, type Store } from "./store.ts";

export interface Cli {
  readonly io: Io;
  readonly flags: GlobalFlags;
  readonly logger: Logger;
  readonly print: Printer;
  /** For stdout; `print.style` too. */
  readonly style: Style;
  context(): Promise<Context>;
  /** The store, made when it is missing; a stack is there or it is an error. */
  open(): Promise<Store>;
  /** As `open`, for a command that must tell one kind from the other. */
  opened(): Promise<Opened>;
  /** The store anew, for a command that outlives the file that it had opened. */
  reopen(): Promise<Opened>;
  /** The store, for looking: null when there is none yet, and none is made. */
  look(): Promise<Store | null>;
  /** As `look`, for commands that name an item. @throws CliError when there is no store. */
  existing(): Promise<Store>;
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
  let opening: Promise<Opened> | null = null;
  let store: Store | null = null;
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
    open: async () => (await cli.opened()).store,
    opened: () => {
      opening ??= cli.context().then(async ({ where }) => {
        const opened = await openStore(where, { logger });
        store = opened.store;
        return opened;
      });
      return opening;
    },
    reopen: () => {
      store?.close();
      opening = null;
      return cli.opened();
    },
    look: async () => (missingDatabase(await cli.context()) === null ? cli.open() : null),
    existing: async () => {
      const missing = missingDatabase(await cli.context());
      if (missing === null) return cli.open();
      throw new CliError(EXIT.notFound, `no work items yet: ${missing} holds no ${DATABASE_FILE}`, {
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

/** The home that nothing was enqueued in yet. */
function missingDatabase({ where }: Context): string | null {
  if (where.kind === "stack") return null;
  return existsSync(join(where.home.value, DATABASE_FILE)) ? null : where.home.value;
}
