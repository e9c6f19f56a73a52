/** `npm run localstack`: AWS on this machine, with Rookery deployed on it. What to export goes to stdout, the rest to stderr. */
import { createReadStream, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { stacksOf, synthesize } from "./assembly.ts";
import { type Background, createBackground } from "./background.ts";
import { deploy } from "./deploy.ts";
import { answers, CREDENTIALS, REGION, tailOf } from "./emulator.ts";
import { EMULATOR_HOME, findPython, installEmulator, PYTHON_WANTED } from "./install.ts";

const USAGE = `usage: npm run localstack [-- <command> [options]]

  start    starts the emulator unless it runs, deploys, and prints what to export: the default
  status   says whether the emulator runs
  logs     prints what it and its Lambdas have printed
  stop     ends it, with its data

options of start
  --port N       of the emulator; default: a free one
  --stack NAME   of the deployment; default: ROOKERY_STACK, or Rookery
  --app FILE     the CDK app to deploy; default: infra/app.ts

With AWS_ENDPOINT_URL set, start deploys there (on a real LocalStack, say) and starts no emulator.
`;
const OK = 0;
const FAILED = 1;
const USED_WRONGLY = 2;
const NOT_FOUND = 3;

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

interface Start {
  readonly port: number | undefined;
  readonly stack: string;
  readonly app: string;
}

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
    case "start":
      return startAndDeploy(background, start);
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
    const start = {
      port: port === undefined ? undefined : Number(port),
      stack: stack ?? process.env["ROOKERY_STACK"] ?? "Rookery",
      app: app ?? fileURLToPath(new URL("../infra/app.ts", import.meta.url)),
    };
    return { command, start, help };
  } catch (error) {
    return messageOf(error);
  }
}
const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;

async function startAndDeploy(background: Background, { port, stack, app }: Start): Promise<number> {
  const endpoint = await endpointFor(background, port);
  if (endpoint === null) return FAILED;
  const owned = background.find()?.endpoint === endpoint;
  const folder = mkdtempSync(join(tmpdir(), "rookery-assembly-"));
  try {
    const beganMs = Date.now();
    say("building and deploying (half a minute the first time)");
    await synthesize({ app, folder, context: { stack }, env: { ROOKERY_STACK: stack } });
    await deploy(endpoint, folder).catch((error: unknown) => {
      if (owned && background.find() === null)
        say(`the emulator ended by itself; it printed last:\n${tailOf(background.logFile)}`);
      throw error;
    });
    say(`deployed in ${Math.round((Date.now() - beganMs) / 1000)} s`);
    const stacks = [...stacksOf(folder).keys()];
    tell(endpoint, stacks.includes(stack) ? stack : (stacks[0] ?? stack));
    return OK;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Null when it cannot be had, which is said. */
async function endpointFor(background: Background, port: number | undefined): Promise<string | null> {
  const given = process.env["AWS_ENDPOINT_URL"] ?? "";
  if (given !== "" && given !== background.find()?.endpoint) {
    if (await fetch(given).catch(() => null)) return given;
    say(`nothing answers at AWS_ENDPOINT_URL (${given}): unset it to have an emulator started`);
    return null;
  }
  const python = await findPython();
  if (python === null) {
    say(`the emulator needs ${PYTHON_WANTED}; or set AWS_ENDPOINT_URL to a LocalStack (localstack/README.md)`);
    return null;
  }
  const running = await background.start(await installEmulator(python, say), { port });
  say(`the emulator runs at ${running.endpoint} (pid ${running.pid})`);
  if (port !== undefined && running.port !== port) say(`it had been started on port ${running.port}, so not on ${port}`);
  return running.endpoint;
}

function tell(endpoint: string, stack: string): void {
  const variables = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    ROOKERY_STACK: stack,
  };
  say('\nexport these (or: eval "$(npm run -s localstack)")\n');
  process.stdout.write(
    `${Object.entries(variables)
      .map(([name, value]) => `export ${name}=${value}\n`)
      .join("")}`,
  );
  say('\nand then, for example\n\nnpm run -s rookery -- enqueue counter \'{"upTo": 5, "delayMs": 1000}\'');
  say("\nnpm run localstack deploys what you change; npm run localstack -- stop ends it.");
}

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
