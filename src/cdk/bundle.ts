/** How every function is built: one ESM bundle with the SDK inside, made by esbuild on the spot, a role and a log of its own. */
import { createRequire } from "node:module";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import * as iam from "aws-cdk-lib/aws-iam";
import { Architecture, type FunctionOptions, Runtime } from "aws-cdk-lib/aws-lambda";
import { NodejsFunction, OutputFormat } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { type Bucket, CfnBucket } from "aws-cdk-lib/aws-s3";
import { type Duration, type RemovalPolicy, Stack, Validations } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import { InvalidArgumentError, invariant } from "../domain/errors.ts";
import { METRICS_NAMESPACE } from "../wire/environment.ts";
import { type Permission, statementOf } from "./access.ts";

export interface FunctionSpec extends Pick<FunctionOptions, "recursiveLoop" | "retryAttempts" | "maxEventAge"> {
  readonly entry: string;
  readonly description: string;
  readonly memoryMb: number;
  readonly timeout: Duration;
  readonly reservedConcurrency?: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly permissions: readonly Permission[];
  /** The one that its permissions are about. */
  readonly bucket: Bucket;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
}

/** What Powertools reads in the functions. */
export const POWERTOOLS = { source: "POWERTOOLS_SERVICE_NAME", metrics: "POWERTOOLS_METRICS_NAMESPACE" } as const;
/** Packages of the old module format call `require` for what Node has built in; a bundle of the new one has none. */
const BANNER = 'import { createRequire as rookeryRequire } from "node:module";const require = rookeryRequire(import.meta.url);';

export function createFunction(scope: Construct, id: string, spec: FunctionSpec): NodejsFunction {
  requireEsbuild();
  const { entry, memoryMb, reservedConcurrency, permissions, bucket, logRetention, removalPolicy, environment, ...options } =
    spec;
  const logGroup = new LogGroup(scope, `${id}Logs`, { retention: logRetention, removalPolicy });
  const role = new iam.Role(scope, `${id}Role`, { assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com") });
  const logs = { name: "Logs", actions: ["logs:CreateLogStream", "logs:PutLogEvents"], resources: [logGroup.logGroupArn] };
  for (const permission of [logs, ...permissions]) role.addToPolicy(statementOf(permission));
  acknowledgeBlobs(role, bucket);
  return new NodejsFunction(scope, id, {
    ...options,
    entry,
    role,
    logGroup,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: memoryMb,
    ...(reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: reservedConcurrency }),
    environment: {
      NODE_OPTIONS: "--enable-source-maps",
      [POWERTOOLS.source]: Stack.of(scope).stackName,
      [POWERTOOLS.metrics]: METRICS_NAMESPACE,
      ...environment,
    },
    bundling: {
      format: OutputFormat.ESM,
      banner: BANNER,
      // Tree-shaking works on the new module format only.
      mainFields: ["module", "main"],
      externalModules: [],
      // A third less to load at a cold start. Names stay: errors are told by theirs. Lines stay short: Node prints the one
      // that threw.
      esbuildArgs: { "--minify-whitespace": true, "--minify-syntax": true, "--line-limit": "200" },
      sourceMap: true,
      sourcesContent: false,
    },
  });
}

/** Without it the CDK would go looking for Docker. */
function requireEsbuild(): void {
  try {
    createRequire(import.meta.url).resolve("esbuild/package.json");
  } catch {
    throw new InvalidArgumentError("rookery/cdk", "the package esbuild beside it (npm install --save-dev esbuild)", "none");
  }
}

/** Names of objects begin with ids of work items, so a role that may reach one of them may reach all. */
function acknowledgeBlobs(role: iam.Role, bucket: Bucket): void {
  const resource = bucket.node.defaultChild;
  invariant(resource instanceof CfnBucket, "a bucket has a resource of its own");
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM5[Resource::<${Stack.of(bucket).getLogicalId(resource)}.Arn>/*]`,
    reason: "Objects are named by work items, which are made long after this role: the wildcard stays within the one bucket.",
  });
}

/** A policy of its own: in the role's it would make function and role wait for each other. */
export function allowSelfInvocation(scope: Construct, id: string, self: NodejsFunction): void {
  const { functionArn, role } = self;
  if (role === undefined) throw new InvalidArgumentError("function that invokes itself", "a role", role);
  const invoke = { name: "Shards", actions: ["lambda:InvokeFunction"], resources: [functionArn] };
  new iam.Policy(scope, id, { statements: [statementOf(invoke)], roles: [role] });
}

const OWN = {
  sweeper: new URL("../handlers/sweeper.ts", import.meta.url),
  http: new URL("../handlers/http.ts", import.meta.url),
  callbacks: new URL("../handlers/callbacks.ts", import.meta.url),
};
/** The package's own: `.ts` where its source runs, `.js` where it is installed. */
export function handlerEntry(name: keyof typeof OWN): string {
  return fileURLToPath(OWN[name]).replace(/\.ts$/, extname(import.meta.url));
}
