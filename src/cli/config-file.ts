/** `rookery.config.ts`: found in the nearest folder upwards, loaded as it is, and said plainly what is wrong with it. */
import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { RookeryConfig } from "../domain/config.ts";
import { messageOf } from "../domain/errors.ts";
import { CliError, EXIT } from "./exit.ts";

const NAMES = ["rookery.config.ts", "rookery.config.mts", "rookery.config.js", "rookery.config.mjs"];

/** The path of the config: the one that was told, or the nearest. @throws CliError when the told one is no file. */
export function findConfig(told: string | undefined, cwd: string): string | null {
  if (told !== undefined) {
    const path = resolve(cwd, told);
    if (existsSync(path) && statSync(path).isFile()) return path;
    throw new CliError(EXIT.usage, `--config: expected a file, got ${path}`, {
      hint: "without --config the nearest rookery.config.ts is taken",
    });
  }
  for (let folder = cwd; ; folder = dirname(folder)) {
    const found = NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (dirname(folder) === folder) return null;
  }
}

/** @throws CliError with the path, whatever is wrong. */
export async function loadConfig(path: string): Promise<RookeryConfig> {
  const { default: config } = await importModule(path);
  if (typeof config !== "object" || config === null) {
    throw new CliError(
      EXIT.failed,
      `cannot use ${path}: expected a default export, got ${config === undefined ? "none" : typeof config}`,
      {
        hint: "write: export default defineConfig({ engines: [] })",
      },
    );
  }
  const { defineConfig } = await import("../domain/config.ts");
  try {
    return defineConfig(config as RookeryConfig);
  } catch (thrown) {
    throw new CliError(EXIT.failed, `cannot use ${path}: ${textOf(thrown)}`, { cause: thrown });
  }
}

/** @throws CliError that names the module and the place. */
export async function importModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const loaded: Readonly<Record<string, unknown>> = await import(pathToFileURL(path).href);
    return loaded;
  } catch (anything) {
    const thrown = readable(anything);
    const hint = hintFor(thrown);
    throw new CliError(EXIT.failed, `cannot load ${path}: ${reasonOf(thrown, path)}`, {
      cause: thrown,
      ...(hint === null ? {} : { hint }),
    });
  }
}

/** A module may throw anything, also what throws again when it is read. */
function readable(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  try {
    const texts: unknown[] = [thrown.name, thrown.message, thrown.stack ?? "", String(Reflect.get(thrown, "code"))];
    return texts.every((text) => typeof text === "string") ? thrown : new Error(messageOf(thrown));
  } catch {
    return new Error(messageOf(thrown));
  }
}
function reasonOf(thrown: unknown, path: string): string {
  const at = placeOf(thrown);
  const name = thrown instanceof Error && thrown.name !== "Error" ? `${thrown.name}: ` : "";
  const place = at === null ? "" : ` (${at.path === path ? "" : at.path} line ${at.line})`.replace("( ", "(");
  return `${name}${textOf(thrown)}${place}`;
}
/** Node puts the place of what it cannot parse before the stack: `file:///a.ts:3`. */
function placeOf(thrown: unknown): { path: string; line: string } | null {
  const stack = thrown instanceof Error ? (thrown.stack ?? "") : "";
  const [, scheme, path, line] = /^(file:\/\/)?(\/[^\n]*?):(\d+)\n/.exec(stack) ?? [];
  if (path === undefined || line === undefined) return null;
  return { path: scheme === undefined ? path : decodeURIComponent(path), line };
}
function textOf(thrown: unknown): string {
  return messageOf(thrown)
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
}

function hintFor(thrown: unknown): string | null {
  const code: unknown = thrown instanceof Error ? Reflect.get(thrown, "code") : null;
  switch (code) {
    case "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX":
      return "Node runs TypeScript by leaving the types out: no enum, namespace or parameter property";
    case "ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING":
      return "packages must be JavaScript: Node does not run TypeScript under node_modules";
    case "ERR_MODULE_NOT_FOUND":
      return "install what is missing, and write the whole file name in relative imports (./engine.ts)";
    default:
      return null;
  }
}
