/**
 * The children of an item that is driven, and theirs: worked on while it waits, some at once, by the same protocol. Whose
 * turn it is is mostly known by the hints that their steps, starts and ends send; what comes from outside, or was there
 * before, is found by going through them.
 *
 * G3: children have messages of their own, which stay in the queue for others. Only the hints of a child that is in hand
 *     are held back; the one that it then needs is sent at the end, and DUE stands in for it until then.
 */
import { isEnded } from "../domain/head.ts";
import { itemPartition, type WorkId } from "../domain/ids.ts";
import type { Item } from "../domain/item.ts";
import { CHILD_RANGE } from "../domain/keys.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/limits.ts";
import { hasBegun, mayBegin } from "./admission.ts";
import { type Company, createCompany, type Place } from "./company.ts";
import { type Deps, pause } from "./deps.ts";
import type { Engines } from "./engines.ts";
import { sendNext } from "./hints.ts";
import { type LiveRecords, readLive } from "./live.ts";
import { childPages } from "./parent-end.ts";
import { patiently } from "./records.ts";
import { createStand, giveBackAfter } from "./stand.ts";
import { hadItsShare } from "./turn.ts";
import { loadedEngine, type WorkHost } from "./work.ts";

export interface DrivenChildren {
  /** Who runs in this process: the driven item enters it, too. */
  readonly company: Company;
  /** A hint for somebody, who may be one of them. */
  hear(workId: WorkId, delayMs: number): void;
  /** Works on them for so long, or until the driven item is hinted, or the stop. What runs then goes on beside the driven item. */
  workFor(ms: number): Promise<void>;
  /**
   * Resolves once everything is finished or given back. `parentEnded`: what its end has cancelled is ended, too, as far
   * as the grace goes.
   */
  end(parentEnded: boolean): Promise<void>;
}
export interface ChildrenOptions {
  readonly messageId: string;
  readonly stop: AbortSignal;
  readonly graceMs: number;
  readonly onAbandoned: (workId: string) => void;
}

const AT_ONCE = 10;
const PAGE = 200;
const CHECK_MS = 20;
/** How often to go through all that are open: rarely where they are many. */
const LOOK_MS = SECOND_MS / 4;
const LOOK_MS_EACH = 2;
const SLOWEST_LOOK_MS = 10 * SECOND_MS;
/** Those whose turn in their group has not come are hinted when it has: only what became of a lost hint is looked for. */
const TURN_LOOK_MS = MINUTE_MS;
const AGAIN_MS = SECOND_MS;

export function driveChildren(deps: Deps, engines: Engines, parentId: WorkId, options: ChildrenOptions): DrivenChildren {
  const { messageId, stop, graceMs } = options;
  const due = createAgenda(() => deps.clock.nowMs());
  const family = new Set<WorkId>([parentId]);
  const over = new Set<WorkId>();
  const notTheirTurn = new Set<WorkId>();
  /** Their own hints were held back. */
  const owed = new Set<WorkId>();
  const underWay = new Map<WorkId, Promise<void>>();
  const company = createCompany(() => fill());
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  const giveBack = giveBackAfter(deps, leaving.signal, graceMs);
  /** The driven item has something to do. */
  let called = new AbortController();
  let phase: "idle" | "open" | "last" = "idle";
  let [lookAtMs, turnLookAtMs] = [0, 0];
  stop.addEventListener("abort", leave, { once: true });
  if (stop.aborted) leave();

  function hear(workId: WorkId, delayMs: number): void {
    if (workId === parentId) called.abort();
    else {
      notTheirTurn.delete(workId);
      due.add(workId, delayMs);
      fill();
    }
  }
  function fill(): void {
    while (phase !== "idle" && underWay.size < AT_ONCE && !stop.aborted && !giveBack.signal.aborted && !company.isClosed()) {
      const workId = due.take((id) => !underWay.has(id));
      if (workId === null) return;
      const working = workOn(workId)
        .catch((error: unknown) => {
          deps.logger.warn("child not worked on", { workId, error: String(error) });
          due.add(workId, AGAIN_MS);
        })
        .finally(() => {
          underWay.delete(workId);
          fill();
        });
      underWay.set(workId, working);
    }
  }
  async function workOn(workId: WorkId): Promise<void> {
    const live = await patiently(deps, () => readLive(deps, workId));
    if (live.item === null || !isOfFamily(live.item)) return;
    family.add(workId);
    if (isEnded(live.head.status)) over.add(workId);
    if (live.hasChildren && phase === "open") await lookFor(workId);
    if (!(await canBeWorkedOn(live))) return;
    const stand = createStand(deps, messageId, workId, (id, delayMs) => {
      if (id === workId) owed.add(id);
      hear(id, delayMs);
    });
    const place = await company.enter();
    const hiddenMs = await stand.work(engines, live.head.version, hostOf(place)).finally(() => place.leave());
    if (hiddenMs > 0) due.add(workId, hiddenMs);
  }
  function isOfFamily({ parent }: Item): boolean {
    return parent !== null && family.has(parent.workId);
  }
  /** An engine that is not loaded here is left to others. */
  async function canBeWorkedOn(live: LiveRecords): Promise<boolean> {
    const isOver = isEnded(live.head.status) && live.inbox.length === 0;
    if (isOver) return true;
    if (loadedEngine(engines, live) === null) return false;
    if (phase === "last") return live.inbox.length > 0 || live.head.recovery !== null;
    if (live.inbox.length > 0 || hasBegun(live) || (await mayBegin(deps, live))) return true;
    notTheirTurn.add(live.item.workId);
    return false;
  }
  function hostOf(place: Place): WorkHost {
    return {
      shouldYield: (turn) => {
        // At the very last nobody else has a turn: what was cancelled is to end.
        if ((leaving.signal.aborted && phase !== "last") || place.isWaitedFor()) return true;
        return due.isAnybodyReady() && hadItsShare(deps, turn);
      },
      endsAtMs: null,
      giveBack: giveBack.signal,
      committed: () => place.backToCompany(),
      abandoned: (workId) => {
        place.leaveBehind();
        options.onAbandoned(workId);
      },
      becomeAlone: async () => !place.isWaitedFor() && place.becomeAlone(leaving.signal),
      isAlone: () => place.isAlone(),
      wouldDieAlone: () => place.wouldDieAlone(),
    };
  }
  /** How many of them are open, for all that is known. */
  async function lookFor(workId: WorkId, turns = false): Promise<number> {
    let open = 0;
    for await (const page of childPages(deps, itemPartition(deps.namespace, workId), CHILD_RANGE.from, PAGE)) {
      for (const { child } of page) {
        if (over.has(child.workId)) continue;
        open += 1;
        if (turns || !notTheirTurn.has(child.workId)) due.add(child.workId, 0);
      }
    }
    return open;
  }
  async function lookAround(): Promise<void> {
    const nowMs = deps.clock.nowMs();
    if (nowMs < lookAtMs || due.isAnybodyReady()) return;
    const turns = nowMs >= turnLookAtMs;
    if (turns) turnLookAtMs = nowMs + TURN_LOOK_MS;
    const open = await patiently(deps, () => lookFor(parentId, turns));
    lookAtMs = nowMs + Math.min(SLOWEST_LOOK_MS, Math.max(LOOK_MS, open * LOOK_MS_EACH));
  }
  /** An open item that nobody drives any more has a message again. */
  async function sendWhatIsOwed(): Promise<void> {
    for (const workId of owed) {
      const live = await patiently(deps, () => readLive(deps, workId));
      if (live.item !== null) await sendNext(deps, live.item, live.head);
    }
  }
  return {
    company,
    hear,
    async workFor(ms) {
      phase = "open";
      called = new AbortController();
      await lookAround();
      fill();
      await pause(deps.clock, ms, AbortSignal.any([stop, called.signal]));
      phase = "idle";
    },
    async end(parentEnded) {
      phase = parentEnded ? "last" : "idle";
      leave();
      fill();
      while (underWay.size > 0) await pause(deps.clock, CHECK_MS);
      stop.removeEventListener("abort", leave);
      giveBack.cancel();
      await sendWhatIsOwed();
    },
  };
}

/** Whom to look at, and from when on: in the order of hearing. */
function createAgenda(nowMs: () => number) {
  const ready = new Set<WorkId>();
  const later = new Map<WorkId, number>();
  let nextAtMs = Number.POSITIVE_INFINITY;

  function promote(): void {
    if (nowMs() < nextAtMs) return;
    nextAtMs = Number.POSITIVE_INFINITY;
    for (const [workId, atMs] of later) {
      if (atMs > nowMs()) nextAtMs = Math.min(nextAtMs, atMs);
      else {
        later.delete(workId);
        ready.add(workId);
      }
    }
  }
  return {
    add(workId: WorkId, delayMs: number): void {
      if (delayMs <= 0) ready.add(workId);
      else {
        const atMs = nowMs() + delayMs;
        later.set(workId, Math.min(atMs, later.get(workId) ?? atMs));
        nextAtMs = Math.min(nextAtMs, atMs);
      }
    },
    /** Null when nobody is ready who may be taken. */
    take(mayTake: (workId: WorkId) => boolean): WorkId | null {
      promote();
      for (const workId of ready) {
        if (!mayTake(workId)) continue;
        ready.delete(workId);
        return workId;
      }
      return null;
    },
    isAnybodyReady(): boolean {
      promote();
      return ready.size > 0;
    },
  };
}
