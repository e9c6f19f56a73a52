/** `npm run localstack`: AWS on this machine, with Rookery deployed on it. What to export goes to stdout, the rest to stderr. */
import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Background, createBackground } from "./background.ts";
import { answers } from "./emulator.ts";
import { EMULATOR_HOME } from "./install.ts";
import type { Start } from "./start.ts";

const USAGE = `usage: npm run localstack [-- <command> [options]]

  start    starts the emulator unless it runs, deploys, and prints what to export: the default
  status   says whether the emulator runs
  logs     prints what it and its Lambdas have printed
  stop     ends it, with its data

options of start
  --port N       of the emulator; default: a free one
  --stack NAME   of the deployment; default: ROOKERY_STACK, or rookery
  --app FILE     the CDK app to deploy; default: infra/app.ts

With AWS_ENDPOINT_URL set, start deploys there (on a real LocalStack, say) and starts no emulator.
`;
const OK = 0;
const FAILED = 1;
const USED_WRONGLY = 2;
const NOT_FOUND = 3;

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function main(args: readonly string[]): Promise<number> {
  const request = parse(args);
  if (typeof request === "string") {
    say(`${request}\n\n${USAGE}`);
    return USED_WRONGLY;
  }
  const { command, start, help } = request;
  if (help) {
    process.stdout.write(USAGE);
    return OK;
  }
  const background = createBackground(process.env["ROOKERY_LOCAL_HOME"] ?? join(EMULATOR_HOME, "run"));
  switch (command) {
    case "start": {
      // Only here, for what it loads.
      const { startAndDeploy } = await import("./start.ts");
      return (await startAndDeploy(background, start)) ? OK : FAILED;
    }
    case "status":
      return status(background);
    case "logs":
      return logs(background);
    case "stop":
      say((await background.stop()) ? "the emulator is stopped, and its data is gone" : notRunning(background));
      return OK;
  }
}

const COMMANDS = ["start", "status", "logs", "stop"] as const;
type Command = (typeof COMMANDS)[number];

/** A text says what is wrong. */
function parse(args: readonly string[]): string | { command: Command; start: Start; help: boolean } {
  try {
    const options = {
      port: { type: "string" },
      stack: { type: "string" },
      app: { type: "string" },
      help: { type: "boolean", short: "h" },
    } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const [given = "start", ...more] = positionals;
    const command = COMMANDS.find((one) => one === given);
    if (command === undefined) return `expected one of ${COMMANDS.join(", ")}, got ${given}`;
    if (more.length > 0) return `expected one command, got ${positionals.join(" ")}`;
    const { help = false, port, stack, app } = values;
    const option = Object.keys(values).find((name) => name !== "help");
    if (command !== "start" && option !== undefined) return `--${option} is an option of start alone`;
    if (port !== undefined && !isPort(port)) return `expected a port from 1 to 65535, got ${port}`;
    const { ROOKERY_STACK = "" } = process.env;
    const name = stack ?? (ROOKERY_STACK === "" ? "rookery" : ROOKERY_STACK);
    if (!/^[A-Za-z][A-Za-z0-9-]{0,127}$/.test(name)) return `expected a stack's name of letters, digits and -, got ${name}`;
    if (app !== undefined && !existsSync(app)) return `expected the file of a CDK app, got ${app}, which is not there`;
    const start = {
      port: port === undefined ? undefined : Number(port),
      stack: name,
      app: app ?? fileURLToPath(new URL("../infra/app.ts", import.meta.url)),
    };
    return { command, start, help };
  } catch (error) {
    return messageOf(error);
  }
}
const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;

async function status(background: Background): Promise<number> {
  const running = background.find();
  if (running === null) {
    say(notRunning(background));
    return NOT_FOUND;
  }
  const state = (await answers(running.endpoint)) ? "runs" : "does not answer";
  process.stdout.write(`the emulator ${state} at ${running.endpoint} (pid ${running.pid}); its log is ${background.logFile}\n`);
  return OK;
}

/** Of the last one, too: it may have ended by itself. */
async function logs(background: Background): Promise<number> {
  if (!existsSync(background.logFile)) {
    say(notRunning(background));
    return NOT_FOUND;
  }
  await pipeline(createReadStream(background.logFile), process.stdout, { end: false });
  return OK;
}

function notRunning({ logFile }: Background): string {
  return `the emulator does not run${existsSync(logFile) ? `; the log of the last one is ${logFile}` : ""}`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  say(messageOf(error));
  process.exitCode = FAILED;
}
