/**
 * Where a command works, and with which engines: flag > environment > config > default. The config is loaded only when
 * something is wanted of it, so that looking at an item needs no code of the user's that might be broken.
 */
import { delimiter, dirname, resolve } from "node:path";
import type { RookeryConfig } from "../domain/config.ts";
import { findConfig, loadConfig } from "./config-file.ts";
import type { LoadedEngine } from "./engine-modules.ts";
import type { Io } from "./io.ts";

/** The options that every command has. */
export interface GlobalFlags {
  readonly home?: string;
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
export interface Context {
  /** Absolute. */
  readonly home: Setting<string>;
  readonly namespace: Setting<string>;
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

/** @throws CliError when --config names no file, or a config that is needed cannot be loaded. */
export async function resolveContext(flags: GlobalFlags, io: Place): Promise<Context> {
  const configPath = findConfig(flags.config, io.cwd);
  const [toldHome, toldNamespace] = [told(flags.home, io, "ROOKERY_HOME"), told(flags.namespace, io, "ROOKERY_NAMESPACE")];
  let loading: Promise<RookeryConfig | null> | null = null;
  const config = (): Promise<RookeryConfig | null> => {
    loading ??= configPath === null ? Promise.resolve(null) : loadConfig(configPath);
    return loading;
  };
  const needed = toldHome === null || toldNamespace === null ? await config() : null;
  const engineModules = modulesOf(flags, io);
  return {
    home: homeOf(toldHome, needed, configPath, io.cwd),
    namespace: toldNamespace ?? configured(needed?.namespace, DEFAULT_NAMESPACE),
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
function configured(value: string | undefined, otherwise: string): Setting<string> {
  return value === undefined ? { value: otherwise, from: "default" } : { value, from: "config" };
}
/** A path in the config is relative to the config; one from a flag or the environment to the working directory. */
function homeOf(
  said: Setting<string> | null,
  config: RookeryConfig | null,
  configPath: string | null,
  cwd: string,
): Setting<string> {
  if (said !== null) return { value: resolve(cwd, said.value), from: said.from };
  const { value, from } = configured(config?.home, DEFAULT_HOME);
  return { value: resolve(configPath === null ? cwd : dirname(configPath), value), from };
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
