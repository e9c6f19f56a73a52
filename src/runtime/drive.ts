/**
 * Works on one item, directly and alone in its process, until it ends: what `rookery run` does, without waiting for a
 * message. The protocol is the same as a worker's (claim, fence, commit, look); only the message is made up: it is in
 * no queue, so hiding and deleting it does nothing.
 *
 * G3: while it lasts it stands for the item's message, and DUE for it should it die. The hints that commits would send
 *     for the item are held back, or a store where nobody but `rookery run` works would collect one per sleep; the one that the
 *     item then needs is sent when it is left open.
 */
import { isOwed } from "../domain/decide.ts";
import { assertNever, UnknownEngineError, UnknownWorkItemError } from "../domain/errors.ts";
import { isEnded, isPaused } from "../domain/head.ts";
import type { WorkId } from "../domain/ids.ts";
import { MAX_DELAY_MS, SECOND_MS } from "../domain/limits.ts";
import type { Message, WorkQueue } from "../ports/work-queue.ts";
import { decodeHint, encodeHint } from "../wire/hint.ts";
import { mayBegin } from "./admission.ts";
import { type Deps, pause } from "./deps.ts";
import type { Engines } from "./engines.ts";
import { lookAtGroup } from "./group.ts";
import { sendHint, sendNext } from "./hints.ts";
import { type LiveRecords, readLive } from "./live.ts";
import { patiently } from "./records.ts";
import { decideNow, loadedEngine, type WorkHost, work } from "./work.ts";

/**
 * `reached`: the version that was asked for. `paused`: only a resume lets it go on. `abandoned`: a step did not heed
 * its abort signal; replace the process and drive on.
 */
export type Driven = "ended" | "reached" | "paused" | "stopped" | "abandoned";

export interface DriveOptions {
  /** Stop once this version is committed. Null: go on to the end. */
  readonly untilVersion: number | null;
  /** How long a running step may go on after a stop before it is given back. */
  readonly graceMs: number;
  readonly onAbandoned: (workId: string) => void;
}

/** How often to look for commands, or for an item that somebody else works on. */
const LOOK_MS = SECOND_MS / 4;
const BUSY_LOOK_MS = SECOND_MS / 20;

/** @throws UnknownWorkItemError, UnknownEngineError when it, or its version, is not loaded here. */
export async function drive(
  deps: Deps,
  engines: Engines,
  workId: WorkId,
  stop: AbortSignal,
  options: DriveOptions,
): Promise<Driven> {
  const stand = createStand(deps, workId);
  const giveBack = giveBackAfter(deps, stop, options.graceMs);
  let abandoned = false;
  const onAbandoned = (id: string): void => {
    abandoned = true;
    options.onAbandoned(id);
  };
  try {
    for (;;) {
      const live = await read(deps, workId);
      const left = (options.untilVersion ?? Number.POSITIVE_INFINITY) - live.head.version;
      const next = await nextFor(deps, engines, live, stand.id);
      if (next.kind === "over") return next.driven;
      const driven = abandoned ? "abandoned" : stop.aborted ? "stopped" : left <= 0 ? "reached" : null;
      if (driven !== null && next.kind !== "settle") return await leave(deps, live, driven);
      if (next.kind === "wait") await pause(deps.clock, next.ms, stop);
      else {
        const host = hostOf(stop, left, giveBack.signal, onAbandoned);
        const hiddenMs = await stand.work(engines, live.head.version, host);
        if (hiddenMs > 0) await pause(deps.clock, Math.min(hiddenMs, LOOK_MS), stop);
      }
    }
  } finally {
    giveBack.cancel();
  }
}

async function read(deps: Deps, workId: WorkId): Promise<LiveRecords> {
  const live = await patiently(deps, () => readLive(deps, workId));
  if (live.item === null) throw new UnknownWorkItemError(deps.namespace, workId);
  return live;
}

type Next = { kind: "over"; driven: "ended" | "paused" } | { kind: "wait"; ms: number } | { kind: "work" } | { kind: "settle" };

async function nextFor(deps: Deps, engines: Engines, live: LiveRecords, messageId: string): Promise<Next> {
  const { head, item, inbox } = live;
  const engine = loadedEngine(engines, live);
  if (engine === null && !(isEnded(head.status) && inbox.length === 0))
    throw new UnknownEngineError(
      `${item.engine} (version ${Math.max(1, head.engineVersion)} or later)`,
      engines.all.map(({ id, version }) => `${id} (version ${version})`),
    );
  const hand = { messageId, version: head.version, receiveCount: 1 };
  const decision = decideNow(deps, live, hand, { engineLoaded: engine !== null, own: null, groupSeen: false });
  switch (decision.kind) {
    case "claim":
      if (decision.claim.wake !== null && !(await mayBegin(deps, live))) return { kind: "wait", ms: LOOK_MS };
      return { kind: "work" };
    case "settle":
      return { kind: "settle" };
    case "look_at_group":
      return (await lookAtGroup(deps, live)) ? { kind: "work" } : { kind: "wait", ms: LOOK_MS };
    case "hide":
      return { kind: "wait", ms: Math.min(decision.delayMs, LOOK_MS) };
    case "delete":
      if (isEnded(head.status)) return { kind: "over", driven: "ended" };
      if (isPaused(head.status)) return { kind: "over", driven: "paused" };
      return { kind: "wait", ms: head.status.kind === "ready" ? BUSY_LOOK_MS : LOOK_MS };
    default:
      return assertNever(decision);
  }
}

/** An open item that nobody drives any more has a message again, for what came in too. */
async function leave(deps: Deps, live: LiveRecords, driven: Driven): Promise<Driven> {
  await sendNext(deps, live.item, live.head);
  if (isOwed(live, deps.clock.nowMs())) await sendHint(deps, live.item, null, 0);
  return driven;
}

/** The message that is in no queue. `work` answers for how long it was hidden: 0 when it was not. */
function createStand(deps: Deps, workId: WorkId) {
  const id = `drive-${deps.nonce()}`;
  let hiddenMs = 0;
  let receiveCount = 0;
  const queue: WorkQueue = {
    ...deps.queue,
    // Only its own hints are held back: a child's, or that of whoever it wakes, goes out.
    send: async (body, how) => {
      if (decodeHint(body).workId !== workId) await deps.queue.send(body, how);
    },
    remove: async () => {
      hiddenMs = 0;
    },
    bury: async () => undefined,
    hide: async (_message, delayMs) => {
      hiddenMs = Math.min(delayMs, MAX_DELAY_MS);
    },
  };
  return {
    id,
    async work(engines: Engines, version: number, host: WorkHost): Promise<number> {
      receiveCount += 1;
      hiddenMs = 0;
      const body = encodeHint({ namespace: deps.namespace, workId, version });
      const message: Message = { id, body, receiveCount, receipt: id };
      await work({ ...deps, queue }, engines, message, host);
      return hiddenMs;
    },
  };
}

/** Nothing else works in this process, so a death counts against the item. */
function hostOf(stop: AbortSignal, left: number, giveBack: AbortSignal, abandoned: (workId: string) => void): WorkHost {
  return {
    shouldYield: (steps) => stop.aborted || steps >= left,
    giveBack,
    committed: () => undefined,
    abandoned,
    becomeAlone: async () => true,
    isAlone: () => true,
  };
}

function giveBackAfter(deps: Deps, stop: AbortSignal, graceMs: number): { signal: AbortSignal; cancel: () => void } {
  const controller = new AbortController();
  let cancelTimer = (): void => undefined;
  const start = (): void => {
    cancelTimer = deps.clock.after(graceMs, () => controller.abort());
  };
  stop.addEventListener("abort", start, { once: true });
  if (stop.aborted) start();
  return {
    signal: controller.signal,
    cancel: () => {
      stop.removeEventListener("abort", start);
      cancelTimer();
    },
  };
}
