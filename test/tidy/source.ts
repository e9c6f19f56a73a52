/** One parsed file of ours: its syntax nodes with their parents, its comments, and what it imports. */
import { type Comment, parseSync } from "oxc-parser";

export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Erased when types are stripped. */
  readonly typeOnly: boolean;
}

export interface Source {
  readonly path: string;
  readonly text: string;
  readonly nodes: readonly { readonly node: SyntaxNode; readonly parent: SyntaxNode | null }[];
  readonly comments: readonly Comment[];
  readonly imports: readonly Import[];
  lineAt(offset: number): number;
}

export function parseSource(path: string, text: string): Source {
  const parsed = parseSync(path, text);
  const [error] = parsed.errors;
  if (error !== undefined) throw new Error(`${path} does not parse: ${error.message}`);
  const nodes = flatten(parsed.program);
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  const imports = nodes.flatMap(({ node }) => {
    const found = importOf(node);
    return found === null ? [] : [{ ...found, line: lineAt(node.start) }];
  });
  return { path, text, nodes, comments: parsed.comments, imports, lineAt };
}

function flatten(program: unknown): Source["nodes"] {
  const found: { node: SyntaxNode; parent: SyntaxNode | null }[] = [];
  const visit = (value: unknown, parent: SyntaxNode | null): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, parent);
    if (!isNode(value)) return;
    found.push({ node: value, parent });
    for (const child of Object.values(value)) visit(child, value);
  };
  visit(program, null);
  return found;
}

/** Every way to name another module: import, re-export, `import()`, a type's `import("…")`, and the URL of a module. */
function importOf(node: SyntaxNode): Omit<Import, "line"> | null {
  const specifier = literal(node["source"]);
  switch (node.type) {
    case "ImportDeclaration":
      return specifier === null ? null : { specifier, typeOnly: node["importKind"] === "type" };
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      return specifier === null ? null : { specifier, typeOnly: node["exportKind"] === "type" };
    case "ImportExpression":
      return specifier === null ? null : { specifier, typeOnly: false };
    case "TSImportType":
      return specifier === null ? null : { specifier, typeOnly: true };
    case "NewExpression":
      return moduleUrl(node);
    default:
      return null;
  }
}

function moduleUrl(node: SyntaxNode): Omit<Import, "line"> | null {
  const [first] = asArray(node["arguments"]);
  const target = literal(first);
  if (nameOf(node["callee"]) !== "URL" || target === null || !/^\.{1,2}\/.*\.ts$/.test(target)) return null;
  return { specifier: target, typeOnly: false };
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** The text of a string literal; null for anything else. */
function literal(value: unknown): string | null {
  if (!isNode(value) || value.type !== "Literal") return null;
  return typeof value["value"] === "string" ? value["value"] : null;
}

/** `a`, `a.b` and `a?.b` as they are written; "" for anything longer or computed. */
export function nameOf(value: unknown): string {
  if (!isNode(value)) return "";
  if (value.type === "Identifier" && typeof value["name"] === "string") return value["name"];
  if (value.type !== "MemberExpression" || value["computed"] === true) return "";
  const object = nameOf(value["object"]);
  return object === "" ? "" : `${object}.${nameOf(value["property"])}`;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
