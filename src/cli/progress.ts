/** How far an item is, while something works on it: one live line on a terminal, a line per change elsewhere. */
import type { Embedded } from "../embedded.ts";
import type { ItemStatus } from "../runtime/inspect.ts";
import type { Cli } from "./cli.ts";
import { statusBrief, stepName } from "./output/item.ts";
import { clean, cut } from "./output/text.ts";
import { duration } from "./output/time.ts";
import { pauseFor } from "./pause-for.ts";

const LIVE_MS = 100;
const PLAIN_MS = 250;
/** An item of 10,000 quick steps is not 10,000 lines. */
const LINE_EVERY_MS = 1_000;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/** Before anything else is written while a live line stands. */
export const CLEAR_LINE = "\r\x1b[2K";

/** Until the signal fires. Never rejects: a look that fails is one that is missing. */
export async function showProgress(cli: Cli, store: Embedded, workId: string, ended: AbortSignal): Promise<void> {
  if (cli.print.json) return;
  const live = hasLiveLine(cli);
  const show = live ? liveLine(cli) : plainLines(cli);
  const startedAtMs = Date.now();
  while (!ended.aborted) {
    const item = await store.status(workId).catch(() => null);
    if (item !== null && !ended.aborted) show(item, startedAtMs);
    await pauseFor(live ? LIVE_MS : PLAIN_MS, ended);
  }
  if (live) cli.io.stderr.write(CLEAR_LINE);
}

export function hasLiveLine({ io, print }: Cli): boolean {
  return !print.json && io.stderr.isTTY === true && io.env["TERM"] !== "dumb";
}

type Show = (item: ItemStatus, startedAtMs: number) => void;

function liveLine({ io, print }: Cli): Show {
  let frame = 0;
  return (item, startedAtMs) => {
    frame = (frame + 1) % FRAMES.length;
    io.stderr.write(`${CLEAR_LINE}${cut(`${FRAMES[frame]} ${textOf(item, startedAtMs)}`, print.columns - 1)}`);
  };
}

function plainLines({ io }: Cli): Show {
  let [shown, shownAtMs] = ["", 0];
  return (item, startedAtMs) => {
    const nowMs = Date.now();
    const state = `${item.version} ${item.status} ${item.attempt}`;
    if (item.status === "queued" || state === shown || nowMs - shownAtMs < LINE_EVERY_MS) return;
    [shown, shownAtMs] = [state, nowMs];
    io.stderr.write(`${textOf(item, startedAtMs)}\n`);
  };
}

function textOf(item: ItemStatus, startedAtMs: number): string {
  const nowMs = Date.now();
  const attempt = item.attempt > 1 ? `, attempt ${item.attempt}` : "";
  const name = stepName(item);
  const step = `version ${item.version}${name === null ? "" : `, ${name}`}${attempt}`;
  return `${clean(item.engine)}: ${statusBrief(item, nowMs)}, ${step}, ${duration(nowMs - startedAtMs)}`;
}
