/**
 * What must be true, by guarantee (DESIGN §1): each is a named predicate that says what is wrong, or null. Those about a
 * record are asked as it is written, with all that was known before; the others where their name says.
 */
import { alarmFor, type Due } from "../../domain/alarm.ts";
import { deadlineOf, type Head, isEnded } from "../../domain/head.ts";
import { type Lease, leaseState } from "../../domain/lease.ts";
import { ALARM_INBOX_MS, ALARM_OWED_MS, MAX_DELAY_MS } from "../../domain/limits.ts";
import {
  CLOCKS_MS,
  hasMessage,
  headOf,
  hintOf,
  isAtWork,
  isMigrated,
  isOver,
  isOvertaken,
  isWanted,
  isWorker,
  mayFail,
  mayLapse,
  messagesOf,
  neededAtMs,
  owedIn,
} from "./facts.ts";
import { type Invariant, rule } from "./rule.ts";
import type { AtEnd, EffectGiven, RecordChange, StepGiven, Watched } from "./watched.ts";

/** `missing`: blobs that the snapshot refers to, and that are not there. */
export const ON_HEAD: readonly Invariant<RecordChange & { readonly next: Head; readonly missing: readonly string[] }>[] = [
  rule("G1: version n+1 follows version n", ({ one, next }) => {
    const before = one.head?.version ?? 0;
    return next.version === before || next.version === before + 1 ? null : `version ${next.version} follows ${before}`;
  }),
  rule("G1: a committed state stands", ({ one, next }) => {
    if (one.head === null || next.version !== one.head.version) return null;
    const [before, after] = [JSON.stringify(one.head.state), JSON.stringify(next.state)];
    return before === after ? null : `the state of version ${next.version} was ${before}, and is ${after}`;
  }),
  rule("G1: an end is final but for a redrive", ({ one, next }) => {
    if (one.head === null || !isEnded(one.head.status) || isEnded(next.status)) return null;
    return one.redrives > 0 ? null : `it was ${one.head.status.kind}, and is ${next.status.kind}`;
  }),
  rule("G1: a snapshot is not carried back to an older release", ({ one, next }) => {
    const before = one.head?.engineVersion ?? 0;
    return next.engineVersion >= before ? null : `engine version ${next.engineVersion} follows ${before}`;
  }),
  rule("G1: what a snapshot refers to is there", ({ missing }) =>
    missing.length === 0 ? null : `blob ${missing.join(", ")} is not`,
  ),
  rule("G2: only a death alone counts", ({ one, next }) => {
    if (next.crashes <= (one.head?.crashes ?? 0)) return null;
    const dead = [...one.claims.values()].filter(({ token }) => token < next.token).at(-1);
    return dead?.company === true ? `it did not run alone under token ${dead.token}, and was charged for a death` : null;
  }),
  rule("G2: attempts on record only rise within a version", ({ one, next }) => {
    const { head } = one;
    if (head === null || next.version !== head.version || isEnded(head.status) || isEnded(next.status)) return null;
    if ((head.recovery === null) !== (next.recovery === null)) return null;
    // One that is given back is not charged.
    return next.attempt >= head.attempt - 1 ? null : `${head.attempt} attempts were on record, and ${next.attempt} are`;
  }),
  rule("G4: fencing tokens in HEAD only rise", ({ one, next }) => {
    const before = one.head?.token ?? 0;
    return next.token >= before ? null : `token ${next.token} after ${before}`;
  }),
  rule("G7: a sleeper sleeps until its instant, and a pause lasts until a command", ({ one, next, nowMs, stage }) => {
    const { head } = one;
    if (head === null || next.status.kind !== "ready" || next.recovery !== head.recovery) return null;
    const { status } = head;
    if (status.kind === "paused") return next.consumed.length > 0 ? null : "it goes on unasked";
    if (status.kind !== "sleeping" || stage.drawn.clockJump > 0 || status.wakeAtMs <= nowMs + CLOCKS_MS) return null;
    return `it is woken ${status.wakeAtMs - nowMs} ms before`;
  }),
  rule("G3: the alarm is no later than a commit needs it", ({ one, next, who, stage }) => {
    // Moved since it was looked at, by the claim: the look after the commit sees it, or the message comes back.
    const isMoved = one.dueBy !== who && (stage.dueSetAtMs.get(one.partition) ?? 0) > one.claimedAtMs;
    if (isEnded(next.status) || (isMoved && hasMessage(stage, one))) return null;
    const atMs = one.due?.atMs ?? null;
    const lateMs = atMs === null ? null : atMs - neededAtMs(stage, next, one.due?.rings ?? 0);
    const mayMs = mayFail(stage) ? ALARM_OWED_MS : 0;
    return lateMs !== null && lateMs <= mayMs ? null : `it is ${lateMs === null ? "unset" : `${lateMs} ms late`}`;
  }),
  rule("G4: only who claimed a token writes under it", ({ one, next, who }) => {
    const owner = one.claims.get(next.token)?.who ?? null;
    // What is forgotten is given its expiry by the sweeper; nothing else of it changes.
    if (one.head !== null && isEnded(one.head.status) && one.head.status.kind === next.status.kind) return null;
    return owner === who ? null : `${who} wrote under token ${next.token}, which is ${owner ?? "nobody"}'s`;
  }),
];

export const ON_LEASE: readonly Invariant<RecordChange & { readonly next: Lease }>[] = [
  rule("G4: a token belongs to one claim", ({ one, next }) => {
    const { lease } = one;
    if (lease === null || next.token > Math.max(lease.token, one.head?.token ?? 0)) return null;
    const isBeat = next.token === lease.token && next.holder === lease.holder;
    return isBeat ? null : `token ${next.token} was claimed after ${lease.token}`;
  }),
  rule("G4: nobody claims a lease that another holds", ({ one, next, nowMs, isGone, who, stage }) => {
    const { lease } = one;
    if (lease === null || lease.token === next.token || lease.holder === who) return null;
    // A clock that was set back since it was looked at.
    if (stage.drawn.clockJump > 0) return null;
    const head = headOf(one);
    const state = head === null ? "free" : leaseState(lease, head, nowMs, isGone(lease.holder));
    return state === "held" ? `${lease.holder} held it for ${lease.expiresAtMs - nowMs} ms more` : null;
  }),
  rule("G4: an expired lease is never extended, only claimed anew", ({ one, next, stage }) => {
    const { lease } = one;
    if (lease === null || lease.token !== next.token || lease.holder !== next.holder) return null;
    // By the clock of whoever decided it.
    const lateMs = next.expiresAtMs - stage.settings.leaseDurationMs - lease.expiresAtMs;
    return lateMs < 0 ? null : `${lease.holder} extended it ${lateMs} ms after its end`;
  }),
  rule("bound: a hint of an older snapshot claims nothing", ({ one, next, who, stage }) => {
    const sight = one.sights.get(who);
    if (sight === undefined || next.token === one.lease?.token || sight.lease?.messageId === next.messageId) return null;
    const { head, commands } = sight;
    const isFree = sight.lease === null || (head.released && head.token >= sight.lease.token);
    const deadlineAtMs = deadlineOf(head);
    const isLate = deadlineAtMs !== null && deadlineAtMs <= stage.nowMs() + CLOCKS_MS;
    if (head.status.kind !== "ready" || !isFree || commands > 0 || isLate) return null;
    const hint = hintOf(stage, one, next.messageId);
    if (hint === null || hint.version === null || hint.version > head.version) return null;
    const isOlder = hint.version < head.version || (hint.token !== null && hint.token < head.token);
    return isOlder ? `version ${hint.version} (token ${hint.token}) at ${head.version} (${head.token})` : null;
  }),
  rule("G2: a claim counts on from the attempts on record", ({ one, next }) => {
    const head = headOf(one);
    if (head === null || next.attempt === null || next.token === one.lease?.token || next.version !== head.version) return null;
    return next.attempt >= head.attempt ? null : `attempt ${next.attempt} is claimed, and ${head.attempt} are on record`;
  }),
];

export const ON_DUE: readonly Invariant<RecordChange & { readonly next: Due }>[] = [
  rule("G3: an alarm is not put off beyond what the item needs", ({ one, next, stage }) => {
    const head = headOf(one);
    // Clocks that differ do not agree on what has passed.
    if (head === null || one.item === null || isEnded(head.status) || stage.host.skewMs + stage.drawn.clockJump > 0) return null;
    const nowMs = Math.floor(stage.nowMs());
    const need = alarmFor(head, { nowMs, maxDelayMs: MAX_DELAY_MS }, next.rings);
    const lateMs = (next.atMs ?? Number.POSITIVE_INFINITY) - Math.max(need.atMs, nowMs + ALARM_OWED_MS);
    return lateMs <= CLOCKS_MS ? null : `it is ${head.status.kind}, and the alarm is set ${lateMs} ms late`;
  }),
  rule("G3: the sweeper sends what is owed before it moves the alarm", ({ one, next, nowMs, who, stage }) => {
    const sight = one.sights.get(who);
    // What it could not look at, it only moves; and it may tell a parent something itself.
    if (!who.startsWith("sweeper") || sight === undefined || mayFail(stage) || stage.drawn.clockJump > 0) return null;
    if ((next.atMs ?? nowMs) <= nowMs + ALARM_INBOX_MS) return null;
    const { head, commands, atMs } = sight;
    const isOwed = commands > 0 || head.status.kind === "ready" || head.status.kind === "closing";
    if (!isOwed || isEnded(head.status) || (one.sentAtMs.get(who) ?? -1) >= atMs) return null;
    return `it is ${head.status.kind} with ${commands} unread commands, and nothing was sent`;
  }),
];

/** Asked when HEAD or DUE is written, and when a message is removed. */
export const ON_LOOK: readonly Invariant<RecordChange>[] = [
  rule("G3: an unfinished item has a message, or an alarm in time", ({ one, stage }) => {
    const head = headOf(one);
    if (one.item === null || head === null || isEnded(head.status)) return null;
    const atMs = one.due?.atMs ?? null;
    const needAtMs = neededAtMs(stage, head, one.due?.rings ?? 0);
    // The sweeper moves by so much what it could not look at, or what it has just sent a hint for.
    const movedMs = mayFail(stage) || one.due?.why === "inbox" ? ALARM_OWED_MS : 0;
    if (atMs !== null && atMs <= needAtMs + movedMs) return null;
    if (hasMessage(stage, one)) return null;
    return `it is ${head.status.kind}, no message is there, and the alarm is ${atMs === null ? "unset" : `${atMs - needAtMs} ms late`}`;
  }),
  rule("G3: what came in has a message, or an alarm in time", ({ one, stage }) => {
    const head = headOf(one);
    if (one.item === null || head === null) return null;
    const came = [...one.inbox].find(([sort, { alarmed, name }]) => alarmed && isWanted(head, sort, name))?.[0];
    if (came === undefined) return null;
    const inMs = (one.due?.atMs ?? Number.POSITIVE_INFINITY) - stage.nowMs();
    if (inMs <= ALARM_OWED_MS + CLOCKS_MS || hasMessage(stage, one)) return null;
    return `${came} is unread by one that is ${head.status.kind}, no message is there, and the alarm rings in ${inMs} ms`;
  }),
];
/** Asked when a message is removed, by whoever was handed it. */
export const ON_REMOVE: readonly Invariant<RecordChange & { readonly messageId: string }>[] = [
  rule("G3: an item that can go on keeps a message when one is removed", ({ one, stage, messageId }) => {
    const { hintLost, hintLate } = stage.drawn;
    const head = headOf(one);
    if (hintLost + hintLate > 0 || one.item === null || head === null || !head.released || hasMessage(stage, one)) return null;
    // Who was late may have claimed it by a message that somebody else has removed since, or removes now: its hop sends another.
    if (isAtWork(stage, one) && (mayLapse(stage) || one.lease?.messageId !== messageId)) return null;
    // A child whose turn in its group has not come is hinted when it has.
    if (one.claimed === 0 && one.item.parent?.group?.limited === true) return null;
    const what = owedIn(one, head);
    return what === null ? null : `it ${what}, and its last message is gone`;
  }),
];
const HINTS = 12;
export const ON_SEND: readonly Invariant<RecordChange>[] = [
  rule("G3: who puts something into an inbox sees to the alarm before the hint", ({ one, who, stage }) => {
    const { hintLate, hintTwice, clockJump } = stage.drawn;
    // A clock that is set back makes a past alarm one to come; and a worker may send for another reason meanwhile.
    if (hintLate + hintTwice + clockJump > 0 || isWorker(who)) return null;
    const consumed = one.head?.consumed ?? [];
    const came = [...one.inbox].find(([sort, { by, alarmed }]) => by === who && !alarmed && !consumed.includes(sort));
    return came === undefined ? null : `${came[0]} has none`;
  }),
  rule("bound: hints of an item do not multiply", ({ one, stage }) => {
    const rates = stage.drawn;
    // Who was told of a failure, or died, does it once more, and hints again.
    const mayRepeat = mayFail(stage) || rates.crashBefore + rates.crashAfter > 0;
    const most = (mayRepeat ? 2 : 1) * (HINTS + 2 * one.signals);
    if (rates.hintLate > 0 || rates.hintTwice > 0) return null;
    const count = messagesOf(stage, one);
    return count <= most ? null : `${count} messages at once`;
  }),
];

export const ON_STEP: readonly Invariant<StepGiven>[] = [
  rule("G2: an attempt is on record before its code runs, and runs once", ({ step, one }) => {
    if (step.attempt < 1) return `attempt ${step.attempt}`;
    const name = `${step.actor.name} ${step.version} ${step.attempt}`;
    const left = one.grants.get(name) ?? 0;
    one.grants.set(name, left - 1);
    return left > 0 ? null : `attempt ${step.attempt} of version ${step.version} was not on record for ${step.actor.name}`;
  }),
  rule("G4: who takes over fences the old holder out before the step runs", ({ claim }) => {
    return claim === null || !claim.mustFence || claim.fenced ? null : `token ${claim.token} has made no commit yet`;
  }),
  rule("G1: a step starts from the state that its version committed", ({ step, one, claim }) => {
    const committed = one.states.get(step.version);
    if (isOvertaken(one, claim) || committed === undefined || one.head?.engineVersion === undefined || isMigrated(one, step))
      return null;
    const given = JSON.stringify(step.state);
    return given === committed ? null : `version ${step.version} is ${committed}, and the step was given ${given}`;
  }),
  rule("G2: a suspect runs alone", ({ step, one, claim, beside }) => {
    // An attempt of its own that would not end runs on until its process is replaced.
    const others = beside.filter((near) => near.one !== null && near.one !== one && !isOver(near.one, near.other, near.claim));
    if (others.length === 0) return null;
    if (claim?.suspectAt === step.version) return `beside ${others.map(({ other }) => other.workId).join(", ")}`;
    const suspect = others.find((near) => near.claim?.suspectAt === near.other.version);
    return suspect === undefined ? null : `beside the suspect ${suspect.other.workId}`;
  }),
  rule("G7: no step begins before its instant", ({ step, one, claim, stage }) => {
    const { asleep } = one;
    if (
      isOvertaken(one, claim) ||
      asleep === null ||
      asleep.version !== step.version ||
      step.recovering ||
      stage.drawn.clockJump > 0
    )
      return null;
    const earlyMs = asleep.wakeAtMs - step.actor.clock.nowMs();
    return earlyMs <= 0 ? null : `${earlyMs} ms before`;
  }),
  rule("G2: every attempt of a step is woken by the same", ({ step, one }) => {
    const name = `${step.version} ${step.recovering}`;
    const before = one.wakes.get(name);
    one.wakes.set(name, step.wake);
    // A redrive begins the step anew.
    if (before === undefined || before === step.wake || step.wake.includes('"resumed"')) return null;
    return `attempt ${step.attempt} of version ${step.version} by ${step.wake}, an earlier one by ${before}`;
  }),
];

export const AT_END: readonly Invariant<AtEnd>[] = [
  rule("G3: everything that can finish has finished", ({ items }) => {
    const open = items.filter(({ item, head }) => item !== null && !(head !== null && isEnded(head.status)));
    return open.length === 0 ? null : open.map((one) => `${one.workId} is ${headOf(one)?.status.kind}`).join(", ");
  }),
  rule("G3: every caller has had an answer", ({ waiting }) => (waiting.length === 0 ? null : waiting.join(", "))),
  rule("bound: hints die out", ({ messages }) =>
    messages === 0 ? null : `${messages} messages are left though all items have ended`,
  ),
  rule("bound: writes per step", ({ items }) => {
    const over = items.find((one) => one.writes > WRITES + WRITES_EACH * (one.headWrites + one.claimed + one.signals));
    return over === undefined
      ? null
      : `${over.workId}: ${over.writes} writes for ${over.headWrites} commits and ${over.claimed} claims`;
  }),
  rule("bound: sends per step", ({ items }) => {
    const turns = (one: Watched | undefined): number => (one === undefined ? 0 : one.headWrites + one.claimed + one.signals);
    // Each attempt of a parent's step hints the children that it finds not begun.
    const parentOf = ({ item }: Watched) => items.find(({ workId }) => workId === item?.parent?.workId);
    const over = items.find((one) => one.sends > SENDS + SENDS_EACH * (turns(one) + turns(parentOf(one))));
    return over === undefined
      ? null
      : `${over.workId}: ${over.sends} hints for ${over.headWrites} commits and ${over.claimed} claims`;
  }),
];
const [WRITES, WRITES_EACH] = [12, 5];
const [SENDS, SENDS_EACH] = [12, 4];

export const ON_EFFECT: readonly Invariant<EffectGiven>[] = [
  rule("G4: no effect begins under a lease that was lost before it was looked at", ({ one, who, fencingToken }) => {
    if (one.lease === null || one.lease.token === fencingToken) return null;
    const lookedAtMs = one.looks.get(who) ?? null;
    if (lookedAtMs !== null && one.claimedAtMs > lookedAtMs) return null;
    return `${who} began it under token ${fencingToken}, and ${one.lease.token} was claimed before its last look`;
  }),
];
