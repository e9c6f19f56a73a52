/**
 * What must be true, by guarantee (DESIGN §1): each is a named predicate that says what is wrong, or null. Those about a
 * record are asked as it is written, with all that was known before; the others where their name says.
 */
import { alarmFor } from "../../domain/alarm.ts";
import { type Head, initialHead, isEnded } from "../../domain/head.ts";
import { COMMAND_RANGE } from "../../domain/keys.ts";
import { type Lease, leaseState } from "../../domain/lease.ts";
import { ALARM_OWED_MS, LEASE_DURATION_MS, MAX_DELAY_MS } from "../../domain/limits.ts";
import type { Stage } from "./stage.ts";
import type { StepBegin } from "./watch.ts";
import type { AtEnd, Claimed, EffectGiven, RecordChange, StepGiven, Watched } from "./watched.ts";

export interface Invariant<T> {
  readonly name: string;
  check(given: T): string | null;
}

export const ON_HEAD: readonly Invariant<RecordChange & { readonly next: Head }>[] = [
  {
    name: "G1: version n+1 follows version n",
    check: ({ one, next }) => {
      const before = one.head?.version ?? 0;
      return next.version === before || next.version === before + 1 ? null : `version ${next.version} follows ${before}`;
    },
  },
  {
    name: "G1: a committed state stands",
    check: ({ one, next }) => {
      if (one.head === null || next.version !== one.head.version) return null;
      const [before, after] = [JSON.stringify(one.head.state), JSON.stringify(next.state)];
      return before === after ? null : `the state of version ${next.version} was ${before}, and is ${after}`;
    },
  },
  {
    name: "G1: an end is final but for a redrive",
    check: ({ one, next }) => {
      if (one.head === null || !isEnded(one.head.status) || isEnded(next.status)) return null;
      return one.redrives > 0 ? null : `it was ${one.head.status.kind}, and is ${next.status.kind}`;
    },
  },
  {
    name: "G2: attempts on record only rise within a version",
    check: ({ one, next }) => {
      const { head } = one;
      if (head === null || next.version !== head.version || isEnded(head.status) || isEnded(next.status)) return null;
      if ((head.recovery === null) !== (next.recovery === null)) return null;
      // One that is given back is not charged.
      return next.attempt >= head.attempt - 1 ? null : `${head.attempt} attempts were on record, and ${next.attempt} are`;
    },
  },
  {
    name: "G4: fencing tokens in HEAD only rise",
    check: ({ one, next }) => {
      const before = one.head?.token ?? 0;
      return next.token >= before ? null : `token ${next.token} after ${before}`;
    },
  },
  {
    name: "G3: the alarm is no later than a commit needs it",
    check: ({ one, next, stage }) => {
      if (isEnded(next.status)) return null;
      const atMs = one.due?.atMs ?? null;
      const given = { nowMs: Math.floor(stage.nowMs()), maxDelayMs: MAX_DELAY_MS };
      const lateMs = atMs === null ? null : atMs - alarmFor(next, given, one.due?.rings ?? 0).atMs;
      const { failBefore, failAfter, outage } = stage.drawn;
      const mayMs = CLOCKS_MS + (failBefore + failAfter + outage > 0 ? ALARM_OWED_MS : 0);
      return lateMs !== null && lateMs <= mayMs ? null : `it is ${lateMs === null ? "unset" : `${lateMs} ms late`}`;
    },
  },
  {
    name: "G4: only who claimed a token writes under it",
    check: ({ one, next, who }) => {
      const owner = one.claims.get(next.token)?.who ?? null;
      // What is forgotten is given its expiry by the sweeper; nothing else of it changes.
      if (one.head !== null && isEnded(one.head.status) && one.head.status.kind === next.status.kind) return null;
      return owner === who ? null : `${who} wrote under token ${next.token}, which is ${owner ?? "nobody"}'s`;
    },
  },
];

export const ON_LEASE: readonly Invariant<RecordChange & { readonly next: Lease }>[] = [
  {
    name: "G4: a token belongs to one claim",
    check: ({ one, next }) => {
      const { lease } = one;
      if (lease === null || next.token > Math.max(lease.token, one.head?.token ?? 0)) return null;
      const isBeat = next.token === lease.token && next.holder === lease.holder;
      return isBeat ? null : `token ${next.token} was claimed after ${lease.token}`;
    },
  },
  {
    name: "G4: nobody claims a lease that another holds",
    check: ({ one, next, nowMs, isGone, who, stage }) => {
      const { lease } = one;
      if (lease === null || lease.token === next.token || lease.holder === who) return null;
      // A clock that was set back since it was looked at.
      if (stage.drawn.clockJump > 0) return null;
      const head = headOf(one);
      const state = head === null ? "free" : leaseState(lease, head, nowMs, isGone(lease.holder));
      return state === "held" ? `${lease.holder} held it for ${lease.expiresAtMs - nowMs} ms more` : null;
    },
  },
  {
    name: "G2: a claim counts on from the attempts on record",
    check: ({ one, next }) => {
      const head = headOf(one);
      if (head === null || next.attempt === null || next.token === one.lease?.token || next.version !== head.version) return null;
      return next.attempt >= head.attempt ? null : `attempt ${next.attempt} is claimed, and ${head.attempt} are on record`;
    },
  },
];

/** Asked when HEAD or DUE is written, and when a message is removed. */
export const ON_LOOK: readonly Invariant<RecordChange>[] = [
  {
    name: "G3: an unfinished item has a message, or an alarm in time",
    check: ({ one, stage }) => {
      const head = headOf(one);
      if (one.item === null || head === null || isEnded(head.status)) return null;
      const atMs = one.due?.atMs ?? null;
      const needAtMs = alarmFor(head, { nowMs: Math.floor(stage.nowMs()), maxDelayMs: MAX_DELAY_MS }, one.due?.rings ?? 0).atMs;
      const { failBefore, failAfter, outage } = stage.drawn;
      // The sweeper moves what it could not look at by so much.
      const failedMs = failBefore + failAfter + outage > 0 ? ALARM_OWED_MS : 0;
      if (atMs !== null && atMs <= needAtMs + CLOCKS_MS + failedMs) return null;
      if (hasMessage(stage, one)) return null;
      return `it is ${head.status.kind}, no message is there, and the alarm is ${atMs === null ? "unset" : `${atMs - needAtMs} ms late`}`;
    },
  },
];
/** Asked when a message is removed, by whoever was handed it. */
export const ON_REMOVE: readonly Invariant<RecordChange>[] = [
  {
    name: "G3: an item that can go on keeps a message when one is removed",
    check: ({ one, stage }) => {
      const { hintLost, hintLate } = stage.drawn;
      const head = headOf(one);
      if (hintLost + hintLate > 0 || one.item === null || head === null || !head.released || hasMessage(stage, one)) return null;
      // A child whose turn in its group has not come is hinted when it has.
      if (one.claimed === 0 && one.item.parent?.group?.limited === true) return null;
      const what = owedIn(one, head);
      return what === null ? null : `it ${what}, and its last message is gone`;
    },
  },
];
/** What a message has to stand for; null when the alarm alone has it, or something from outside. */
function owedIn(one: Watched, { status, consumed }: Head): string | null {
  if (isEnded(status)) return null;
  const unread = [...one.inbox].filter(([sort, hinted]) => hinted && !consumed.includes(sort)).map(([sort]) => sort);
  if (unread.some((sort) => sort.startsWith(COMMAND_RANGE.from))) return "has an unread command";
  if (status.kind === "waiting" && status.signals.length > 0 && unread.length > 0) return "waits, and has an unread signal";
  if (status.kind === "ready" || status.kind === "closing") return `is ${status.kind}`;
  return status.kind === "sleeping" && status.wakeAtMs - status.sinceMs <= MAX_DELAY_MS ? "sleeps for a while" : null;
}
/** Instants were computed under a clock that may be off. */
const CLOCKS_MS = LEASE_DURATION_MS;

const HINTS = 12;
export const ON_SEND: readonly Invariant<RecordChange>[] = [
  {
    name: "bound: hints of an item do not multiply",
    check: ({ one, stage }) => {
      const most = HINTS + 2 * one.signals;
      const rates = stage.drawn;
      if (rates.hintLate > 0 || rates.hintTwice > 0) return null;
      const count = messagesOf(stage, one);
      return count <= most ? null : `${count} messages at once`;
    },
  },
];

export const ON_STEP: readonly Invariant<StepGiven>[] = [
  {
    name: "G2: an attempt is on record before its code runs, and runs once",
    check: ({ step, one }) => {
      const name = `${step.actor.name} ${step.version} ${step.attempt}`;
      const left = one.grants.get(name) ?? 0;
      one.grants.set(name, left - 1);
      return left > 0 ? null : `attempt ${step.attempt} of version ${step.version} was not on record for ${step.actor.name}`;
    },
  },
  {
    name: "G4: who takes over fences the old holder out before the step runs",
    check: ({ claim }) => {
      return claim === null || !claim.mustFence || claim.fenced ? null : `token ${claim.token} has made no commit yet`;
    },
  },
  {
    name: "G1: a step starts from the state that its version committed",
    check: ({ step, one }) => {
      const committed = one.states.get(step.version);
      if (committed === undefined || one.head?.engineVersion === undefined || isMigrated(one, step)) return null;
      const given = JSON.stringify(step.state);
      return given === committed ? null : `version ${step.version} is ${committed}, and the step was given ${given}`;
    },
  },
  {
    name: "G2: a suspect runs alone",
    check: ({ step, one, claim, beside }) => {
      // An attempt of its own that would not end runs on until its process is replaced.
      const others = beside.filter((near) => near.one !== null && near.one !== one && !isOver(near.one, near.other, near.claim));
      if (others.length === 0) return null;
      if (claim?.suspectAt === step.version) return `beside ${others.map(({ other }) => other.workId).join(", ")}`;
      const suspect = others.find((near) => near.claim?.suspectAt === near.other.version);
      return suspect === undefined ? null : `beside the suspect ${suspect.other.workId}`;
    },
  },
  {
    name: "G7: no step begins before its instant",
    check: ({ step, one, stage }) => {
      const { head } = one;
      if (head === null || head.version !== step.version || head.status.kind !== "sleeping") return null;
      if (stage.drawn.clockJump > 0) return null;
      const earlyMs = head.status.wakeAtMs - step.actor.clock.nowMs();
      return earlyMs <= 0 ? null : `${earlyMs} ms before`;
    },
  },
];

export const AT_END: readonly Invariant<AtEnd>[] = [
  {
    name: "G3: everything that can finish has finished",
    check: ({ items }) => {
      const open = items.filter(({ item, head }) => item !== null && !(head !== null && isEnded(head.status)));
      return open.length === 0 ? null : open.map((one) => `${one.workId} is ${headOf(one)?.status.kind}`).join(", ");
    },
  },
  {
    name: "G3: every caller has had an answer",
    check: ({ waiting }) => (waiting.length === 0 ? null : waiting.join(", ")),
  },
  {
    name: "bound: hints die out",
    check: ({ messages }) => (messages === 0 ? null : `${messages} messages are left though all items have ended`),
  },
  {
    name: "bound: writes per step",
    check: ({ items }) => {
      const over = items.find((one) => one.writes > WRITES + WRITES_EACH * (one.headWrites + one.claimed + one.signals));
      return over === undefined
        ? null
        : `${over.workId}: ${over.writes} writes for ${over.headWrites} commits and ${over.claimed} claims`;
    },
  },
  {
    name: "bound: sends per step",
    check: ({ items }) => {
      const over = items.find((one) => one.sends > SENDS + SENDS_EACH * (one.headWrites + one.claimed + one.signals));
      return over === undefined
        ? null
        : `${over.workId}: ${over.sends} hints for ${over.headWrites} commits and ${over.claimed} claims`;
    },
  },
];
const WRITES = 12;
const WRITES_EACH = 5;
const SENDS = 12;
const SENDS_EACH = 4;

function headOf(one: Watched): Head | null {
  return one.head ?? (one.item === null ? null : initialHead(one.item));
}
function messagesOf(stage: Stage, { workId }: Watched): number {
  let count = 0;
  for (const broker of stage.environment.brokers()) {
    for (const { body } of broker.entries.values()) if (body.includes(workId)) count += 1;
  }
  return count;
}
function hasMessage(stage: Stage, one: Watched): boolean {
  return messagesOf(stage, one) > 0;
}
/** What became of the attempt is on record: its code may run on, abandoned. */
function isOver({ head }: Watched, step: StepBegin, claim: Claimed | null): boolean {
  if (head === null || claim === null) return false;
  return head.version > step.version || head.token > claim.token || (head.released && head.token === claim.token);
}
function isMigrated(one: Watched, step: StepBegin): boolean {
  const loaded = step.engineVersion;
  return one.head !== null && one.head.engineVersion !== loaded;
}

export const ON_EFFECT: readonly Invariant<EffectGiven>[] = [
  {
    name: "G4: no effect begins under a lease that was lost before it was looked at",
    check: ({ one, who, fencingToken }) => {
      if (one.lease === null || one.lease.token === fencingToken) return null;
      const lookedAtMs = one.looks.get(who) ?? null;
      if (lookedAtMs !== null && one.claimedAtMs > lookedAtMs) return null;
      return `${who} began it under token ${fencingToken}, and ${one.lease.token} was claimed before its last look`;
    },
  },
];
