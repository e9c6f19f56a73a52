/** What `enqueue` and `run` share: the payload, the options of a new item, and finding its engine. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Engine } from "../domain/engine.ts";
import { describe, messageOf, quote, UnknownEngineError } from "../domain/errors.ts";
import { decodeJson, type Json } from "../domain/json.ts";
import { LANES, type Lane } from "../domain/lane.ts";
import type { Enqueued } from "../runtime/enqueue.ts";
import type { Cli } from "./cli.ts";
import { CliError, EXIT } from "./exit.ts";
import type { Io } from "./io.ts";
import { requireSignal } from "./item-signals.ts";
import { ENGINES_HINT } from "./needs.ts";
import { durationOption, labelOption } from "./option-values.ts";
import { clean } from "./output/text.ts";
import type { Store } from "./store.ts";
import { nearest } from "./suggest.ts";

export interface StartFlags {
  readonly key?: string;
  readonly lane?: Lane;
  readonly tenant?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly delay?: number;
  readonly deadline?: number;
  readonly again?: boolean;
  readonly signal?: string;
  readonly signalPayload?: string;
  readonly signalId?: string;
}

export function addStartOptions(command: Command): Command {
  const lane = command.createOption("--lane <lane>", "who goes first (default: normal)").choices([...LANES]);
  return command
    .option("--key <key>", "the same key, engine and namespace name the same item")
    .option("--again", "start a new life when the key's item has ended")
    .addOption(lane)
    .option("--tenant <name>", "tenants of a lane take turns")
    .option("--label <name=value>", "to find it again with list --label; repeatable", labelOption)
    .option("--delay <duration>", "not before: 10m, 1h30m, PT10M, 500 (ms)", durationOption)
    .option("--deadline <duration>", "fail it when it has not ended by then", durationOption)
    .option("--signal <name>", "a signal that goes with it, also to the item of a --key")
    .option("--signal-payload <json>", "of --signal: JSON, @file for a file (default: {})")
    .option("--signal-id <id>", "of --signal: the same id again is the same signal");
}

/** @throws CliError, UnknownEngineError, SchemaError, KeyConflictError */
export async function startItem(cli: Cli, store: Store, engineId: string, payload: Json, flags: StartFlags): Promise<Enqueued> {
  if (flags.again === true && flags.key === undefined)
    throw new CliError(EXIT.usage, "--again: expected a --key beside it, whose item has ended");
  const contract = await findEngine(cli, engineId);
  const signal = await signalOf(cli, contract, flags);
  const enqueued = await store.enqueue(contract, payload, {
    ...(flags.key === undefined ? {} : { key: flags.key }),
    ...(flags.lane === undefined ? {} : { lane: flags.lane }),
    ...(flags.tenant === undefined ? {} : { tenant: flags.tenant }),
    ...(flags.label === undefined ? {} : { labels: flags.label }),
    ...(flags.delay === undefined ? {} : { delayMs: flags.delay }),
    ...(flags.deadline === undefined ? {} : { deadlineMs: flags.deadline }),
    ...(flags.again === true ? { ifEnded: "again" } : {}),
    ...(signal === null ? {} : { signal }),
  });
  if (!enqueued.created) cli.print.note(existingText(flags));
  if (!enqueued.accepted) {
    cli.print.note(`signal ${flags.signal} was not accepted: the item has ended; --again starts a new life`);
    cli.endWith(EXIT.refused);
  }
  return enqueued;
}

/** The signal that goes with the item; null for none. @throws CliError */
async function signalOf(cli: Cli, engine: Engine, flags: StartFlags) {
  const { signal: name, signalPayload, signalId: id } = flags;
  if (name === undefined) {
    if (signalPayload === undefined && id === undefined) return null;
    throw new CliError(EXIT.usage, "--signal-payload and --signal-id: expected a --signal beside them");
  }
  requireSignal(engine.id, name, Object.keys(engine.signals));
  if (signalPayload === "-") throw new CliError(EXIT.usage, "--signal-payload: expected JSON or @file, got -");
  const payload = await readPayload(signalPayload, cli.io);
  return { name, payload, ...(id === undefined ? {} : { id }) };
}

const ITEM_FLAGS = ["lane", "tenant", "label", "delay", "deadline"] as const;

function existingText(flags: StartFlags): string {
  const ignored = ITEM_FLAGS.filter((name) => flags[name] !== undefined).map((name) => `--${name}`);
  const options = ignored.length === 0 ? "" : `; not applied to it: ${ignored.join(", ")}`;
  return `key ${clean(quote(flags.key ?? ""))} names an existing item: nothing new was started${options}`;
}

/** @throws CliError when it is not loaded here */
export async function findEngine(cli: Cli, id: string): Promise<Engine> {
  const loaded = await (await cli.context()).engines();
  const found = loaded.find(({ engine }) => engine.id === id);
  if (found !== undefined) return found.engine;
  const known = loaded.map(({ engine }) => engine.id);
  const near = nearest(id, known);
  throw new CliError(EXIT.notFound, new UnknownEngineError(id, known).message, {
    hint: near === null ? ENGINES_HINT : `did you mean ${near}?`,
  });
}

const STDIN = "stdin";

interface PayloadWords {
  /** What it is called in errors. */
  readonly what?: string;
  /** A command that reads it from stdin. */
  readonly usage?: string;
}

/** JSON as it stands, `-` for stdin, `@file` for a file; nothing is an empty object. @throws CliError */
export async function readPayload(text: string | undefined, io: Io, words: PayloadWords = {}): Promise<Json> {
  const { what = "payload", usage = "enqueue <engine> -" } = words;
  if (text === undefined) return {};
  if (text === "-") return parse(await readStdin(io), STDIN, usage);
  if (!text.startsWith("@")) return parse(text, what, usage);
  const path = resolve(io.cwd, text.slice(1));
  try {
    return parse(await readFile(path, "utf8"), path, usage);
  } catch (thrown) {
    if (thrown instanceof CliError) throw thrown;
    throw new CliError(EXIT.usage, `${what}: cannot read ${path}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
async function readStdin(io: Io): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of io.stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
function parse(text: string, what: string, usage: string): Json {
  if (text.trim() === "" && what === STDIN)
    throw new CliError(EXIT.usage, `${what}: expected JSON, got nothing`, {
      hint: `pipe it in: echo '{"name": "value"}' | rookery ${usage}`,
    });
  try {
    return decodeJson(text);
  } catch (thrown) {
    throw new CliError(EXIT.usage, `${what}: expected JSON, got ${describe(text)} (${messageOf(thrown)})`, {
      cause: thrown,
      hint: `in quotes for the shell: '{"name": "value"}'; or from a file: @payload.json`,
    });
  }
}
