/** `rookery resolve`: a person's word on an effect in doubt; a parked item then goes on. */
import { InvalidArgumentError } from "commander";
import type { Resolution } from "../../domain/resolution.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { CliError, EXIT } from "../exit.ts";
import { suggestion } from "../next-steps.ts";
import { effectWord } from "../output/effect.ts";
import { clean } from "../output/text.ts";
import { refOf } from "../refs.ts";
import { readPayload } from "../start.ts";

interface ResolveFlags {
  readonly happened?: string;
  readonly didNotHappen?: boolean;
  readonly fail?: string | true;
  readonly step?: number;
  readonly since?: number;
}

const HELP = `
Look at the outside system first: rookery cannot know. The same word again is
the same; with --since it is never one about a later doubt. With
--did-not-happen its code is run again, with --fail its step is told by an
error that it was given up.`;

export const configureResolve: Configure = (command, cli) => {
  command
    .argument("<id>", "id, or <engine>/<key>")
    .argument("<key>", "of the effect; see: rookery effects <id>")
    .option("--happened <json>", "it did, with this result: JSON, - for stdin, @file")
    .option("--did-not-happen", "it did not: it is run again")
    .option("--fail [reason]", "give it up")
    .option("--step <number>", "where several steps have an effect of that key in doubt", wholeOption)
    .option("--since <ms>", "refuse unless it is in doubt since then", wholeOption)
    .addHelpText("after", HELP)
    .action((id: string, key: string, flags: ResolveFlags) => resolveEffect(cli(), id, key, flags));
};
function wholeOption(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError(`expected a whole number, got ${JSON.stringify(text)}`);
  return Number(text);
}

async function resolveEffect(cli: Cli, id: string, key: string, flags: ResolveFlags): Promise<void> {
  const ref = refOf(id, {});
  const resolution = await resolutionOf(cli, flags);
  const store = await cli.existing();
  const { step, since } = flags;
  const effect = await store.resolve(ref, key, resolution, {
    ...(step === undefined ? {} : { step }),
    ...(since === undefined ? {} : { sinceMs: since }),
  });
  const item = await store.status(ref);
  if (cli.print.json) return cli.print.document({ workId: item.workId, effect });
  cli.print.line(
    `effect ${clean(key)} of ${item.workId} is ${effectWord(effect)}${effect.state === "open" ? ": it is run again" : ""}`,
  );
  if (item.holder === null && item.unread > 0)
    cli.print.hint(`it waits for a worker; when none is at work: ${suggestion(cli, "worker")}`);
}

/** @throws CliError unless exactly one thing is said. */
async function resolutionOf(cli: Cli, { happened, didNotHappen, fail }: ResolveFlags): Promise<Resolution> {
  const said = [happened, didNotHappen, fail].filter((one) => one !== undefined).length;
  if (said !== 1)
    throw new CliError(EXIT.usage, `expected one of --happened <json>, --did-not-happen and --fail, got ${said} of them`);
  if (happened !== undefined)
    return {
      happened: true,
      result: await readPayload(happened, cli.io, { what: "--happened", usage: "resolve <id> <key> --happened -" }),
    };
  return fail === undefined ? { happened: false } : { fail: fail === true ? "given up by an operator" : fail };
}
