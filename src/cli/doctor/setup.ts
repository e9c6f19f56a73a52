/** Node, the config, the engines and the home. */
import { closeSync, existsSync, openSync, statfsSync, statSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf } from "../../domain/errors.ts";
import type { Cli } from "../cli.ts";
import type { Context, Setting } from "../context.ts";
import { explain } from "../output/failure.ts";
import { bytesText } from "../output/item.ts";
import { type Check, isWritable, NOT_WRITABLE, notice, ok, wrong } from "./check.ts";

const LITTLE_BYTES = 200_000_000;

export function checkNode(): Check {
  return ok("node", `${process.versions.node}, SQLite ${process.versions["sqlite"] ?? "unknown"}`, {
    version: process.versions.node,
  });
}

/** The context, or what is wrong with the config. */
export async function checkConfig(cli: Cli): Promise<{ check: Check; context: Context | null }> {
  try {
    const context = await cli.context();
    const { configPath: path } = context;
    return { check: ok("config", path ?? "none: the defaults", { path }), context };
  } catch (thrown) {
    return { check: failing("config", thrown, "mend the config, or name another one with --config"), context: null };
  }
}

export async function checkEngines(context: Context): Promise<Check> {
  try {
    const loaded = await context.engines();
    const names = loaded.map(({ engine }) => `${engine.id} (version ${engine.version})`);
    const data = loaded.map(({ engine, source }) => ({ id: engine.id, version: engine.version, source }));
    return ok("engines", names.join(", "), { engines: data });
  } catch (thrown) {
    return failing("engines", thrown, "mend the module");
  }
}
export function failing(name: string, thrown: unknown, otherwise: string): Check {
  const { message, hint } = explain(thrown);
  // Many a hint is this very command.
  return wrong(name, message, hint === null || hint.includes("rookery doctor") ? otherwise : hint);
}

export function checkHome(home: Setting<string>): Check {
  const data = { path: home.value, from: home.from };
  const place = existing(home.value);
  if (!statSync(place).isDirectory()) {
    const what = place === home.value ? place : `${home.value}: ${place}`;
    return wrong("home", `${what} is no folder`, "name a folder with --home or ROOKERY_HOME", data);
  }
  if (!isWritable(place)) return wrong("home", `${place} is not writable by this user`, NOT_WRITABLE, data);
  try {
    const probe = join(place, `.rookery-doctor-${process.pid}`);
    closeSync(openSync(probe, "wx"));
    unlinkSync(probe);
  } catch (thrown) {
    return wrong("home", `${place} cannot be written: ${messageOf(thrown)}`, NOT_WRITABLE, data);
  }
  if (place !== home.value) return ok("home", `${home.value} (made by the first enqueue)`, data);
  return ok("home", `${home.value}, writable`, data);
}
/** It, or the nearest folder above that is there. */
function existing(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existing(dirname(path));
}

export function checkDisk(home: Setting<string>): Check {
  const { bavail, bsize } = statfsSync(existing(home.value));
  const free = bavail * bsize;
  const found = `${bytesText(free)} free`;
  return free < LITTLE_BYTES
    ? notice("disk", found, "make room: a full disk stops every write", { free })
    : ok("disk", found, { free });
}
