/** Deploys CDK apps on the emulator of the suites, each as a stack of its own. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Synthesis, stacksOf, synthesize } from "../../localstack/assembly.ts";
import { createCloudFormation } from "../../localstack/cloudformation.ts";
import { deploy } from "../../localstack/deploy.ts";
import { endpoint } from "./clients.ts";

/** What the app is told on top of its `cdk.json`; the name of its stack is told as ROOKERY_STACK and as context `stack`. */
export type Told = Pick<Synthesis, "context" | "env">;

export interface Deployed {
  readonly stack: string;
  /** @throws Error that names those there are */
  output(name: string): string;
  /** The same stack from an app that is told something else. Functions that change are ended in the middle of what they do. */
  redeploy(told?: Told): Promise<void>;
  /** To be called when all is seen: its schedules and functions would go on beside the other suites. */
  destroy(): Promise<void>;
}

/** @param app the file of the CDK app, which makes one stack */
export async function deployApp(app: string, told: Told = {}): Promise<Deployed> {
  const stack = `Test-${randomBytes(4).toString("hex")}`;
  let outputs = await deployAs(stack, app, told);
  return {
    stack,
    output(name) {
      const value = outputs[name];
      if (value === undefined) throw new Error(`expected an output of ${stack}, got ${name}; it has ${Object.keys(outputs)}`);
      return value;
    },
    async redeploy(again = told) {
      outputs = await deployAs(stack, app, again);
    },
    destroy: () => createCloudFormation(endpointNow()).deleteStack(stack),
  };
}

async function deployAs(stack: string, app: string, { context, env }: Told): Promise<Readonly<Record<string, string>>> {
  const folder = mkdtempSync(join(tmpdir(), "rookery-assembly-"));
  try {
    await synthesize({ app, folder, context: { ...context, stack }, env: { ...env, ROOKERY_STACK: stack } });
    const made = [...stacksOf(folder).keys()];
    if (made.length !== 1 || made[0] !== stack) throw new Error(`expected ${app} to make the stack ${stack}, got ${made}`);
    return (await deploy(endpointNow(), folder))[stack] ?? {};
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function endpointNow(): string {
  if (endpoint === null) throw new Error("there is no emulator: skip the suite when `endpoint` is null");
  return endpoint;
}
