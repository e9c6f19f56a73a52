/** `rookery.config.ts`: what the CLI and workers load. Flag > environment > config > default. */
import type { Engine } from "./engine.ts";
import { InvalidArgumentError } from "./errors.ts";
import { parseNamespace } from "./ids.ts";

export interface RookeryConfig {
  readonly engines: readonly Engine[];
  /** Default "default"; of a stack, the one that it was deployed with. */
  readonly namespace?: string;
  /** The folder of the embedded store, relative to the config file. Default ".rookery". */
  readonly home?: string;
  /** The CloudFormation stack in AWS to work with, instead of a home. */
  readonly stack?: string;
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
  if (config.stack !== undefined && typeof config.stack !== "string")
    throw new InvalidArgumentError("config: stack", "the name of a CloudFormation stack", config.stack);
  return config;
}
