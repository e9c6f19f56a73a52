/** What a crew tells whoever watches it: nothing while all goes well. */
import { assertNever } from "../../domain/errors.ts";
import type { LogFields, Logger } from "../../ports/logger.ts";
import type { Cli } from "../cli.ts";
import { createCliLogger } from "../output/logger.ts";
import { colorWanted, createStyle } from "../output/style.ts";
import type { CrewEvent } from "./supervisor.ts";

/** Says what happens to processes, also without --verbose: that is what somebody who watches a worker wants to see. */
export function createCrewLogger({ flags, io }: Cli): Logger {
  const logger = createCliLogger({
    sink: io.stderr,
    form: flags.json === true || io.stderr.isTTY !== true ? "json" : "human",
    verbose: true,
    style: createStyle(colorWanted(flags, io.env, io.stderr)),
  });
  return flags.verbose === true ? logger : { ...logger, debug: () => undefined };
}

/** One that was killed for its silence has been told about: its end is no news. */
export function createCrewLog(logger: Logger): (event: CrewEvent) => void {
  const silent = new Set<number>();
  return (event) => {
    const isNews = event.kind !== "exited" || !silent.delete(event.pid);
    if (event.kind === "silent") silent.add(event.pid);
    const { level, message, ...fields } = sayingOf(event, isNews);
    logger[level](message, fields);
  };
}

type Saying = { readonly level: keyof Logger; readonly message: string } & LogFields;

function sayingOf(event: CrewEvent, isNews: boolean): Saying {
  const { kind } = event;
  switch (kind) {
    case "started":
      return { level: "debug", message: "worker process started", pid: event.pid };
    case "ready":
      return { level: "debug", message: "worker process ready", pid: event.pid };
    case "silent":
      return {
        level: "warn",
        message: "worker process is silent, a step in it spins: it is killed and replaced",
        pid: event.pid,
        forMs: event.forMs,
      };
    case "leaving":
      return {
        level: "warn",
        message: "a step does not heed its abort signal: its process is replaced",
        pid: event.pid,
        workId: event.workId,
      };
    case "waiting":
      return { level: "warn", message: `worker process did not start: ${event.why}`, againInMs: event.forMs };
    case "exited":
      return sayingOfExit(event, isNews);
    default:
      return assertNever(kind);
  }
}

function sayingOfExit(event: Extract<CrewEvent, { kind: "exited" }>, isNews: boolean): Saying {
  const { pid, code, signal, wasReady, asked, failure } = event;
  const how = signal === null ? { pid, code } : { pid, signal };
  if (failure !== null && wasReady) return { level: "error", message: failure.message, ...how };
  if (asked || !wasReady || !isNews) return { level: "debug", message: "worker process ended", ...how };
  return { level: "warn", message: "worker process died: it is replaced", ...how };
}
