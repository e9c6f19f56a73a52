/** One emulator for all AWS suites, started by itself; or the one that ROOKERY_TEST_ENDPOINT names. */
import type { TestProject } from "vitest/node";
import { startEmulator } from "../../localstack/emulator.ts";
import { findPython, installEmulator, PYTHON_WANTED } from "../../localstack/install.ts";

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
    const what = `the AWS suites need ${PYTHON_WANTED} for their emulator`;
    if (process.env["CI"] !== undefined) throw new Error(what);
    console.warn(`\n  NOT RUN: test/aws/**. ${what}.\n`);
    return void project.provide("awsEndpoint", null);
  }
  const emulator = await startEmulator(await installEmulator(python, console.warn), { onCrash: console.error });
  project.provide("awsEndpoint", emulator.endpoint);
  return () => emulator.stop();
}
