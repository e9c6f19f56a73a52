/** Brings an emulator up and Rookery on it, and says how to reach it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stacksOf, synthesize } from "./assembly.ts";
import type { Background } from "./background.ts";
import { deploy } from "./deploy.ts";
import { CREDENTIALS, REGION, tailOf } from "./emulator.ts";
import { findPython, installEmulator, PYTHON_WANTED } from "./install.ts";

export interface Start {
  /** Of the emulator; undefined for a free one. */
  readonly port: number | undefined;
  /** Name of the stack. */
  readonly stack: string;
  /** File of the CDK app. */
  readonly app: string;
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** False when there is nowhere to deploy, which it says then. */
export async function startAndDeploy(background: Background, { port, stack, app }: Start): Promise<boolean> {
  const endpoint = await endpointFor(background, port);
  if (endpoint === null) return false;
  const owned = background.find()?.endpoint === endpoint;
  const folder = mkdtempSync(join(tmpdir(), "rookery-assembly-"));
  try {
    const beganMs = Date.now();
    say("building and deploying (about half a minute)");
    await synthesize({ app, folder, context: { stack }, env: { ROOKERY_STACK: stack } });
    await deploy(endpoint, folder).catch((error: unknown) => {
      if (owned && background.find() === null)
        say(`the emulator ended by itself; it printed last:\n${tailOf(background.logFile)}`);
      throw error;
    });
    say(`deployed in ${Math.round((Date.now() - beganMs) / 1000)} s`);
    const stacks = [...stacksOf(folder).keys()];
    tell(endpoint, stacks.includes(stack) ? stack : (stacks[0] ?? stack));
    return true;
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
  // `eval` takes what it prints: there is nothing left to be done then.
  const isSeen = process.stdout.isTTY;
  if (isSeen) say('\nexport these (or put the command into: eval "$(npm run -s localstack)")\n');
  process.stdout.write(
    `${Object.entries(variables)
      .map(([name, value]) => `export ${name}=${value}\n`)
      .join("")}`,
  );
  const now = isSeen ? "and then, for example" : `every rookery command in this shell now means the stack ${stack}; for example`;
  say(`\n${now}\n\nnpm run -s rookery -- enqueue counter '{"upTo": 5, "delayMs": 1000}'`);
  say("\nnpm run localstack deploys what you change; npm run localstack -- stop ends it (then unset AWS_ENDPOINT_URL).");
}
