/** One emulator for all AWS suites, started by itself; or the one that ROOKERY_TEST_ENDPOINT names. */
import type { TestProject } from "vitest/node";
import { findPython, installEmulator, startEmulator } from "../../localstack/emulator.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Null where the suites cannot run. */
    readonly awsEndpoint: string | null;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env["ROOKERY_TEST_ENDPOINT"] ?? "";
  if (given !== "") return void project.provide("awsEndpoint", given);
  const python = await findPython();
  if (python === null) {
    const what = "no Python 3.10 or newer with venv: the AWS suites need it for their emulator";
    if (process.env["CI"] !== undefined) throw new Error(what);
    console.warn(`\n  NOT RUN: test/aws/**. ${what}.\n`);
    return void project.provide("awsEndpoint", null);
  }
  const emulator = await startEmulator(await installEmulator(python, console.warn));
  project.provide("awsEndpoint", emulator.endpoint);
  return () => emulator.stop();
}
