/** How a command line names a work item: by its id, as `<engine>/<key>`, or by --engine and --key. */
import type { Command } from "commander";
import { isWorkId } from "../domain/ids.ts";
import type { Ref } from "../runtime/client.ts";
import { untypedContract } from "../runtime/untyped.ts";
import { CliError, EXIT } from "./exit.ts";

export interface RefOptions {
  readonly engine?: string;
  readonly key?: string;
}

/** @throws CliError when nothing is named, or two things are. */
export function refOf(text: string | undefined, options: RefOptions): Ref {
  const refs = refsOf(text === undefined ? [] : [text], options);
  const [ref] = refs;
  if (ref === undefined) throw missing();
  return ref;
}
/** @throws CliError when nothing is named. */
export function refsOf(texts: readonly string[], options: RefOptions): Ref[] {
  const { engine, key } = options;
  if ((engine === undefined) !== (key === undefined)) throw new CliError(EXIT.usage, "--engine and --key name an item together");
  const named = engine === undefined || key === undefined ? [] : [byKey(engine, key)];
  if (named.length > 0 && texts.length > 0) throw new CliError(EXIT.usage, "expected an id, or --engine and --key, got both");
  const refs = [...texts.map(parseRef), ...named];
  if (refs.length === 0) throw missing();
  return refs;
}
function missing(): CliError {
  return new CliError(EXIT.usage, "expected the id of a work item", {
    hint: "enqueue prints it, and rookery list shows all of them",
  });
}

/** No id has a slash, and no engine has one: what follows the first is the key. */
function parseRef(text: string): Ref {
  const slash = text.indexOf("/");
  if (isWorkId(text) || slash < 1) return text;
  return byKey(text.slice(0, slash), text.slice(slash + 1));
}
/** Only the id of the contract is looked at: the engine need not be loaded to ask for its items. */
function byKey(engine: string, key: string): Ref {
  return { contract: untypedContract(engine), key };
}

/** The argument and the options of a command that takes one item. */
export function takesItem(command: Command): Command {
  return addKeyOptions(command.argument("[id]", "id, or <engine>/<key>"));
}
export function takesItems(command: Command): Command {
  return addKeyOptions(command.argument("[ids...]", "ids, or <engine>/<key>"));
}
function addKeyOptions(command: Command): Command {
  return command
    .option("--engine <id>", "with --key: the item of this engine")
    .option("--key <key>", "with --engine: the key that it was enqueued with");
}
/** How to name it again on a command line. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
