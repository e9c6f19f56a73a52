/** Commands to type next, with the flags that were given for this one. */
import type { ItemStatus } from "../runtime/inspect.ts";
import type { EffectEntry } from "../runtime/resolve.ts";
import type { Cli } from "./cli.ts";
import { shellWord } from "./refs.ts";

/** `rookery --home x status <id>`: where the flags said something that the next command must hear, too. */
export function suggestion({ flags }: Pick<Cli, "flags">, ...words: readonly string[]): string {
  const told = [
    ...(flags.home === undefined ? [] : ["--home", flags.home]),
    ...(flags.stack === undefined ? [] : ["--stack", flags.stack]),
    ...(flags.namespace === undefined ? [] : ["--namespace", flags.namespace]),
    ...(flags.config === undefined ? [] : ["--config", flags.config]),
    ...(flags.engines ?? []).flatMap((module) => ["--engines", module]),
  ];
  return ["rookery", ...words, ...told].map(shellWord).join(" ");
}

/** How to say what became of the effects that are in doubt: the first of them stands for all. */
export function resolveSteps(cli: Pick<Cli, "flags">, workId: string, effects: readonly EffectEntry[]): string[] {
  const inDoubt = effects.filter(({ state }) => state === "in_doubt");
  const [first] = inDoubt;
  if (first === undefined) return [];
  const several = inDoubt.filter(({ key }) => key === first.key).length > 1;
  const step = several ? ["--step", String(first.step)] : [];
  // A word that is said again, as its answer did not come, must not be one about a later doubt.
  const since = first.sinceMs === null ? [] : ["--since", String(first.sinceMs)];
  const say = (...words: readonly string[]) => suggestion(cli, "resolve", workId, first.key, ...step, ...since, ...words);
  return [say("--happened", "<json>"), say("--did-not-happen")];
}

export interface Circumstances {
  /** Nobody can work on it from here. */
  readonly engineMissing: boolean;
  /** The functions of a stack work on it by themselves. */
  readonly onStack: boolean;
  /** Of an item that may wait for a person's word about one. */
  readonly effects: readonly EffectEntry[];
}

/** What one can do with an item as it stands. */
export function nextSteps(
  cli: Pick<Cli, "flags">,
  item: ItemStatus,
  { engineMissing, onStack, effects }: Circumstances,
): string[] {
  const say = (...words: readonly string[]): string => suggestion(cli, ...words, item.workId);
  const work = onStack
    ? [say("events", "--follow"), suggestion(cli, "doctor")]
    : [suggestion(cli, "worker"), suggestion(cli, "run", "--id", item.workId)];
  if (engineMissing) return [suggestion(cli, "engines")];
  if (item.unread > 0 && item.holder === null) return work;
  switch (item.status) {
    case "queued":
      return work;
    case "running":
      return [say("events", "--follow"), say("cancel")];
    case "sleeping":
    case "closing":
      return [item.findingOut ? say("effects") : say("events"), say("pause"), say("cancel")];
    case "waiting": {
      const [name] = item.waitsFor?.signals ?? [];
      const send = name === undefined ? [] : [`${say("signal")} ${shellWord(name)} '<json>'`];
      const children = item.waitsFor?.group === null || item.waitsFor === null ? [] : [say("children")];
      return [...send, ...children, say("events"), say("cancel")];
    }
    case "paused":
      return effects.some(({ state }) => state === "in_doubt")
        ? [say("effects"), ...resolveSteps(cli, item.workId, effects), say("cancel")]
        : [say("resume"), say("cancel")];
    case "completed":
      return item.artifacts > 0 ? [say("artifact", "list")] : [say("events")];
    case "failed":
    case "dead_lettered":
      return [...resolveSteps(cli, item.workId, effects), say("redrive"), say("events")];
    case "cancelled":
      return [...resolveSteps(cli, item.workId, effects), say("events")];
  }
}
