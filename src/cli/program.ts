/** The command line: global flags, commands loaded when they are wanted, and one end for every failure. */
import { readFileSync } from "node:fs";
import { delimiter } from "node:path";
import { Command, CommanderError } from "commander";
import { type Cli, createCli } from "./cli.ts";
import { COMMANDS, HIDDEN } from "./commands.ts";
import type { GlobalFlags } from "./context.ts";
import { CliError, EXIT, type ExitCode } from "./exit.ts";
import { columnsOf, type Io } from "./io.ts";
import { explain, failureText } from "./output/failure.ts";
import { colorWanted, createStyle } from "./output/style.ts";
import { nearest } from "./suggest.ts";

const AFTER_HELP = `
Settings: flag > environment (ROOKERY_HOME, ROOKERY_STACK, ROOKERY_NAMESPACE,
ROOKERY_ENGINES: modules joined by "${delimiter}") > rookery.config.ts in the nearest
folder upwards > default. Region and credentials of a stack are found as the AWS
SDK finds them; AWS_ENDPOINT_URL names an emulator.
Results go to stdout, logs and hints to stderr.
Exit codes: 0 ok, 1 failed, 2 wrong usage or input, 3 not found, 4 refused.
An item is named by its id, or as <engine>/<key>.

First steps:
  rookery run counter '{"upTo": 5}'
  ID=$(rookery enqueue counter '{"upTo": 5}')   # just the id
  rookery worker                                # in another terminal
  rookery status "$ID"`;

/** Commander's own outcomes that are no failure. */
const FINE = ["commander.helpDisplayed", "commander.version"];

/** @param argv without node and script */
export async function runCli(argv: readonly string[], io: Io): Promise<ExitCode> {
  const started: Cli[] = [];
  const program = createProgram(io);
  const cli = (): Cli => {
    const [first] = started;
    if (first !== undefined) return first;
    const made = createCli(program.opts<GlobalFlags>(), io);
    started.push(made);
    return made;
  };
  addCommands(program, cli);
  try {
    await program.parseAsync(helpOf(argv), { from: "user" });
    return started[0]?.exitCode() ?? EXIT.ok;
  } catch (thrown) {
    return fail(withCommands(thrown, program, argv), program.opts<GlobalFlags>(), argv, io);
  } finally {
    started[0]?.close();
  }
}

function createProgram(io: Io): Command {
  return new Command("rookery")
    .description("Long-running agent workers that go on from their last saved step.")
    .usage("[options] <command>")
    .option("--home <folder>", "where the state lies (default: .rookery beside the config)")
    .option("--stack <name>", "a CloudFormation stack in AWS, instead of a home")
    .option("--namespace <name>", 'a world of its own in the same place (default: "default")')
    .option("--engines <module>", "engines instead of the config's; repeatable", collect)
    .option("--config <file>", "the config, instead of the nearest rookery.config.ts")
    .option("--json", "JSON on stdout, logs as lines of JSON")
    .option("-v, --verbose", "more logs, and stacks of errors")
    .option("--no-color", "no colours; so does NO_COLOR")
    .version(readVersion(), "--version", "print the version")
    .helpOption("-h, --help", "help for a command")
    .helpCommand(false)
    .addHelpText("after", AFTER_HELP)
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(100, columnsOf(io)) })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: () => undefined,
    })
    .exitOverride();
}
/** Beside `src` and beside `dist`. */
function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "unknown";
}
function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function addCommands(program: Command, cli: () => Cli): void {
  const loads = new Map([...COMMANDS, ...HIDDEN].map(({ name, load }) => [name, load]));
  for (const { name, summary, group } of COMMANDS) program.command(name).description(summary).helpGroup(group);
  for (const { name, summary } of HIDDEN) program.command(name, { hidden: true }).description(summary);
  program.hook("preSubcommand", async (_program, command) => {
    const configure = await loads.get(command.name())?.();
    configure?.(command, cli);
  });
}

/** Nothing is `--help`, and `help list` is `list --help`. */
function helpOf(argv: readonly string[]): string[] {
  const [first, ...rest] = argv;
  return first === undefined || first === "help" ? [...rest, "--help"] : [...argv];
}

/** Commander only suggests what is nearly as long. */
function withCommands(thrown: unknown, program: Command, argv: readonly string[]): unknown {
  if (!(thrown instanceof CommanderError) || thrown.code !== "commander.unknownCommand") return thrown;
  const { message, hint } = explain(thrown);
  const word = /'(.*)'$/.exec(message)?.[1] ?? "";
  const above = program.commands.find((command) => command.commands.length > 0 && argv.includes(command.name()));
  const known = above?.commands.map((command) => command.name()) ?? COMMANDS.map(({ name }) => name);
  const near = nearest(word, known);
  if (hint !== null || (near === null && above === undefined)) return thrown;
  return new CliError(EXIT.usage, message, {
    hint: near === null ? `expected one of: ${known.join(", ")}` : `did you mean ${near}?`,
  });
}

function fail(thrown: unknown, flags: GlobalFlags, argv: readonly string[], io: Io): ExitCode {
  if (thrown instanceof CommanderError && FINE.includes(thrown.code)) return EXIT.ok;
  // The help itself was the answer, on stderr: a command was missing.
  if (thrown instanceof CommanderError && thrown.code === "commander.help") return EXIT.usage;
  const json = flags.json === true || argv.includes("--json");
  const style = createStyle(!json && colorWanted(flags, io.env, io.stderr));
  const command = COMMANDS.find(({ name }) => argv.includes(name))?.name;
  io.stderr.write(failureText(thrown, { json, verbose: flags.verbose === true, style, command: command ?? null }));
  return explain(thrown).exit;
}
