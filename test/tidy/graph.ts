/** Rules over the import graph of `src` (DESIGN: layout and import rule). */
import { posix } from "node:path";
import { type Import, nameOf, type Source } from "./source.ts";

interface Layer {
  /** Folder (with its slash) or file. The longest that fits a path is its layer. */
  readonly at: string;
  /** Folders and files it may import. Its own folder always. */
  readonly values: readonly string[];
  /** Folders it may import types from. */
  readonly types: readonly string[];
  /** Packages, by name or by prefix (`node:`). */
  readonly packages: readonly string[];
}

const CORE = ["src/domain/", "src/ports/", "src/wire/"];
const ANYTHING = ["src/"];

export const LAYERS: readonly Layer[] = [
  { at: "src/domain/", values: [], types: [], packages: [] },
  { at: "src/ports/", values: [], types: ["src/domain/"], packages: [] },
  { at: "src/wire/", values: ["src/domain/"], types: ["src/ports/"], packages: ["zod", "node:zlib", "node:crypto", "node:util"] },
  { at: "src/runtime/", values: CORE, types: [], packages: ["node:async_hooks"] },
  { at: "src/adapters/shared/", values: CORE, types: [], packages: ["node:crypto"] },
  { at: "src/adapters/memory/", values: [...CORE, "src/adapters/shared/"], types: [], packages: ["node:crypto"] },
  { at: "src/adapters/node/", values: CORE, types: [], packages: ["node:"] },
  { at: "src/adapters/embedded/", values: [...CORE, "src/adapters/shared/"], types: [], packages: ["node:"] },
  {
    at: "src/adapters/dynamodb/",
    values: [...CORE, "src/adapters/shared/"],
    types: [],
    packages: ["@aws-sdk/client-dynamodb", "@aws-sdk/lib-dynamodb", "@smithy/"],
  },
  {
    at: "src/adapters/sqs/",
    values: [...CORE, "src/adapters/shared/"],
    types: [],
    packages: ["@aws-sdk/client-sqs", "@smithy/", "node:crypto"],
  },
  {
    at: "src/adapters/s3/",
    values: [...CORE, "src/adapters/shared/"],
    types: [],
    packages: ["@aws-sdk/client-s3", "@smithy/", "node:"],
  },
  // The cost meter: middleware of the SDK's clients.
  { at: "src/adapters/metering/", values: [...CORE, "src/adapters/dynamodb/"], types: [], packages: ["@aws-sdk/", "@smithy/"] },
  { at: "src/http/", values: [...CORE, "src/runtime/"], types: [], packages: ["hono", "hono/"] },
  { at: "src/engines/", values: ["src/index.ts"], types: [], packages: ["zod"] },
  { at: "src/ai/", values: ["src/index.ts"], types: [], packages: ["ai", "@ai-sdk/provider", "zod"] },
  {
    at: "src/testing/",
    values: [...CORE, "src/runtime/", "src/adapters/memory/", "src/adapters/node/event-loop.ts"],
    types: [],
    packages: [],
  },
  {
    at: "src/cli/",
    values: ANYTHING,
    types: [],
    packages: ["node:", "commander", "chokidar", "get-east-asian-width", "@hono/node-server"],
  },
  {
    at: "src/cdk/",
    values: ["src/domain/", "src/wire/", "src/runtime/settings.ts", "src/adapters/dynamodb/table.ts", "src/handlers/"],
    types: [],
    packages: ["aws-cdk-lib", "aws-cdk-lib/", "constructs", "node:module", "node:path", "node:url"],
  },
  {
    at: "src/adapters/examine/",
    values: [...CORE, "src/adapters/shared/"],
    types: [],
    packages: ["@aws-sdk/"],
  },
  { at: "src/adapters/ssm/", values: [...CORE, "src/adapters/shared/"], types: [], packages: ["@aws-sdk/client-ssm"] },
  {
    at: "src/lambda/",
    values: ANYTHING,
    types: [],
    packages: ["@aws-lambda-powertools/", "@aws-sdk/client-lambda", "aws-lambda", "hono/", "zod"],
  },
  { at: "src/handlers/", values: ["src/lambda/"], types: [], packages: [] },
  { at: "src/lambda.ts", values: ["src/lambda/"], types: [], packages: [] },
  { at: "src/aws.ts", values: [...CORE, "src/runtime/", "src/adapters/"], types: [], packages: ["@aws-sdk/"] },
  { at: "src/index.ts", values: [...CORE, "src/runtime/"], types: [], packages: [] },
  { at: "src/ai.ts", values: ["src/ai/"], types: [], packages: [] },
  { at: "src/cdk.ts", values: ["src/cdk/"], types: [], packages: [] },
  { at: "src/testing.ts", values: ["src/testing/"], types: [], packages: [] },
  { at: "src/embedded.ts", values: [...CORE, "src/runtime/", "src/adapters/", "src/index.ts"], types: [], packages: ["node:"] },
];

/** Only types, so any layer may name it. */
const TYPE_PACKAGES = ["@standard-schema/spec"];
/** What a browser has no counterpart for. */
const NODE_GLOBALS = ["Buffer", "process", "require", "__dirname", "__filename", "setImmediate"];
const BROWSER_PACKAGES = ["zod", ...TYPE_PACKAGES];

const isRelative = (specifier: string) => specifier.startsWith(".");
const fits = (path: string, allowed: readonly string[]) =>
  allowed.some((prefix) => path === prefix || (/[/:]$/.test(prefix) && path.startsWith(prefix)));

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier);
}

export function layering(sources: readonly Source[]): string[] {
  const known = new Set(sources.map(({ path }) => path));
  return sources.flatMap((source) =>
    source.imports.flatMap((found) => {
      const problem = layerProblem(source.path, found, known);
      return problem === null ? [] : [`${source.path}:${found.line} ${problem}`];
    }),
  );
}

function layerProblem(path: string, { specifier, typeOnly }: Import, known: ReadonlySet<string>): string | null {
  const layer = LAYERS.filter(({ at }) => fits(path, [at])).sort((a, b) => b.at.length - a.at.length)[0];
  if (layer === undefined) return "is in no known layer: give its folder an import rule";
  if (!isRelative(specifier)) {
    if (typeOnly && TYPE_PACKAGES.includes(specifier)) return null;
    return fits(specifier, layer.packages) ? null : `${layer.at} may not import the package ${specifier}`;
  }
  const target = resolve(path, specifier);
  if (!known.has(target)) return `imports ${specifier}, which is no source file`;
  if (fits(target, [layer.at, ...layer.values])) return null;
  if (!fits(target, layer.types)) return `${layer.at} may not import ${target}`;
  return typeOnly ? null : `${layer.at} may import only types from ${target}`;
}

type Graph = ReadonlyMap<string, readonly string[]>;

function graphOf(sources: readonly Source[], keep: (found: Import) => boolean = () => true): Graph {
  const edges = ({ path, imports }: Source) =>
    imports.filter((found) => isRelative(found.specifier) && keep(found)).map((found) => resolve(path, found.specifier));
  return new Map(sources.map((source) => [source.path, edges(source)]));
}

function reachedFrom(graph: Graph, entries: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path) || !graph.has(path)) return;
    reached.add(path);
    graph.get(path)?.forEach(visit);
  };
  entries.forEach(visit);
  return reached;
}

/** Cycles of types count too: they are cycles for the reader. */
export function cycles(sources: readonly Source[]): string[] {
  const graph = graphOf(sources);
  const finished = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, above: readonly string[]): void => {
    const start = above.indexOf(path);
    if (start >= 0) found.push(`import cycle: ${[...above.slice(start), path].join(" -> ")}`);
    if (start >= 0 || finished.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...above, path]);
    finished.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

export function unreachable(sources: readonly Source[], entries: readonly string[]): string[] {
  const graph = graphOf(sources);
  const missing = entries.filter((entry) => !graph.has(entry)).map((entry) => `${entry} is an entry and does not exist`);
  const reached = reachedFrom(graph, entries);
  const dead = [...graph.keys()].filter((path) => !reached.has(path));
  return [...missing, ...dead.map((path) => `${path} is reached from no entry`)];
}

/** What the browser entry loads: no module, package or global that only Node has. */
export function browserLoadable(sources: readonly Source[], entry: string): string[] {
  const loaded = reachedFrom(
    graphOf(sources, ({ typeOnly }) => !typeOnly),
    [entry],
  );
  return sources
    .filter(({ path }) => loaded.has(path))
    .flatMap((source) => [
      ...source.imports
        .filter(({ specifier, typeOnly }) => !typeOnly && !isRelative(specifier) && !fits(specifier, BROWSER_PACKAGES))
        .map(({ specifier, line }) => `${source.path}:${line} is loaded by ${entry} and imports ${specifier}`),
      ...nodeGlobals(source).map((problem) => `${problem}, and is loaded by ${entry}`),
    ]);
}

function nodeGlobals({ path, nodes, lineAt }: Source): string[] {
  return nodes
    .filter(({ node, parent }) => NODE_GLOBALS.includes(nameOf(node)) && !isOwnName(parent, node))
    .map(({ node }) => `${path}:${lineAt(node.start)} uses ${nameOf(node)}`);
}

/** `x.process` and `{ process: 1 }` are names of our own. */
function isOwnName(parent: { readonly [field: string]: unknown } | null, node: unknown): boolean {
  return parent !== null && parent["computed"] !== true && (parent["property"] === node || parent["key"] === node);
}
