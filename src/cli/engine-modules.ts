/** The engines of a process: the built-in ones, and those of the modules or the config. Each id once, or both are named. */
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { isAbsolute, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { RookeryConfig } from "../domain/config.ts";
import type { Engine } from "../domain/engine.ts";
import { importModule } from "./config-file.ts";
import { CliError, EXIT } from "./exit.ts";

export interface LoadedEngine {
  readonly engine: Engine;
  /** Where it comes from, for people: a path, a package or "built in". */
  readonly source: string;
}
export interface EngineSources {
  /** Replace the config's list; null when nobody named any. */
  readonly modules: readonly string[] | null;
  readonly config: RookeryConfig | null;
  readonly configPath: string | null;
  readonly cwd: string;
}

const BUILT_IN = "built in";

/** @throws CliError when a module cannot be loaded, has no engine, or an id comes twice. */
export async function loadEngines(sources: EngineSources): Promise<readonly LoadedEngine[]> {
  const own = sources.modules === null ? ofConfig(sources) : await ofModules(sources.modules, sources.cwd);
  return eachOnce([...(await builtIn()), ...own]);
}

async function builtIn(): Promise<LoadedEngine[]> {
  const [{ watchlist }, { counter }] = await Promise.all([import("../engines/watchlist.ts"), import("../engines/counter.ts")]);
  return [watchlist, counter].map((engine) => ({ engine, source: BUILT_IN }));
}
function ofConfig({ config, configPath }: EngineSources): LoadedEngine[] {
  return (config?.engines ?? []).map((engine) => ({ engine, source: configPath ?? "" }));
}
async function ofModules(modules: readonly string[], cwd: string): Promise<LoadedEngine[]> {
  const found: LoadedEngine[] = [];
  for (const module of modules) {
    const engines = enginesIn(await importModule(resolveModule(module, cwd)));
    if (engines.length === 0) {
      throw new CliError(EXIT.failed, `--engines: ${module} exports no engine`, {
        hint: "export what defineEngine returns, or a list of them as `engines` or as the default",
      });
    }
    found.push(...engines.map((engine) => ({ engine, source: module })));
  }
  return found;
}

/** @throws CliError when no such file or package can be seen from the working directory. */
function resolveModule(name: string, cwd: string): string {
  if (isAbsolute(name)) {
    if (existsSync(name) && statSync(name).isFile()) return name;
    throw new CliError(EXIT.usage, `--engines: expected a file, got ${name}`, {
      hint: "without --engines or ROOKERY_ENGINES those of the nearest rookery.config.ts are taken",
    });
  }
  try {
    return createRequire(pathToFileURL(join(cwd, "rookery.config.js"))).resolve(name);
  } catch (thrown) {
    throw new CliError(EXIT.failed, `--engines: no package ${JSON.stringify(name)} to be found from ${cwd}`, {
      cause: thrown,
      hint: "a file is named by its path: --engines ./engines.ts",
    });
  }
}

/** The default list or config, the list `engines`, or every export that is an engine. */
function enginesIn(module: Readonly<Record<string, unknown>>): Engine[] {
  const { default: main, engines } = module;
  const lists = [main, isObject(main) ? Reflect.get(main, "engines") : undefined, engines];
  const list = lists.find((one) => Array.isArray(one));
  const candidates: unknown[] = Array.isArray(list) ? list : Object.values(module);
  return [...new Set(candidates)].filter(isEngine);
}
function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
/** By its shape: an engine may come from another copy of this package. */
function isEngine(value: unknown): value is Engine {
  return isObject(value) && typeof Reflect.get(value, "id") === "string" && isObject(Reflect.get(value, "code"));
}

function eachOnce(loaded: readonly LoadedEngine[]): readonly LoadedEngine[] {
  const byId = new Map<string, LoadedEngine>();
  for (const one of loaded) {
    const other = byId.get(one.engine.id);
    if (other !== undefined && other.engine !== one.engine) {
      throw new CliError(
        EXIT.failed,
        `engine ${JSON.stringify(one.engine.id)} comes twice: ${nameOf(other)} and ${nameOf(one)}`,
        {
          hint: "give one of them another id",
        },
      );
    }
    byId.set(one.engine.id, other ?? one);
  }
  return [...byId.values()];
}
function nameOf({ source }: LoadedEngine): string {
  return source === BUILT_IN ? "the built-in one" : source;
}
