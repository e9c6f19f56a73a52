/** Logs of the command line's processes, to stderr: lines for people on a terminal, lines of JSON for everything else. */
import type { LogFields, Logger } from "../../ports/logger.ts";
import { ownColumns, type Sink } from "../io.ts";
import type { Style, Tint } from "./style.ts";
import { clean, wrap } from "./text.ts";

export interface CliLoggerOptions {
  readonly sink: Sink;
  readonly form: "human" | "json";
  /** Information and details, too. */
  readonly verbose: boolean;
  readonly style: Style;
}
type Level = "debug" | "info" | "warn" | "error";

/** As wide as the time before every line. */
const INDENT = " ".repeat(9);

const TINTS: Readonly<Record<Level, Tint>> = { debug: "dim", info: "cyan", warn: "yellow", error: "red" };

export function createCliLogger(options: CliLoggerOptions): Logger {
  const write = (level: Level, message: string, fields: LogFields = {}): void => {
    const line = options.form === "json" ? jsonLine(level, message, fields) : human(level, message, fields);
    options.sink.write(`${line}\n`);
  };
  const human = (level: Level, message: string, fields: LogFields): string => {
    const line = humanLine(level, message, fields, options.style);
    if (options.sink.isTTY !== true) return line;
    return wrap(line, ownColumns(options.sink) - INDENT.length, "whole").join(`\n${INDENT}`);
  };
  const ifVerbose = (level: Level) => (options.verbose ? write.bind(null, level) : () => undefined);
  return { debug: ifVerbose("debug"), info: ifVerbose("info"), warn: write.bind(null, "warn"), error: write.bind(null, "error") };
}

function jsonLine(level: Level, message: string, fields: LogFields): string {
  return textOf({ level, time: new Date().toISOString(), message, ...fields });
}
function humanLine(level: Level, message: string, fields: LogFields, style: Style): string {
  const time = new Date().toTimeString().slice(0, 8);
  const details = Object.entries(fields).map(([name, value]) => `${style("dim", `${name}=`)}${clean(plain(value))}`);
  return [style("dim", time), style(TINTS[level], level.padEnd(5)), clean(message), ...details].join(" ");
}
function plain(value: unknown): string {
  if (typeof value === "string") return value;
  return value instanceof Error ? value.message : textOf(value);
}
/** A field of the user's own that JSON cannot hold must not end the process. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value, (_name, inner: unknown) => {
      if (typeof inner === "bigint") return String(inner);
      return inner instanceof Error ? { name: inner.name, message: inner.message } : inner;
    });
  } catch (thrown) {
    return JSON.stringify({ message: "a log line that is no JSON", error: String(thrown) });
  }
}
