/**
 * Where a command works, and with which engines: flag > environment > config > default. The config is loaded only when
 * something is wanted of it, so that looking at an item needs no code of the user's that might be broken.
 */
import { delimiter, dirname, resolve } from "node:path";
import type { RookeryConfig } from "../domain/config.ts";
import { findConfig, loadConfig } from "./config-file.ts";
import type { LoadedEngine } from "./engine-modules.ts";
import { CliError, EXIT } from "./exit.ts";
import type { Io } from "./io.ts";

/** The options that every command has. */
export interface GlobalFlags {
  readonly home?: string;
  readonly stack?: string;
  readonly namespace?: string;
  readonly engines?: readonly string[];
  readonly config?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
  /** False after --no-color. */
  readonly color?: boolean;
}
export type Origin = "flag" | "environment" | "config" | "default";
export interface Setting<T> {
  readonly value: T;
  readonly from: Origin;
}
/** A folder of this machine, or a stack in AWS. */
export type Where =
  | {
      readonly kind: "home";
      /** Absolute. */
      readonly home: Setting<string>;
      readonly namespace: Setting<string>;
    }
  | {
      readonly kind: "stack";
      readonly stack: Setting<string>;
      /** Null: the one that it was deployed with. */
      readonly namespace: Setting<string> | null;
    };
export interface Context {
  readonly where: Where;
  /** Null when there is none, here or above. */
  readonly configPath: string | null;
  /** Modules that replace the config's engines, as absolute paths or package names; null when nobody said. */
  readonly engineModules: Setting<readonly string[]> | null;
  /** The built-in ones and those of the modules or the config. @throws CliError when one cannot be loaded, or an id comes twice. */
  engines(): Promise<readonly LoadedEngine[]>;
}

const DEFAULT_HOME = ".rookery";
const DEFAULT_NAMESPACE = "default";

type Place = Pick<Io, "env" | "cwd">;

/** @throws CliError for two places at once, when --config names no file, or when a config that is needed cannot be loaded. */
export async function resolveContext(flags: GlobalFlags, io: Place): Promise<Context> {
  const configPath = findConfig(flags.config, io.cwd);
  const [toldPlace, toldNamespace] = [placeIn(flags, io), told(flags.namespace, io, "ROOKERY_NAMESPACE")];
  let loading: Promise<RookeryConfig | null> | null = null;
  const config = (): Promise<RookeryConfig | null> => {
    loading ??= configPath === null ? Promise.resolve(null) : loadConfig(configPath);
    return loading;
  };
  const needed = toldPlace === null || toldNamespace === null ? await config() : null;
  const engineModules = modulesOf(flags, io);
  return {
    where: whereOf(toldPlace ?? placeOf(needed, configPath, io.cwd), toldNamespace, needed),
    configPath,
    engineModules,
    engines: async () => {
      const { loadEngines } = await import("./engine-modules.ts");
      const own = engineModules === null ? await config() : null;
      return loadEngines({ modules: engineModules?.value ?? null, config: own, configPath, cwd: io.cwd });
    },
  };
}

function told(flag: string | undefined, { env }: Place, variable: string): Setting<string> | null {
  if (flag !== undefined) return { value: flag, from: "flag" };
  const value = env[variable];
  return value === undefined || value === "" ? null : { value, from: "environment" };
}
function configured(value: string | undefined): Setting<string> | null {
  return value === undefined ? null : { value, from: "config" };
}

type ToldPlace =
  | { readonly kind: "home"; readonly home: Setting<string> }
  | { readonly kind: "stack"; readonly stack: Setting<string> };

/** Of a home and a stack that are told alike, the stack is meant: the home may stand there for every day. */
function placeIn(flags: GlobalFlags, io: Place): ToldPlace | null {
  if (flags.home !== undefined && flags.stack !== undefined)
    throw new CliError(EXIT.usage, "expected --home or --stack, got both: a stack in AWS has no home");
  const [home, stack] = [told(flags.home, io, "ROOKERY_HOME"), told(flags.stack, io, "ROOKERY_STACK")];
  if (stack !== null && home?.from !== "flag") return { kind: "stack", stack };
  return home === null ? null : { kind: "home", home: { value: resolve(io.cwd, home.value), from: home.from } };
}
/** A path in the config is relative to the config; one from a flag or the environment to the working directory. */
function placeOf(config: RookeryConfig | null, configPath: string | null, cwd: string): ToldPlace {
  const stack = configured(config?.stack);
  if (stack !== null) return { kind: "stack", stack };
  const { value, from } = configured(config?.home) ?? { value: DEFAULT_HOME, from: "default" };
  return { kind: "home", home: { value: resolve(configPath === null ? cwd : dirname(configPath), value), from } };
}
function whereOf(place: ToldPlace, toldNamespace: Setting<string> | null, config: RookeryConfig | null): Where {
  const namespace = toldNamespace ?? configured(config?.namespace);
  if (place.kind === "stack") return { ...place, namespace };
  return { ...place, namespace: namespace ?? { value: DEFAULT_NAMESPACE, from: "default" } };
}
function modulesOf(flags: GlobalFlags, { env, cwd }: Place): Setting<readonly string[]> | null {
  const variable = env["ROOKERY_ENGINES"] ?? "";
  const absolute = (names: readonly string[]): string[] => names.map((name) => (isPath(name) ? resolve(cwd, name) : name));
  if (flags.engines !== undefined && flags.engines.length > 0) return { value: absolute(flags.engines), from: "flag" };
  if (variable === "") return null;
  return { value: absolute(variable.split(delimiter).filter((name) => name !== "")), from: "environment" };
}
/** `engines.ts` and `./engines` are files; `@acme/engines` is a package. */
function isPath(name: string): boolean {
  return /^\.{0,2}[/\\]/.test(name) || /^[A-Za-z]:[/\\]/.test(name) || /\.[cm]?[jt]s$/.test(name);
}
