/** Deploys CDK apps on an emulator with cdklocal. Touches no network but the emulator's endpoint. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { DescribeTimeToLiveCommand, DynamoDBClient, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import {
  DeleteParameterCommand,
  GetParameterCommand,
  ParameterAlreadyExists,
  PutParameterCommand,
  SSMClient,
} from "@aws-sdk/client-ssm";
import { z } from "zod";
import { ACCOUNT, COMPILED, expiringTables, needsBootstrap, printedBy } from "./assembly.ts";
import { createCloudFormation } from "./cloudformation.ts";
import { CREDENTIALS, PATH, REGION } from "./emulator.ts";

/** By stack, then by the name of the output. */
export type Outputs = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Deploys all stacks of an assembly, new or anew.
 * @param assembly the folder that `synthesize` or `cdk synth` wrote
 * @throws Error with what cdklocal printed
 */
export async function deploy(endpoint: string, assembly: string): Promise<Outputs> {
  if (needsBootstrap(assembly)) await bootstrap(endpoint);
  const outputs = await inEmptyFolder(async (folder) => {
    const file = join(folder, "outputs.json");
    const options = ["--all", "--require-approval", "never", "--outputs-file", file];
    await cdklocal(endpoint, folder, ["deploy", "--app", resolve(assembly), ...options]);
    return Outputs.parse(JSON.parse(readFileSync(file, "utf8")));
  });
  await keepExpiry(endpoint, assembly);
  return outputs;
}
const Outputs = z.record(z.string(), z.record(z.string(), z.string()));

const place = (endpoint: string) => ({ endpoint, region: REGION, credentials: CREDENTIALS });
const BOOTSTRAPPED = "/rookery-local/bootstrapped";
const BOOTSTRAPPING = "/rookery-local/bootstrapping";
const BOOTSTRAP_MS = 120_000;

/** Once per emulator. Of several that begin at once, one does it and the others wait. */
async function bootstrap(endpoint: string): Promise<void> {
  const ssm = new SSMClient(place(endpoint));
  const untilMs = Date.now() + BOOTSTRAP_MS;
  while (!(await exists(ssm, BOOTSTRAPPED))) {
    if (await create(ssm, BOOTSTRAPPING)) return bootstrapNow(endpoint, ssm);
    if (Date.now() > untilMs) {
      throw new Error(`${endpoint} was not bootstrapped within ${BOOTSTRAP_MS / 1000} s by who had begun: start it anew`);
    }
    await new Promise((done) => setTimeout(done, 200));
  }
}

async function bootstrapNow(endpoint: string, ssm: SSMClient): Promise<void> {
  try {
    // Inside an app it would write the app's assembly anew, and unbundled: from an empty folder.
    await inEmptyFolder((folder) => cdklocal(endpoint, folder, ["bootstrap", `aws://${ACCOUNT}/${REGION}`]));
    await create(ssm, BOOTSTRAPPED);
  } finally {
    await ssm.send(new DeleteParameterCommand({ Name: BOOTSTRAPPING }));
  }
}

async function exists(ssm: SSMClient, name: string): Promise<boolean> {
  return ssm.send(new GetParameterCommand({ Name: name })).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && error.name === "ParameterNotFound") return false;
      throw error;
    },
  );
}
async function create(ssm: SSMClient, name: string): Promise<boolean> {
  return ssm.send(new PutParameterCommand({ Name: name, Value: "yes", Type: "String" })).then(
    () => true,
    (error: unknown) => {
      if (error instanceof ParameterAlreadyExists) return false;
      throw error;
    },
  );
}

/** An emulator's CloudFormation drops what expires when it makes a table. */
async function keepExpiry(endpoint: string, assembly: string): Promise<void> {
  const tables = new DynamoDBClient(place(endpoint));
  const formation = createCloudFormation(endpoint);
  for (const { stack, logicalId, attribute } of expiringTables(assembly)) {
    const TableName = await formation.physicalName(stack, logicalId);
    const { TimeToLiveDescription } = await tables.send(new DescribeTimeToLiveCommand({ TableName }));
    if (TimeToLiveDescription?.TimeToLiveStatus === "ENABLED") continue;
    const TimeToLiveSpecification = { AttributeName: attribute, Enabled: true };
    await tables.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
  }
}

async function inEmptyFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "rookery-cdk-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const QUIET = ["--ci", "--no-notices", "--no-color", "--no-version-reporting"];

async function cdklocal(endpoint: string, folder: string, args: readonly string[]): Promise<void> {
  const env = {
    ...process.env,
    PATH,
    NODE_COMPILE_CACHE: COMPILED,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint,
    CDK_DISABLE_CLI_TELEMETRY: "true",
    // What it remembers of accounts is of no use to anybody else.
    CDK_HOME: folder,
    NO_PROXY: "127.0.0.1,localhost",
  };
  await promisify(execFile)("cdklocal", [...args, ...QUIET], { cwd: folder, env, maxBuffer: 1e8 }).catch((error: unknown) => {
    throw new Error(`cdklocal ${args[0]} failed at ${endpoint}\n${printedBy(error)}`);
  });
}
