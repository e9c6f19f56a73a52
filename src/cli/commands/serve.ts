/** `rookery serve`: the HTTP door on this machine, to its own store or to a stack's, beside any workers. */
import type { Command } from "commander";
import { createSystemClock } from "../../adapters/node/clock.ts";
import { createHttpApp } from "../../http/app.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Cli } from "../cli.ts";
import { CliError, EXIT } from "../exit.ts";
import { originOption, portOption } from "../option-values.ts";
import { createCrewLogger } from "../processes/crew-log.ts";
import { placeFields, type Store } from "../store.ts";
import { destroyAnswer, isLoopback, listen } from "../web-server.ts";

interface ServeFlags {
  readonly port: number;
  readonly host: string;
  readonly token?: string;
  readonly openCallbacks?: boolean;
  readonly cors?: readonly string[];
}

const DEFAULT_PORT = 4747;
const TOKEN_CHARS = 16;

const HELP = `
The routes: docs/http.md, or GET /. It hands work to workers and does none
itself: run rookery worker beside it. Engines are loaded once, at the start.
On a loopback address web pages of other sites are kept out; --token keeps out
other users of the machine, too. Any other --host needs a token.`;

export function configureServe(command: Command, cli: () => Cli): void {
  command
    .option("--port <number>", "0 for a free one", portOption, DEFAULT_PORT)
    .option("--host <address>", "where it listens", "127.0.0.1")
    .option("--token <secret>", "asked for as a bearer token; better in ROOKERY_TOKEN, which ps does not show")
    .option("--open-callbacks", "callbacks go without the token: for webhooks")
    .option("--cors <origin>", "web pages of this origin may use it; repeatable", originOption)
    .addHelpText("after", HELP)
    .action((flags: ServeFlags) => serve(cli(), flags));
}

async function serve(cli: Cli, flags: ServeFlags): Promise<void> {
  const { port, host } = flags;
  const token = tokenOf(cli, flags);
  const logger = createCrewLogger(cli);
  const stop = cli.io.interruption();
  const fetch = await createDoor(cli, logger, { flags, token, stop });
  const server = await listen({ port, host, fetch });
  const [{ where }, { namespace }] = [await cli.context(), await cli.open()];
  logger.info("listening; Ctrl-C stops", { url: server.url, ...placeFields(where), namespace });
  if (!isLoopback(host)) logger.warn("others can reach it: the token is all that protects it, and goes over the wire as it is");
  await new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));
  await server.close();
  logger.info("stopped");
}

/** Null for none. @throws CliError */
function tokenOf({ io }: Cli, { token: flag, host }: ServeFlags): string | null {
  const variable = io.env["ROOKERY_TOKEN"] ?? "";
  const token = flag ?? (variable === "" ? null : variable);
  if (token === null && !isLoopback(host)) {
    throw new CliError(EXIT.usage, `--host ${host}: expected a token beside it, since others can reach it`, {
      hint: 'ROOKERY_TOKEN=$(openssl rand -hex 32) rookery serve --host … and "authorization: Bearer $ROOKERY_TOKEN" in requests',
    });
  }
  if (token !== null && !(token.length >= TOKEN_CHARS && /^[\x21-\x7e]+$/.test(token)))
    throw new CliError(EXIT.usage, `token: expected at least ${TOKEN_CHARS} letters, digits and signs, without spaces`);
  return token;
}

type Fetch = Parameters<typeof listen>[0]["fetch"];

/** A home is opened anew when its database has been deleted or replaced: what is written to the old one is lost. */
async function createDoor(
  cli: Cli,
  logger: Logger,
  { flags, token, stop }: { flags: ServeFlags; token: string | null; stop: AbortSignal },
): Promise<Fetch> {
  const contracts = (await (await cli.context()).engines()).map(({ engine }) => engine);
  const appOf = (client: Store) =>
    createHttpApp({
      client,
      clock: createSystemClock(),
      logger,
      contracts,
      stop,
      openCallbacks: flags.openCallbacks === true,
      cors: flags.cors ?? [],
      from: isLoopback(flags.host) ? "localhost" : "anyone",
      breakOff: destroyAnswer,
      ...(token === null ? {} : { token }),
    });
  let opened = await cli.opened();
  let app = appOf(opened.store);
  let opening: Promise<void> | null = null;
  const openAnew = async (database: string): Promise<void> => {
    logger.error("the database was deleted or replaced: it is opened anew", { database });
    opened = await cli.reopen();
    app = appOf(opened.store);
  };
  return async (request, env) => {
    if (opened.kind === "home" && !opened.store.isInPlace()) {
      opening ??= openAnew(opened.store.databasePath).finally(() => {
        opening = null;
      });
      await opening;
    }
    return app.fetch(request, env);
  };
}
