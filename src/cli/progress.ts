/** How far an item is, while something works on it: one live line on a terminal, a line per change elsewhere. */
import type { LogFields, Logger } from "../ports/logger.ts";
import type { ItemStatus } from "../runtime/inspect.ts";
import type { GroupStatus } from "../runtime/tree.ts";
import type { Cli } from "./cli.ts";
import { suggestion } from "./next-steps.ts";
import { digits, statusBrief, stepName, waitsText } from "./output/item.ts";
import { clean, cut } from "./output/text.ts";
import { duration, relative } from "./output/time.ts";
import { pauseFor } from "./pause-for.ts";
import type { Store } from "./store.ts";

const LIVE_MS = 100;
const PLAIN_MS = 250;
/** An item of 10,000 quick steps is not 10,000 lines. */
const LINE_EVERY_MS = 1_000;
/** Nor are 5,000 children 5,000 lines. */
const COUNT_EVERY_MS = 10_000;
/** Counting a large group takes its time. */
const GROUP_EVERY_MS = 500;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/** Before anything else is written while a live line stands. */
export const CLEAR_LINE = "\r\x1b[2K";

interface Seen {
  readonly item: ItemStatus;
  /** What it waits for, when that is a group. */
  readonly group: GroupStatus | null;
}

/** Until the signal fires. Never rejects: a look that fails is one that is missing. */
export async function showProgress(cli: Cli, store: Store, workId: string, ended: AbortSignal): Promise<void> {
  if (cli.print.json) return;
  const live = hasLiveLine(cli);
  const show = live ? liveLine(cli) : plainLines(cli);
  const look = lookAt(store, workId);
  const tell = tellHowToSignal(cli, live);
  const startedAtMs = Date.now();
  while (!ended.aborted) {
    const seen = await look().catch(() => null);
    if (seen !== null && !ended.aborted) {
      tell(seen.item);
      show(seen, startedAtMs);
    }
    await pauseFor(live ? LIVE_MS : PLAIN_MS, ended);
  }
  if (live) cli.io.stderr.write(CLEAR_LINE);
}

function lookAt(store: Store, workId: string): () => Promise<Seen> {
  let [groups, readAtMs]: [readonly GroupStatus[], number] = [[], 0];
  return async () => {
    const item = await store.status(workId);
    const name = item.status === "waiting" ? item.waitsFor?.group : null;
    if (name === null || name === undefined) return { item, group: null };
    const nowMs = Date.now();
    if (nowMs - readAtMs >= GROUP_EVERY_MS) [groups, readAtMs] = [await store.groups(workId), nowMs];
    return { item, group: groups.find((group) => group.name === name) ?? null };
  };
}

/** Nobody here will send it. Said once per wait. */
function tellHowToSignal(cli: Cli, live: boolean): (item: ItemStatus) => void {
  let told = -1;
  return ({ status, version, waitsFor, workId }) => {
    const names = status === "waiting" ? (waitsFor?.signals ?? []) : [];
    if (names.length === 0 || told === version) return;
    told = version;
    if (live) cli.io.stderr.write(CLEAR_LINE);
    cli.print.note(
      `it waits for ${waitsText({ signals: names, group: null })}; send it from another terminal, with its payload:`,
    );
    for (const name of names) cli.print.note(`  ${suggestion(cli, "signal", workId, name, "<json>")}`);
  };
}

/** For the process that works below the live line of another. */
export function loggerAboveLine(cli: Cli): Logger {
  if (!hasLiveLine(cli)) return cli.logger;
  const above = (level: keyof Logger) => (message: string, fields?: LogFields) => {
    cli.io.stderr.write(CLEAR_LINE);
    cli.logger[level](message, fields);
  };
  return { debug: above("debug"), info: above("info"), warn: above("warn"), error: above("error") };
}

export function hasLiveLine({ io, print }: Cli): boolean {
  return !print.json && io.stderr.isTTY === true && io.env["TERM"] !== "dumb";
}

type Show = (seen: Seen, startedAtMs: number) => void;

function liveLine({ io, print }: Cli): Show {
  let frame = 0;
  return (seen, startedAtMs) => {
    frame = (frame + 1) % FRAMES.length;
    io.stderr.write(`${CLEAR_LINE}${cut(`${FRAMES[frame]} ${textOf(seen, startedAtMs)}`, print.columns - 1)}`);
  };
}

function plainLines({ io }: Cli): Show {
  let [shown, shownAtMs, count] = ["", 0, ""];
  return (seen, startedAtMs) => {
    const { item } = seen;
    const nowMs = Date.now();
    const state = `${item.version} ${item.status} ${item.attempt}`;
    const everyMs = state === shown ? COUNT_EVERY_MS : LINE_EVERY_MS;
    const isNews = state !== shown || countOf(seen) !== count;
    if (item.status === "queued" || !isNews || nowMs - shownAtMs < everyMs) return;
    [shown, shownAtMs, count] = [state, nowMs, countOf(seen)];
    io.stderr.write(`${textOf(seen, startedAtMs)}\n`);
  };
}

/** What says most comes first: a narrow terminal cuts the rest. */
function textOf(seen: Seen, startedAtMs: number): string {
  const { item } = seen;
  const nowMs = Date.now();
  const attempt = item.attempt > 1 ? `, attempt ${item.attempt}` : "";
  const name = stepName(item);
  const step = `version ${item.version}${name === null ? "" : `, ${name}`}${attempt}`;
  const took = duration(nowMs - startedAtMs);
  return item.status === "waiting"
    ? `${clean(item.engine)}: ${waitOf(seen, nowMs)}, ${took}, ${step}`
    : `${clean(item.engine)}: ${statusBrief(item, nowMs)}, ${step}, ${took}`;
}

/** `waiting for children: 1,200 of 5,000, 3 badly`, `waiting for signal stop or children: 3 of 5`. */
function waitOf(seen: Seen, nowMs: number): string {
  const { wakeAtMs, waitsFor } = seen.item;
  const children = waitsFor?.group === null || waitsFor === null ? [] : [`children${countOf(seen)}`];
  const signals = waitsFor === null || waitsFor.signals.length === 0 ? [] : [waitsText({ ...waitsFor, group: null })];
  const whats = [...signals, ...children].join(" or ");
  if (whats !== "") return `waiting for ${whats}`;
  return `waiting for its timeout ${relative(wakeAtMs ?? nowMs, nowMs)}`;
}
function countOf({ group }: Seen): string {
  if (group === null) return "";
  const { total, succeeded, failed } = group;
  return `: ${digits(succeeded + failed)} of ${digits(total)}${failed === 0 ? "" : `, ${digits(failed)} badly`}`;
}
