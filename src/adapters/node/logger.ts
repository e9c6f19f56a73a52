/** Warnings and errors as lines of JSON on stderr: the default of a process that brought no logger. */
import type { LogFields, Logger } from "../../ports/logger.ts";

export function createConsoleLogger(): Logger {
  const write = (level: string, message: string, fields: LogFields = {}): void => {
    process.stderr.write(`${JSON.stringify({ level, time: new Date().toISOString(), message, ...fields })}\n`);
  };
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
  };
}
