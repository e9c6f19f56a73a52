/** `rookery effects`: the ledgers of an item's side effects, and which of them want a person's word. */
import type { EffectEntry } from "../../runtime/resolve.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { resolveSteps } from "../next-steps.ts";
import { effectText, effectTint, effectWord } from "../output/effect.ts";
import { type RefOptions, refOf, takesItem } from "../refs.ts";

const DIGEST_CHARS = 8;

const HELP = `
In doubt: whether it happened is not known. Its engine asks the outside system,
runs it again, or has parked the item for you: see rookery resolve --help.`;

export const configureEffects: Configure = (command, cli) => {
  takesItem(command)
    .addHelpText("after", HELP)
    .action((id: string | undefined, options: RefOptions) => showEffects(cli(), id, options));
};

async function showEffects(cli: Cli, id: string | undefined, options: RefOptions): Promise<void> {
  const ref = refOf(id, options);
  const store = await cli.existing();
  const { workId } = await store.status(ref);
  const effects = await store.effects(ref);
  if (cli.print.json) return cli.print.document(effects);
  if (effects.length === 0) return cli.print.note("it has no effects");
  const nowMs = Date.now();
  cli.print.table<EffectEntry>(
    [
      { head: "STEP", cell: ({ step }) => String(step), align: "right", cut: "never" },
      { head: "KEY", cell: ({ key, scope }) => (scope === "item" ? `${key} (item)` : key) },
      { head: "STATE", cell: effectWord, tint: effectTint, cut: "never" },
      { head: "TRY", cell: ({ attempt }) => String(attempt), align: "right", cut: "never" },
      { head: "INPUT", cell: ({ inputDigest }) => `${inputDigest.slice(0, DIGEST_CHARS)}…`, cut: "never" },
      { head: "WHAT IS KNOWN", cell: (effect) => effectText(effect, nowMs), cut: "first" },
    ],
    effects,
  );
  for (const line of resolveSteps(cli, workId, effects)) cli.print.hint(line);
}
