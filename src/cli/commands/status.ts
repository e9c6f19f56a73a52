/** `rookery status`: what an item is doing, since when, who is on it, and what one can do next. */
import type { ArtifactRef } from "../../domain/engine.ts";
import type { Json } from "../../domain/json.ts";
import { INBOX_READ } from "../../domain/limits.ts";
import type { ItemStatus, ShownStatus } from "../../runtime/inspect.ts";
import type { EffectEntry } from "../../runtime/resolve.ts";
import type { GroupStatus } from "../../runtime/tree.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { missingEngine } from "../needs.ts";
import { nextSteps } from "../next-steps.ts";
import {
  causeText,
  errorText,
  groupText,
  holderText,
  STATUS_TINTS,
  statusSentence,
  statusWord,
  stepName,
  unitsText,
  waitsText,
} from "../output/item.ts";
import type { Fact } from "../output/table.ts";
import { clean, cut } from "../output/text.ts";
import { instant, relative } from "../output/time.ts";
import { type RefOptions, refOf, takesItem } from "../refs.ts";

export const configureStatus: Configure = (command, cli) => {
  takesItem(command).action((id: string | undefined, options: RefOptions) => showStatus(cli(), id, options));
};

async function showStatus(cli: Cli, id: string | undefined, options: RefOptions): Promise<void> {
  const ref = refOf(id, options);
  const store = await cli.existing();
  const [item, artifacts, result] = [await store.status(ref), await store.artifacts(ref), await store.resultJson(ref)];
  const effects = MAY_BE_IN_DOUBT.includes(item.status) ? await store.effects(ref) : [];
  const groups = item.hasChildren ? await store.groups(ref) : [];
  if (cli.print.json) return cli.print.document({ ...item, groups, result });
  const onStack = (await cli.context()).where.kind === "stack";
  const missing = onStack ? null : await missingFor(cli, item);
  cli.print.facts(factsOf(cli, item, { artifacts, result, effects, groups, missing, onStack }));
}

/** Asked only of what waits: looking at an item needs no code of the user's, which may be broken. A stack has its own. */
async function missingFor(cli: Cli, item: ItemStatus): Promise<string | null> {
  if (item.status !== "queued" && item.status !== "sleeping") return null;
  return missingEngine(await cli.context(), item).catch(() => null);
}

const MAY_BE_IN_DOUBT: readonly ShownStatus[] = ["paused", "failed", "cancelled", "dead_lettered"];
const SHOWN_NAMES = 5;
const RESULT_CHARS = 400;

interface Beside {
  readonly artifacts: readonly ArtifactRef[];
  readonly result: Json;
  /** Of an item that may wait for a person's word about one, or ended without it. */
  readonly effects: readonly EffectEntry[];
  readonly groups: readonly GroupStatus[];
  readonly missing: string | null;
  readonly onStack: boolean;
}

function factsOf(cli: Cli, item: ItemStatus, { artifacts, result, effects, groups, missing, onStack }: Beside): Fact[] {
  const nowMs = Date.now();
  const word = cli.style(STATUS_TINTS[item.status], statusWord(item.status));
  const sentence = clean(statusSentence(item, nowMs, missing));
  return [
    ["id", item.workId],
    ["engine", item.engineVersion === 0 ? item.engine : `${item.engine} (version ${item.engineVersion})`],
    ["key", item.key === null ? null : cut(clean(item.key), 200)],
    ["status", sentence === "" ? word : `${word}, ${sentence}`],
    ...progressOf(item, nowMs),
    ["result", result === null ? null : cut(clean(JSON.stringify(result)), RESULT_CHARS)],
    ["artifacts", artifacts.length === 0 ? null : names(artifacts)],
    ["parent", item.parent === null ? null : parentText(item.parent)],
    ["children", item.hasChildren ? childrenText(groups) : null],
    ...originOf(item, nowMs),
    ...nextSteps(cli, item, { engineMissing: missing !== null, onStack, effects }).map(
      (line, i): Fact => [i === 0 ? "next" : " ", line, "whole"],
    ),
  ];
}

function progressOf(item: ItemStatus, nowMs: number): Fact[] {
  const { holder, error } = item;
  const ended = item.endedAtMs !== null;
  return [
    ["held by", holder === null ? null : `${holderText(holder.process)}, lease until ${relative(holder.expiresAtMs, nowMs)}`],
    ["saved", item.version === 0 ? "nothing yet" : `version ${item.version}, ${relative(item.updatedAtMs, nowMs)}`],
    [ended ? "last step" : "next step", stepName(item)],
    ["attempts", item.attempt === 0 ? null : `${item.attempt} at this step`],
    ["error", error === null || item.status === "completed" ? null : errorText(error)],
    ["cause", item.cause === null || item.cause.kind === "exhausted" ? null : causeText(item.cause)],
    ["recovering", item.recovering === null ? null : causeText(item.recovering)],
    ["unread", item.unread === 0 ? null : unreadText(item.unread)],
    ["waits for", item.status === "paused" ? waitedFor(item) : null],
    ["buffered", item.buffered === 0 ? null : bufferedText(item.buffered)],
    ["wakes", item.wakeAtMs === null || item.status !== "sleeping" ? null : at(item.wakeAtMs, nowMs)],
    ["deadline", item.deadlineAtMs === null ? null : at(item.deadlineAtMs, nowMs)],
    ["meters", pairs(item.meters)],
    ["used", item.units === null ? null : unitsText(item.units)],
    ["log", item.logEntries === 0 ? null : `${item.logEntries} ${item.logEntries === 1 ? "entry" : "entries"}`],
  ];
}

function unreadText(count: number): string {
  return count === 1 ? "1 command waits for a worker" : `${count} commands wait for a worker`;
}

/** Beneath a pause; the status line of a waiting item says it. */
function waitedFor({ waitsFor }: ItemStatus): string | null {
  if (waitsFor === null) return null;
  const whats = waitsText(waitsFor);
  return whats === "" ? "its timeout" : whats;
}
function bufferedText(count: number): string {
  const signals = count === 1 ? "1 signal" : count >= INBOX_READ ? `${INBOX_READ} signals or more` : `${count} signals`;
  return `${signals} that no step has taken yet`;
}

function parentText({ workId, key, group }: NonNullable<ItemStatus["parent"]>): string {
  return `${workId}, as ${cut(clean(key), 200)}${group === null ? "" : ` in group ${clean(group)}`}`;
}
function childrenText(groups: readonly GroupStatus[]): string {
  const shown = groups.slice(0, SHOWN_NAMES).map(groupText);
  const more = groups.length - SHOWN_NAMES;
  return groups.length === 0 ? "in no group" : `${shown.join("; ")}${more > 0 ? ` and ${more} more` : ""}`;
}
function originOf(item: ItemStatus, nowMs: number): Fact[] {
  return [
    ["labels", pairs(item.labels)],
    ["tenant", item.tenant === "" ? null : clean(item.tenant)],
    ["lane", item.lane === "normal" ? null : item.lane],
    ["enqueued", at(item.createdAtMs, nowMs)],
    ["kept until", item.rememberedUntilAtMs === null ? null : at(item.rememberedUntilAtMs, nowMs)],
  ];
}
function at(atMs: number, nowMs: number): string {
  return `${relative(atMs, nowMs)} (${instant(atMs)})`;
}
function pairs(values: Readonly<Record<string, string | number>>): string | null {
  const shown = Object.entries(values).map(([name, value]) => clean(`${name}=${value}`));
  return shown.length === 0 ? null : shown.join(" ");
}
function names(artifacts: readonly ArtifactRef[]): string {
  const shown = [...new Set(artifacts.map(({ name }) => clean(name)))];
  const more = shown.length - SHOWN_NAMES;
  return `${shown.slice(0, SHOWN_NAMES).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
