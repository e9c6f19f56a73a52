import type { Command } from "commander";
import type { Cli } from "./cli.ts";

/** Adds arguments, options and the action. `cli` is there once the flags are parsed: in the action, not before. */
export type Configure = (command: Command, cli: () => Cli) => void;
