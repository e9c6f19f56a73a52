/**
 * `rookery dev`: workers that reload on save without losing work. New processes start beside the old ones; once they are
 * ready the old ones finish their steps or give them back. New code that cannot be loaded is shown, and the old works on.
 */
import { existsSync } from "node:fs";
import { delimiter, dirname, relative, resolve } from "node:path";
import type { Command } from "commander";
import type { Logger } from "../../ports/logger.ts";
import type { Cli } from "../cli.ts";
import { findConfig } from "../config-file.ts";
import { createCrewLog, createCrewLogger } from "../processes/crew-log.ts";
import { addPoolOptions, crewOf, type PoolFlags, poolOf } from "../processes/crew-options.ts";
import { stopOnSignals } from "../processes/signals.ts";
import { type Crew, type CrewEvent, startCrew } from "../processes/supervisor.ts";
import { watchCode } from "../processes/watch.ts";

/** One, so that what an engine prints comes in order. */
const PROCESSES = 1;

export function configureDev(command: Command, cli: () => Cli): void {
  addPoolOptions(command, PROCESSES).action((flags: PoolFlags) => develop(cli(), flags));
}

async function develop(cli: Cli, flags: PoolFlags): Promise<void> {
  const logger = createCrewLogger(cli);
  const folders = foldersOf(cli);
  const crews = createCrews(cli, flags, logger, (home) => watch.ignore(home));
  const watch = await watchCode(folders, (files) => crews.renew(files.map((file) => relative(cli.io.cwd, file))));
  logger.info("watching; Ctrl-C stops", { folders: folders.join(", ") });
  const unlisten = stopOnSignals(crews, () => {
    logger.info("stopping: steps finish or are given back; once more ends them at once");
    void watch.close();
  });
  crews.renew([]);
  await crews.ended;
  unlisten();
  logger.info("stopped");
}

/** Where the config and the engine modules lie. The config is not loaded here: it may be broken, and be mended. */
function foldersOf({ flags, io }: Cli): readonly string[] {
  const config = findConfig(flags.config, io.cwd);
  const modules = flags.engines ?? io.env["ROOKERY_ENGINES"]?.split(delimiter) ?? [];
  const files = [...(config === null ? [] : [config]), ...modules.map((module) => resolve(io.cwd, module)).filter(existsSync)];
  return files.length === 0 ? [io.cwd] : [...new Set(files.map((file) => dirname(file)))];
}

/** The crew at work, and those on their way in and out. */
function createCrews(cli: Cli, flags: PoolFlags, logger: Logger, onHome: (home: string) => void) {
  const all = new Set<Crew>();
  const ended = Promise.withResolvers<void>();
  let atWork: Crew | null = null;
  let starting: Crew | null = null;
  let stopping = false;
  let wanted: readonly string[] | null = null;
  let renewing = false;

  function start(): Crew {
    const log = createCrewLog(logger);
    const onEvent = (event: CrewEvent): void => {
      if (event.kind === "ready" && event.at.kind === "home") onHome(event.at.home);
      log(event);
    };
    const crew = startCrew(crewOf(cli, flags, { processes: flags.processes, work: poolOf(flags), onEvent }));
    all.add(crew);
    void crew.ended.then((end) => {
      all.delete(crew);
      if (atWork === crew) atWork = null;
      if (end.kind === "gave_up") logger.error(end.failure.message, end.failure.hint === null ? {} : { hint: end.failure.hint });
      if (end.kind === "gave_up" && atWork === null) logger.warn("nobody works until this is mended; waiting for a change");
      if (stopping && all.size === 0) ended.resolve();
    });
    return crew;
  }
  async function replace(files: readonly string[]): Promise<void> {
    const startedAtMs = performance.now();
    const crew = start();
    starting = crew;
    const isReady = await crew.ready;
    starting = null;
    if (!isReady) {
      // What was wrong is said first.
      await crew.ended;
      if (atWork !== null && wanted === null) logger.warn("the processes from before this change work on");
      return;
    }
    const before = atWork;
    atWork = crew;
    before?.stop();
    const inMs = Math.round(performance.now() - startedAtMs);
    logger.info(before === null ? "working" : "reloaded", { inMs, ...(files.length === 0 ? {} : { files: files.join(", ") }) });
  }
  async function renewAll(): Promise<void> {
    renewing = true;
    for (; wanted !== null && !stopping; ) {
      const files = wanted;
      wanted = null;
      await replace(files);
    }
    renewing = false;
  }
  return {
    ended: ended.promise,
    renew(files: readonly string[]): void {
      wanted = [...new Set([...(wanted ?? []), ...files])];
      starting?.stop();
      if (!renewing && !stopping) void renewAll();
    },
    stop(): void {
      stopping = true;
      for (const crew of all) crew.stop();
      if (all.size === 0) ended.resolve();
    },
    kill(): void {
      for (const crew of all) crew.kill();
    },
  };
}
