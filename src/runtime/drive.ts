/**
 * Works on one item, directly, until it ends: what `rookery run` does, without waiting for a message. While it waits, its
 * children are worked on, too (drive-children.ts). The protocol is the same as a worker's; only the message is made up
 * (stand.ts).
 *
 * G2: a death counts against the item when nothing else ran in the process: always, unless steps of children still ran.
 */
import { isOwed } from "../domain/decide.ts";
import { assertNever, UnknownEngineError, UnknownWorkItemError } from "../domain/errors.ts";
import { isEnded, isPaused } from "../domain/head.ts";
import type { WorkId } from "../domain/ids.ts";
import { SECOND_MS } from "../domain/limits.ts";
import { mayBegin } from "./admission.ts";
import type { Company, Place } from "./company.ts";
import { type Deps, pause } from "./deps.ts";
import { driveChildren } from "./drive-children.ts";
import type { Engines } from "./engines.ts";
import { lookAtGroup } from "./group.ts";
import { sendHint, sendNext } from "./hints.ts";
import { type LiveRecords, readLive } from "./live.ts";
import { patiently } from "./records.ts";
import { createStand, giveBackAfter } from "./stand.ts";
import { decideNow, loadedEngine, type WorkHost } from "./work.ts";

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
  const { graceMs } = options;
  let abandoned = false;
  const onAbandoned = (id: string): void => {
    abandoned = true;
    options.onAbandoned(id);
  };
  const messageId = `drive-${deps.nonce()}`;
  const children = driveChildren(deps, engines, workId, { messageId, stop, graceMs, onAbandoned });
  const stand = createStand(deps, messageId, workId, children.hear);
  const giveBack = giveBackAfter(deps, stop, graceMs);
  let ended = false;
  try {
    for (;;) {
      const live = await read(deps, workId);
      const left = (options.untilVersion ?? Number.POSITIVE_INFINITY) - live.head.version;
      const next = await nextFor(stand.deps, engines, live, messageId);
      if (next.kind === "over") {
        ended = next.driven === "ended";
        return next.driven;
      }
      const driven = abandoned ? "abandoned" : stop.aborted ? "stopped" : left <= 0 ? "reached" : null;
      if (driven !== null && next.kind !== "settle") return await leave(deps, live, driven);
      if (next.kind === "wait") await (live.hasChildren ? children.workFor(next.ms) : pause(deps.clock, next.ms, stop));
      else {
        const place = await enter(children.company, stop);
        if (place === null) continue;
        const host = hostOf(place, stop, left, giveBack.signal, onAbandoned);
        const hiddenMs = await stand.work(engines, live.head.version, host).finally(() => place.leave());
        if (hiddenMs > 0) await pause(deps.clock, Math.min(hiddenMs, LOOK_MS), stop);
      }
    }
  } finally {
    giveBack.cancel();
    await children.end(ended);
  }
}

/** Alone, where nothing else runs. Null when the stop came while it waited for that. */
async function enter(company: Company, stop: AbortSignal): Promise<Place | null> {
  const place = await company.enter();
  return company.running() > 1 || stop.aborted || (await place.becomeAlone(stop)) ? place : null;
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
  const hand = { messageId, version: head.version, token: head.token, receiveCount: 1 };
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

function hostOf(
  place: Place,
  stop: AbortSignal,
  left: number,
  giveBack: AbortSignal,
  abandoned: (workId: string) => void,
): WorkHost {
  return {
    endsAtMs: null,
    shouldYield: ({ steps }) => stop.aborted || steps >= left || place.isWaitedFor(),
    giveBack,
    committed: () => undefined,
    abandoned: (workId) => {
      place.leaveBehind();
      abandoned(workId);
    },
    becomeAlone: () => place.becomeAlone(stop),
    isAlone: () => place.isAlone(),
    wouldDieAlone: () => place.wouldDieAlone(),
  };
}
