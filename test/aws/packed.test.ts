/** The package as a stranger deploys it: the tarball alone, in an empty CDK app with an engine of its own. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCloudFormation } from "../../localstack/cloudformation.ts";
import { deploy } from "../../localstack/deploy.ts";
import { CREDENTIALS, REGION } from "../../localstack/emulator.ts";
import { linkPackages, NODE_TYPES, pack, ROOT, succeed, typeCheck } from "../support/packed.ts";
import { endpoint } from "./clients.ts";
import { endpointNow } from "./deployed.ts";

const STACK = "Stranger";
const ENGINE = `
import { defineContract, defineEngine } from "rookery";
import { z } from "zod";
export const Tally = defineContract({
  id: "tally",
  payload: z.object({ upTo: z.number().int().positive() }),
  result: z.object({ sum: z.number() }),
});
export const tally = defineEngine(Tally, {
  version: 1,
  state: z.object({ next: z.number(), sum: z.number() }),
  init: { next: 1, sum: 0 },
  async step(state, ctx) {
    if (state.next > ctx.payload.upTo) return ctx.complete({ sum: state.sum });
    return ctx.next({ next: state.next + 1, sum: state.sum + state.next });
  },
});
`;
const WORKER = `
import { createWorkerHandler } from "rookery/lambda";
import { tally } from "./engine.ts";
export const handler = createWorkerHandler({ engines: [tally] });
`;
const APP = `
import { join } from "node:path";
import { App, RemovalPolicy, Stack } from "aws-cdk-lib/core";
import { Rookery } from "rookery/cdk";
const stack = new Stack(new App(), "${STACK}");
new Rookery(stack, "Rookery", {
  workerEntry: join(import.meta.dirname, "worker.ts"),
  removalPolicy: RemovalPolicy.DESTROY,
  autoDeleteObjects: false,
});
`;
const CALLER = `
import { createAwsClient } from "rookery/aws";
import { Tally } from "./engine.ts";
const client = await createAwsClient({ stack: "${STACK}" });
const { workId } = await client.enqueue(Tally, { upTo: 4 });
const end = await client.result(Tally, workId, { timeoutMs: 90_000 });
if (end.status === "completed") console.log(\`the sum is \${end.result.sum}\`);
client.close();
`;
const FILES = { "engine.ts": ENGINE, "worker.ts": WORKER, "app.ts": APP, "caller.ts": CALLER };

describe.skipIf(endpoint === null)("the packed package in an empty CDK app", () => {
  const scratch = mkdtempSync(join(tmpdir(), "rookery-stranger-"));
  const project = join(scratch, "project");
  const installed = join(project, "node_modules/rookery");

  beforeAll(() => {
    mkdirSync(installed, { recursive: true });
    succeed("tar", ["-xzf", pack(scratch), "-C", installed, "--strip-components=1"], scratch);
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    linkPackages(project, [...Object.keys(dependencies), ...Object.keys(peerDependencies), ".bin/esbuild"]);
    for (const [name, text] of Object.entries(FILES)) writeFileSync(join(project, name), text);
    const json = {
      "package.json": { private: true, type: "module" },
      "package-lock.json": {},
      "cdk.json": { app: "node app.ts" },
    };
    for (const [name, value] of Object.entries(json)) writeFileSync(join(project, name), JSON.stringify(value));
  });
  afterAll(async () => {
    rmSync(scratch, { recursive: true, force: true });
    await createCloudFormation(endpointNow()).deleteStack(STACK);
  });

  test("type-checks, the declarations of the CDK and of the SDK included", () => {
    // With exact optional properties the CDK does not agree with itself.
    const options = { ...NODE_TYPES, exactOptionalPropertyTypes: false };
    const { status, all } = typeCheck(project, ["app.ts", "worker.ts", "caller.ts"], options);
    expect(status, all).toBe(0);
  });

  test("is synthesized, deployed and called, and its own worker does the work", async () => {
    succeed(join(ROOT, "node_modules/.bin/cdk"), ["synth", "--quiet"], project);
    await deploy(endpointNow(), join(project, "cdk.out"));
    const place = {
      AWS_ENDPOINT_URL: endpointNow(),
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    };
    expect(succeed(process.execPath, ["caller.ts"], project, { ...process.env, ...place })).toBe("the sum is 10\n");
  });
});
