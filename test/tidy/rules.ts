/** Rules over one file at a time. Each returns what is wrong, with its place. */
import { basename } from "node:path/posix";
import { asArray, isNode, nameOf, type Source, type SyntaxNode } from "./source.ts";

export type FileRule = (source: Source) => string[];

const MAX_LINES = 300;
/** Files of `src` that may be longer, each with its reason. */
const LONGER: readonly string[] = [];

const inSource = (path: string) => path.startsWith("src/");
/** Where time, randomness, the process and its timers may be touched; everywhere else they are passed in (G7). */
const OUTER = [
  "src/adapters/node/",
  "src/cli/",
  "src/lambda/wiring.ts",
  "localstack/",
  "test/",
  "bench/",
  "scripts/",
  "examples/",
  "infra/",
];
const isOuter = (path: string) => OUTER.some((folder) => path.startsWith(folder));

const AMBIENT = ["Date.now", "performance.now", "Math.random", "AbortSignal.timeout"];
const AMBIENT_WORDS = ["randomUUID", "getRandomValues", "process", "setTimeout", "setInterval"];

const ROOTS = /^src\/[^/]+\.ts$/;
const AVOIDED = /^(manager|service|helper|util|utility|utilitie|processor|impl)s?$/;
const WORK_NOUN = /\b(job|task|run|workflow|execution) ids?\b/;

/** Reports every node that `problem` has something to say about. */
function eachNode(problem: (node: SyntaxNode, parent: SyntaxNode | null, path: string) => string | null): FileRule {
  return ({ path, nodes, lineAt }) =>
    nodes.flatMap(({ node, parent }) => {
      const found = problem(node, parent, path);
      return found === null ? [] : [`${path}:${lineAt(node.start)} ${found}`];
    });
}

const fileSize: FileRule = ({ path, text }) => {
  const lines = text.replace(/\n$/, "").split("\n").length;
  const tooLong = inSource(path) && !LONGER.includes(path) && lines > MAX_LINES;
  return tooLong ? [`${path} has ${lines} lines, expected at most ${MAX_LINES}`] : [];
};

const ambientInput = eachNode((node, parent, path) => {
  if (isOuter(path)) return null;
  const name = nameOf(node);
  if (AMBIENT.includes(name)) return `uses ${name}`;
  if (node.type === "NewExpression" && nameOf(node["callee"]) === "Date" && asArray(node["arguments"]).length === 0) {
    return "reads the clock with new Date()";
  }
  if (name === "setImmediate" && !path.startsWith("src/adapters/embedded/")) return "uses setImmediate";
  const isOurOwnKey = parent?.["key"] === node && parent["computed"] !== true;
  return node.type === "Identifier" && AMBIENT_WORDS.includes(name) && !isOurOwnKey ? `uses ${name}` : null;
});

const noEnum = eachNode((node) => (node.type === "TSEnumDeclaration" ? "declares an enum" : null));

const ANY_PARENTS = ["TSTypeAnnotation", "TSAsExpression", "TSTypeAssertion"];
const noAny = eachNode((node, parent) =>
  node.type === "TSAnyKeyword" && parent !== null && ANY_PARENTS.includes(parent.type) ? "has the type any" : null,
);

const MOCKS = ["vi.mock", "vi.doMock", "vi.hoisted"];
const noModuleMock = eachNode((node) => (MOCKS.includes(nameOf(node)) ? `uses ${nameOf(node)}` : null));

const noOnly = eachNode((node) =>
  node.type === "MemberExpression" && /^(test|it|describe|suite|bench)(\.\w+)*\.only$/.test(nameOf(node))
    ? "leaves tests out"
    : null,
);

const noLeftover: FileRule = ({ path, comments, lineAt }) =>
  comments
    .filter(({ value }) => /\b(TODO|FIXME|XXX)\b/.test(value))
    .map(({ start, value }) => `${path}:${lineAt(start)} leaves work behind:${value.slice(0, 60)}`);

const noDefaultExport = eachNode((node, _parent, path) => {
  if (!inSource(path)) return null;
  const renamed = node.type === "ExportSpecifier" && nameOf(node["exported"]) === "default";
  return renamed || node.type === "ExportDefaultDeclaration" ? "exports a default" : null;
});

const noBarrel = eachNode((node, _parent, path) =>
  node.type === "ExportAllDeclaration" && inSource(path) && !ROOTS.test(path) ? "re-exports a whole module" : null,
);

const kebabCase: FileRule = ({ path }) =>
  /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*\.(ts|mjs)$/.test(basename(path))
    ? []
    : [`${path} is not named in kebab-case`];

/** A name read off something else (`x.service`) or imported is not ours to choose. */
const isForeignName = (node: SyntaxNode, parent: SyntaxNode | null) =>
  (parent?.type === "MemberExpression" && parent["property"] === node && parent["computed"] !== true) ||
  (parent?.type === "ImportSpecifier" && parent["imported"] === node);

export function nameProblem(name: string): string | null {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "");
  const text = words.join(" ").toLowerCase();
  const avoided = words.find((word) => AVOIDED.test(word.toLowerCase()));
  if (avoided !== undefined) return `has the word ${avoided} in ${name}`;
  if (words.length > 1 && (words[0] === "Base" || words.at(-1) === "Base")) return `has the word Base in ${name}`;
  if (WORK_NOUN.test(text)) return `calls a work item something else: ${name}`;
  return text === "is done" ? `has ${name} beside a status` : null;
}

/** What AWS and Powertools call things is theirs to say. */
const AWS_NAMES = /^(ServiceInputTypes|ServiceOutputTypes|ServicePrincipal|Service|service|POWERTOOLS_SERVICE_NAME)$/;

const avoidedNames: FileRule = (source) => [
  ...[nameProblem(basename(source.path))].flatMap((problem) => (problem === null ? [] : [`${source.path} ${problem}`])),
  ...eachNode((node, parent) =>
    node.type === "Identifier" && !isForeignName(node, parent) && !AWS_NAMES.test(nameOf(node))
      ? nameProblem(nameOf(node))
      : null,
  )(source),
];

/** A default that swallows a new member of the union would compile. */
const exhaustiveSwitch = eachNode((node, _parent, path) => {
  if (!inSource(path) || node.type !== "SwitchStatement") return null;
  if (!/(^|\.)(kind|status)$/.test(nameOf(node["discriminant"]))) return null;
  const fallback = asArray(node["cases"]).find((one) => isNode(one) && one["test"] === null);
  return fallback === undefined || JSON.stringify(fallback, noBigInt).includes('"name":"assertNever"')
    ? null
    : "has a default without assertNever";
});
const noBigInt = (_key: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

/** By the sentence a reader sees when one is broken. */
export const FILE_RULES = {
  "a source file has at most 300 lines": fileSize,
  "time, randomness, the process and timers are passed in": ambientInput,
  "there is no enum": noEnum,
  "nothing has the type any": noAny,
  "no module is mocked": noModuleMock,
  "no test is singled out": noOnly,
  "no work is left behind in a comment": noLeftover,
  "exports are named": noDefaultExport,
  "only an entry re-exports a whole module": noBarrel,
  "files are named in kebab-case": kebabCase,
  "names avoid the words that say nothing": avoidedNames,
  "a switch over a union ends in assertNever": exhaustiveSwitch,
} satisfies Record<string, FileRule>;
