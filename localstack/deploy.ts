/** Deploys CDK apps on an emulator with cdklocal. Touches no network but the emulator's endpoint. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { DescribeTimeToLiveCommand, DynamoDBClient, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { DeleteParameterCommand, GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { z } from "zod";
import { ACCOUNT, COMPILED, expiringTables, needsBootstrap, printedBy } from "./assembly.ts";
import { createCloudFormation } from "./cloudformation.ts";
import { CREDENTIALS, PATH, REGION } from "./emulator.ts";
import { isRunning } from "./install.ts";

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

/** Once per emulator. Of several that begin at once, one does it and the others wait; when it is killed, another one does. */
async function bootstrap(endpoint: string): Promise<void> {
  const ssm = new SSMClient(place(endpoint));
  const untilMs = Date.now() + BOOTSTRAP_MS;
  while ((await read(ssm, BOOTSTRAPPED)) === null) {
    if (await create(ssm, BOOTSTRAPPING, String(process.pid))) return bootstrapNow(endpoint, ssm);
    const pid = Number(await read(ssm, BOOTSTRAPPING));
    if (pid > 0 && !isRunning(pid)) await remove(ssm, BOOTSTRAPPING);
    if (Date.now() > untilMs) throw new Error(`process ${pid} has not bootstrapped ${endpoint} in ${BOOTSTRAP_MS / 1000} s`);
    await new Promise((done) => setTimeout(done, 200));
  }
}

async function bootstrapNow(endpoint: string, ssm: SSMClient): Promise<void> {
  try {
    // Inside an app it would write the app's assembly anew, and unbundled: from an empty folder.
    await inEmptyFolder((folder) => cdklocal(endpoint, folder, ["bootstrap", `aws://${ACCOUNT}/${REGION}`]));
    await create(ssm, BOOTSTRAPPED, "yes");
  } finally {
    await remove(ssm, BOOTSTRAPPING);
  }
}

async function read(ssm: SSMClient, name: string): Promise<string | null> {
  return unless("ParameterNotFound", null, async () => {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name }));
    return Parameter?.Value ?? null;
  });
}
/** False when it is there already. */
async function create(ssm: SSMClient, name: string, value: string): Promise<boolean> {
  return unless("ParameterAlreadyExists", false, async () => {
    await ssm.send(new PutParameterCommand({ Name: name, Value: value, Type: "String" }));
    return true;
  });
}
async function remove(ssm: SSMClient, name: string): Promise<void> {
  return unless("ParameterNotFound", undefined, async () => {
    await ssm.send(new DeleteParameterCommand({ Name: name }));
  });
}
async function unless<T>(errorName: string, otherwise: T, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Error && error.name === errorName) return otherwise;
    throw error;
  }
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
