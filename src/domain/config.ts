/** `rookery.config.ts`: what the CLI and workers load. Flag > environment > config > default. */
import type { Engine } from "./engine.ts";
import { InvalidArgumentError } from "./errors.ts";
import { parseNamespace } from "./ids.ts";

export interface RookeryConfig {
  readonly engines: readonly Engine[];
  /** Default "default". */
  readonly namespace?: string;
  /** The folder of the embedded store, relative to the config file. Default ".rookery". */
  readonly home?: string;
}

/** @throws InvalidArgumentError when a field is not usable. */
export function defineConfig(config: RookeryConfig): RookeryConfig {
  if (!Array.isArray(config.engines)) throw new InvalidArgumentError("config: engines", "a list of engines", config.engines);
  for (const engine of config.engines) {
    const usable = typeof engine === "object" && engine !== null && "code" in engine && "id" in engine;
    if (!usable) throw new InvalidArgumentError("config: engines", "what defineEngine returns", engine);
  }
  if (config.namespace !== undefined) parseNamespace(config.namespace);
  if (config.home !== undefined && typeof config.home !== "string")
    throw new InvalidArgumentError("config: home", "a path", config.home);
  return config;
}
