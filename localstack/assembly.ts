/** The cloud assembly that a CDK app synthesizes: templates, code, and a manifest. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { PATH, REGION } from "./emulator.ts";
import { EMULATOR_HOME } from "./install.ts";

/** The account of an emulator. */
export const ACCOUNT = "000000000000";
/** What `infra/app.ts` does otherwise for an emulator: it leaves out what none knows, and a deleted stack keeps nothing. */
const EMULATED = { emulator: "true", removal: "destroy" };
/** For the programs that are run here: compiled once, they start sooner. */
export const COMPILED = join(EMULATOR_HOME, "compiled");

export interface Synthesis {
  /** The CDK app, a program for Node. */
  readonly app: string;
  /** Where the assembly goes. */
  readonly folder: string;
  /** Added to the context of the nearest `cdk.json`. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a CDK app as the CDK's command line would, without its start-up.
 * @throws Error with what the app printed
 */
export async function synthesize({ app, folder, context = {}, env = {} }: Synthesis): Promise<void> {
  const file = resolve(app);
  const project = projectOf(dirname(file));
  const environment = {
    ...process.env,
    PATH,
    NODE_COMPILE_CACHE: COMPILED,
    CDK_OUTDIR: resolve(folder),
    CDK_CONTEXT_JSON: JSON.stringify({ ...project.context, ...EMULATED, ...context }),
    CDK_DEFAULT_ACCOUNT: ACCOUNT,
    CDK_DEFAULT_REGION: REGION,
    // Half of the time of a synthesis, and the tests of the templates have it.
    CDK_VALIDATION: "false",
    ...env,
  };
  await promisify(execFile)("node", [file], { cwd: project.folder, env: environment, maxBuffer: 1e8 }).catch((error: unknown) => {
    throw new Error(`${app} could not be synthesized\n${printedBy(error)}`);
  });
}

const Project = z.object({ context: z.record(z.string(), z.unknown()).default({}) });

/** The nearest folder with a `cdk.json`: its context holds feature flags, which change templates. */
function projectOf(folder: string): { readonly folder: string; readonly context: Readonly<Record<string, unknown>> } {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, "cdk.json");
    if (existsSync(file)) return { folder: at, context: Project.parse(JSON.parse(readFileSync(file, "utf8"))).context };
    if (at === dirname(at)) return { folder, context: {} };
  }
}

export interface ExpiringTable {
  readonly stack: string;
  readonly logicalId: string;
  readonly attribute: string;
}

const Artifact = z.object({
  type: z.string(),
  properties: z
    .object({ templateFile: z.string(), stackName: z.string(), requiresBootstrapStackVersion: z.number() })
    .partial()
    .optional(),
});
const Manifest = z.object({ artifacts: z.record(z.string(), Artifact) });
const Expiry = z.object({ TimeToLiveSpecification: z.object({ AttributeName: z.string(), Enabled: z.literal(true) }) });
const Template = z.object({
  Resources: z.record(z.string(), z.object({ Type: z.string(), Properties: z.unknown().optional() })),
});

const manifestOf = (folder: string) => Manifest.parse(JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")));

/** Not so without files to upload, and with an app that says that it can do without. */
export function needsBootstrap(folder: string): boolean {
  const artifacts = Object.values(manifestOf(folder).artifacts);
  return artifacts.some(({ properties }) => properties?.requiresBootstrapStackVersion !== undefined);
}

/** Its stacks by name, each with the file of its template. */
export function stacksOf(folder: string): ReadonlyMap<string, string> {
  const { artifacts } = manifestOf(folder);
  const stacks = Object.entries(artifacts).flatMap(([id, { type, properties }]): [string, string][] =>
    type === "aws:cloudformation:stack" && properties?.templateFile !== undefined
      ? [[properties.stackName ?? id, properties.templateFile]]
      : [],
  );
  return new Map(stacks);
}

/** The tables that drop their items by themselves. */
export function expiringTables(folder: string): ExpiringTable[] {
  return [...stacksOf(folder)].flatMap(([stack, file]) => {
    const { Resources } = Template.parse(JSON.parse(readFileSync(join(folder, file), "utf8")));
    return Object.entries(Resources).flatMap(([logicalId, { Type, Properties }]) => {
      const expiry = TABLES.includes(Type) ? Expiry.safeParse(Properties) : null;
      return expiry?.success === true ? [{ stack, logicalId, attribute: expiry.data.TimeToLiveSpecification.AttributeName }] : [];
    });
  });
}
const TABLES = ["AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"];

/** What a child process printed that failed. */
export function printedBy(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const printed = ["stdout", "stderr"].map((stream) => String(Reflect.get(error, stream) ?? "").trim()).filter(Boolean);
  return printed.length === 0 ? error.message : printed.join("\n").split("\n").slice(-60).join("\n");
}
