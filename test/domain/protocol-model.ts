/**
 * A tiny pure model of the protocol: one item, two workers, a sweeper and senders over plain variables. Everything
 * that decides (decide, lease, transition, alarm) is the real code; what is modelled is the order of reads and writes.
 * Each `yield` stands before one access to the store or the queue: between any two, anything else may happen.
 */
import {
  type Alarm,
  alarmAfter,
  alarmBeforeCommit,
  type Due,
  inboxAlarm,
  isAlarmSet,
  needsRewrite,
  type Reckoning,
  retentionAlarm,
  ring,
  wakesAt,
} from "../../src/domain/alarm.ts";
import { type Claiming, decide, isOverdue, isOwed, type Live, signalWake } from "../../src/domain/decide.ts";
import type { Rules, Transition } from "../../src/domain/ends.ts";
import { type Head, isEnded, woken } from "../../src/domain/head.ts";
import { tokenAfter } from "../../src/domain/ids.ts";
import type { InboxEntry, SignalEntry } from "../../src/domain/inbox.ts";
import { idOfInboxKey } from "../../src/domain/keys.ts";
import { attemptsOnRecord, type Lease } from "../../src/domain/lease.ts";
import { LEASE_DURATION_MS, MAX_DELAY_MS, VISIBILITY_MS } from "../../src/domain/limits.ts";
import { type Input, transition } from "../../src/domain/transition.ts";
import type { StoredWake } from "../../src/domain/wake.ts";
import { anError, anItem, anOutcome, aReport, initial, inline, NOW } from "./builders.ts";
import { Witness } from "./protocol-witness.ts";

export type Thread = Generator<undefined, void, undefined>;
interface Message {
  readonly id: string;
  readonly version: number | null;
  readonly token: number | null;
  visibleAtMs: number;
  receives: number;
  /** Deliveries so far: an older one has lost the message. */
  delivery: number;
}
/** Inputs of attempts that came to an outcome: their commit consumes what they read. */
const DECIDED: ReadonlySet<Input["kind"]> = new Set<Input["kind"]>(["advance", "wait", "complete", "fail"]);
interface Session {
  readonly lease: Lease;
  leaseRevision: number;
  head: Head;
  headRevision: number;
  due: Due | null;
  lost: boolean;
  /** † Heartbeats stop before a commit that releases. */
  beats: boolean;
}
/** How the next step ends: chosen by whoever drives the model. */
export type StepEnd =
  | "goes on"
  | "sleeps"
  | "sleeps long"
  | "waits"
  | "waits a while"
  | "waits long"
  | "throws"
  | "is exhausted"
  | "completes"
  | "completes if all is read"
  | "is in doubt"
  | "is parked"
  | "is given back";

export class Model {
  nowMs = NOW;
  headRevision = 0;
  head: Head = initial();
  lease: Lease | null = null;
  leaseRevision = 0;
  due: Alarm = { why: "enqueue", atMs: NOW + 300_000, version: 0, rings: 0 };
  dueRevision = 1;
  inbox: InboxEntry[] = [];
  signals: SignalEntry[] = [];
  /** SEEN of signals, by id; commands are sent once each. */
  readonly seen = new Map<string, { readonly sentAtMs: number; consumed: boolean }>();
  messages: Message[] = [];
  /** Who is alive, as the process table knows. */
  readonly alive = new Set<string>();
  readonly sessions = new Map<string, Session>();
  /** Sees everything, and says what must never happen, and did. */
  readonly witness = new Witness();
  /** What did happen, to see that the model shows something. */
  readonly happened = new Set<string>();
  stepEnd: StepEnd = "goes on";
  yieldsNext = false;
  /** The next step takes what it finds of the signals that nobody waits for. */
  takes = false;
  #ids = 0;
  /** Sort keys of signals whose senders have made sure that an alarm rings. */
  readonly rung = new Set<string>();
  readonly rules: Rules;
  readonly processTable: boolean;

  /** `processTable`: dead processes are noticed at once, as on one machine. */
  constructor(rules: Rules, processTable: boolean) {
    this.rules = rules;
    this.processTable = processTable;
    this.send(this.head, 0);
  }

  nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }
  reckoning(nowMs = this.nowMs): Reckoning {
    return { nowMs, maxDelayMs: MAX_DELAY_MS };
  }
  /** For this snapshot, or for a command. */
  send(of: Pick<Message, "version" | "token"> | null, delayMs: number): void {
    const { version, token } = of ?? { version: null, token: null };
    const visibleAtMs = this.nowMs + Math.min(MAX_DELAY_MS, Math.max(0, delayMs));
    this.messages.push({ id: `m${this.nextId()}`, version, token, visibleAtMs, receives: 0, delivery: 0 });
  }
  receive(): Message | null {
    const message = this.messages.find(({ visibleAtMs }) => visibleAtMs <= this.nowMs);
    if (message === undefined) return null;
    message.visibleAtMs = this.nowMs + VISIBILITY_MS;
    message.receives += 1;
    message.delivery += 1;
    return message;
  }
  read(): Live {
    const { head, lease, due } = this;
    return {
      item: anItem(),
      head,
      lease,
      due,
      inbox: this.inbox.filter(({ sort }) => !head.consumed.includes(sort)).slice(0, 64),
      signals: this.unread(),
    };
  }
  unread(): SignalEntry[] {
    return this.signals.filter(({ sort }) => !this.head.consumed.includes(sort)).sort((a, b) => (a.sort < b.sort ? -1 : 1));
  }
  /** Something that it waits for is there, and its sender has done all but the hint. */
  isSignalled(): boolean {
    return this.unread().some(({ sort, name }) => name === "go" && this.rung.has(sort) && !this.wasConsumed(sort));
  }
  wasConsumed(sort: string): boolean {
    return this.seen.get(idOfInboxKey(sort))?.consumed === true;
  }
  /** True when it was consumed before, and came back by a sender that repeats itself. */
  *isStale(sort: string): Generator<undefined, boolean, undefined> {
    yield;
    if (!this.wasConsumed(sort)) return false;
    this.happened.add("found an old signal");
    yield* this.settleOne(sort);
    return true;
  }
  /** SEEN says that it was consumed, before it is removed. */
  *settleOne(sort: string): Thread {
    yield;
    const isThere = [...this.inbox, ...this.signals].some((one) => one.sort === sort);
    if (!isThere) return;
    yield;
    const seen = this.seen.get(idOfInboxKey(sort));
    if (seen !== undefined) seen.consumed = true;
    yield;
    this.inbox = this.inbox.filter((one) => one.sort !== sort);
    this.signals = this.signals.filter((one) => one.sort !== sort);
  }
  writeDue(due: Alarm, expected: number): boolean {
    if (this.dueRevision !== expected) return false;
    this.due = due;
    this.dueRevision += 1;
    return true;
  }
  *ringBy(need: Alarm): Thread {
    for (;;) {
      yield;
      const { due, dueRevision } = this;
      if (due.atMs > this.nowMs && due.atMs <= need.atMs) return;
      yield;
      if (this.writeDue(need, dueRevision)) return;
    }
  }

  /** One message in the hands of one worker, from its receipt to its end. */
  *work(self: string, message: Message): Thread {
    const { delivery } = message;
    const mine = () => message.delivery === delivery;
    const remove = () => {
      if (mine()) this.messages = this.messages.filter((one) => one !== message);
    };
    let own: Session | null = null;
    for (;;) {
      yield;
      const live = this.read();
      const { headRevision, leaseRevision } = this;
      const ownLease = own !== null && live.lease?.token === own.lease.token;
      const holderGone = ownLease || (this.processTable && live.lease !== null && !this.alive.has(live.lease.holder));
      const hand = { messageId: message.id, version: message.version, token: message.token, receiveCount: message.receives };
      const decision = decide(live, hand, { ...this.reckoning(), holderGone, ownLease, engineLoaded: true, groupSeen: true });
      if (decision.kind === "claim" && decision.claim.takeOver !== null) this.happened.add("decided to claim a lapsed lease");
      yield;
      if (decision.kind === "delete") return remove();
      if (decision.kind === "hide") {
        if (mine()) message.visibleAtMs = this.nowMs + decision.delayMs;
        return;
      }
      if (decision.kind === "settle") {
        if (yield* this.settle()) return remove();
        continue;
      }
      if (decision.kind === "look_at_group") throw new Error("no item of this model waits for a group");
      const { wake } = decision.claim;
      if (live.head.status.kind === "waiting" && wake?.kind === "signal" && (yield* this.isStale(wake.sort))) continue;
      const lease = this.claim(self, message, live, decision.claim, leaseRevision);
      if (lease === null) continue;
      const head = wake === null ? live.head : woken(live.head, wake);
      own = { lease, leaseRevision: this.leaseRevision, head, headRevision, due: live.due, lost: false, beats: true };
      this.sessions.set(self, own);
      yield* this.session(own, decision.claim, live.inbox);
      this.sessions.delete(self);
      if (!own.lost && (yield* this.look(own))) {
        yield;
        return remove();
      }
    }
  }

  claim(self: string, message: Message, live: Live, claiming: Claiming, expected: number): Lease | null {
    if (this.leaseRevision !== expected) {
      this.happened.add("lost a claim");
      return null;
    }
    this.checkTakeOver(self);
    if (claiming.takeOver !== null) this.happened.add("took over");
    if (live.inbox.length > 0) this.happened.add("was told");
    this.lease = {
      holder: self,
      messageId: message.id,
      token: tokenAfter(live.lease?.token ?? 0, live.head.token),
      expiresAtMs: this.nowMs + LEASE_DURATION_MS,
      version: live.head.version,
      attempt: claiming.attempt,
      wake: live.head.status.kind === "waiting" ? claiming.wake : null,
      alone: true,
    };
    this.leaseRevision += 1;
    return this.lease;
  }
  /** G4: nobody takes the lease of a worker that is alive, within its time, and has not released it. */
  checkTakeOver(self: string): void {
    const { lease, head } = this;
    if (lease === null || lease.holder === self || !this.alive.has(lease.holder)) return;
    if (head.released && head.token >= lease.token) return;
    if (lease.expiresAtMs > this.nowMs) this.witness.broken.push(`${self} took the live lease of ${lease.holder}`);
  }

  *session(session: Session, claiming: Claiming, inbox: readonly InboxEntry[]): Thread {
    const entries = inbox.slice(0, 16);
    const closing = yield* this.closeInput(session);
    const change = this.applyAll(session.head, claiming, closing, entries);
    if (change === null && claiming.attempt === null) {
      yield* this.commit(session, { next: session.head, changes: [] }, true, []);
      return;
    }
    if (change !== null) {
      const { status } = change.next;
      const due = status.kind === "ready" || (status.kind === "sleeping" && status.wakeAtMs <= this.nowMs);
      const runs = due && inbox.length === entries.length;
      const consumed = entries.map(({ sort }) => sort);
      if (!(yield* this.commit(session, change, !runs, consumed)) || !runs || session.lost) return;
    }
    for (;;) {
      const { head, lease } = session;
      const attempt = head.token === lease.token ? head.attempt : (lease.attempt ?? head.attempt);
      this.execute(head, attempt);
      const consumed = yield* this.takeSignals(head);
      const input = this.outcome(attempt);
      const next = transition(this.nowMs, head, input, this.rules);
      const goesOn = next.next.status.kind === "ready" && input.kind !== "gave_back" && !isOverdue(next.next, this.nowMs);
      const release = !goesOn || this.yieldsNext;
      if (!(yield* this.commit(session, next, release, DECIDED.has(input.kind) ? consumed : []))) return;
      if (input.kind === "gave_back" || input.kind === "in_doubt") this.witness.uncharged(head, attempt);
      if (release || session.lost) return;
    }
  }
  /** Before it runs: what is on record of it. */
  execute(head: Head, attempt: number): void {
    const { version, recovery, wake } = head;
    const recorded = this.headRevision > 0 || this.lease !== null ? attemptsOnRecord(this.head, this.lease) : 0;
    const current = this.head.version === version && this.head.recovery === recovery;
    this.witness.runs(head, attempt, current ? recorded : null);
    if (recovery !== null) this.happened.add("recovered");
    if (wake.kind !== "go") this.happened.add(`woke with ${wake.kind}`);
    if (attempt === 1 && version > 0 && !head.released) this.happened.add("ran inline");
  }
  /** Sort keys of what its commit consumes: the signal that woke it, and what it takes. */
  *takeSignals({ wake, consumed }: Head): Generator<undefined, string[], undefined> {
    const taken = wake.kind === "signal" ? [wake.sort] : [];
    yield;
    if (!this.takes) return taken;
    const found = this.signals.filter(({ sort, name }) => name === "other" && !consumed.includes(sort));
    for (const { sort } of found.sort((one, other) => (one.sort < other.sort ? -1 : 1))) {
      if (taken.includes(sort)) continue;
      yield;
      if (!this.wasConsumed(sort)) taken.push(sort);
    }
    if (taken.length > 1) this.happened.add("took signals");
    return taken;
  }
  outcome(attempt: number): Input {
    const report = aReport({ attempt });
    const outcome = anOutcome({ attempt });
    const goOn = (sleepMs: number): Input => ({
      kind: "advance",
      report: outcome,
      next: { step: "step", wakeAtMs: this.nowMs + sleepMs },
    });
    const wait = (timeoutMs: number | null): Input => {
      const timeoutAtMs = timeoutMs === null ? null : this.nowMs + timeoutMs;
      return { kind: "wait", report: outcome, wait: { step: "step", signals: ["go"], group: null, timeoutAtMs } };
    };
    switch (this.stepEnd) {
      case "goes on":
        return goOn(0);
      case "sleeps":
        return goOn(60_000);
      case "sleeps long":
        return goOn(3_600_000);
      case "waits":
        return wait(null);
      case "waits a while":
        return wait(60_000);
      case "waits long":
        return wait(3_600_000);
      case "throws":
        return { kind: "threw", report, error: anError(), retryAtMs: this.nowMs + 500 };
      case "is exhausted":
        return { kind: "threw", report, error: anError(), retryAtMs: null };
      case "completes":
        return { kind: "complete", report: outcome, result: inline(1), ifUnread: "drop" };
      case "completes if all is read":
        return { kind: "complete", report: outcome, result: inline(1), ifUnread: "step" };
      case "is in doubt":
        return { kind: "in_doubt", report, key: "pay", why: "?", untilAtMs: this.nowMs + 60_000 };
      case "is parked":
        return { kind: "in_doubt", report, key: "pay", why: "?", untilAtMs: null };
      case "is given back":
        return { kind: "gave_back", report };
    }
  }
  applyAll(head: Head, claiming: Claiming, closing: readonly Input[], entries: readonly InboxEntry[]): Transition | null {
    const inputs: Input[] = [...closing, ...entries.map(({ command }): Input => ({ kind: "command", command }))];
    if (claiming.takeOver !== null) inputs.unshift({ kind: "took_over", ...claiming.takeOver });
    let next = head;
    for (const input of inputs) next = transition(this.nowMs, next, input, this.rules).next;
    const overdue = isOverdue(next, this.nowMs);
    if (overdue) next = transition(this.nowMs, next, { kind: "overdue" }, this.rules).next;
    return inputs.length === 0 && !overdue ? null : { next, changes: [] };
  }

  /** The inbox is read after the claim, and so after the commit that closed the item. */
  *closeInput({ head }: Session): Generator<undefined, Input[], undefined> {
    if (head.status.kind !== "closing") return [];
    const wake = yield* this.firstUnread(head.consumed);
    this.happened.add(wake === null ? "closed" : "read what came in before its end");
    return [{ kind: "close", wake }];
  }
  *firstUnread(consumed: readonly string[]): Generator<undefined, StoredWake | null, undefined> {
    yield;
    const page = this.signals.filter(({ sort }) => !consumed.includes(sort)).sort((a, b) => (a.sort < b.sort ? -1 : 1));
    for (const entry of page) if (!(yield* this.isStale(entry.sort))) return signalWake(entry);
    return null;
  }

  /** False: HEAD was not at the expected revision, and the session is lost. */
  *commit(
    session: Session,
    { next }: Transition,
    release: boolean,
    consumed: readonly string[],
  ): Generator<undefined, boolean, undefined> {
    if (release) {
      session.beats = false;
      if (session.lost) return false;
    }
    if (needsRewrite(session.due, alarmAfter(session.due, next, this.reckoning()), this.nowMs)) {
      const soon = alarmBeforeCommit(next, this.reckoning());
      yield* this.ringBy(soon);
      session.due = soon;
    }
    for (const sort of session.head.consumed) yield* this.settleOne(sort);
    yield;
    if (this.headRevision !== session.headRevision) {
      session.lost = true;
      this.happened.add("lost a commit");
      return false;
    }
    const { token } = session.lease;
    this.witness.commits(this.head, next, { token, consumed, inbox: this.inbox, signals: this.signals, nowMs: this.nowMs });
    this.head = { ...next, token, released: release, attempt: next.attempt + (release ? 0 : 1), consumed };
    this.headRevision += 1;
    session.head = this.head;
    session.headRevision = this.headRevision;
    return true;
  }

  *settle(): Generator<undefined, boolean, undefined> {
    for (;;) {
      yield;
      const { due, dueRevision } = this;
      yield;
      const live = this.read();
      if (!isEnded(live.head.status) || live.inbox.length > 0) return false;
      if (isAlarmSet(due, "retention")) return true;
      yield;
      if (!this.writeDue(retentionAlarm(live.head, live.head.rememberedUntilAtMs ?? 0), dueRevision)) continue;
      yield;
      if (this.inbox.every(({ sort }) => live.head.consumed.includes(sort))) return true;
      yield* this.ringBy(inboxAlarm(live.head.version, this.nowMs));
      return false;
    }
  }
  *sendNext(head: Head): Thread {
    const { status } = head;
    const wakes = wakesAt(status);
    yield;
    if (status.kind === "ready" || status.kind === "closing") this.send(head, 0);
    if (wakes !== null && wakes.wakeAtMs - this.nowMs <= MAX_DELAY_MS) this.send(head, wakes.wakeAtMs - this.nowMs);
  }
  /** One read, torn in the worst way: what came in first, the alarm last. */
  *isQuiet(): Generator<undefined, boolean, undefined> {
    yield;
    const { nowMs } = this;
    yield;
    const live = this.read();
    this.happened.add("looked");
    yield;
    const { due } = this;
    if (isEnded(live.head.status) || isOwed(live, nowMs)) return false;
    return !needsRewrite(due, alarmAfter(due, live.head, this.reckoning(nowMs)), nowMs);
  }
  *look({ head }: Session): Generator<undefined, boolean, undefined> {
    yield* this.sendNext(head);
    if (isEnded(head.status)) return yield* this.settle();
    if (yield* this.isQuiet()) return true;
    for (;;) {
      yield;
      const { nowMs } = this;
      yield;
      const { due, dueRevision } = this;
      yield;
      const live = this.read();
      this.happened.add("looked");
      yield;
      if (isOwed(live, nowMs)) return false;
      if (isEnded(live.head.status)) return yield* this.settle();
      const need = alarmAfter(due, live.head, this.reckoning(nowMs));
      if (!needsRewrite(due, need, nowMs)) return true;
      if (due.atMs <= nowMs) yield* this.sendNext(live.head);
      yield;
      if (this.writeDue(need, dueRevision)) return true;
    }
  }

  /** The sweeper's look at the alarm: DUE strictly before the rest, what is owed before DUE moves. */
  *sweep(): Thread {
    yield;
    const { due, dueRevision } = this;
    const { nowMs } = this;
    if (due.atMs > nowMs) return;
    yield;
    const live = this.read();
    const todo = ring(due, live.head, isOwed(live, nowMs), this.reckoning(nowMs));
    if (todo.kind === "collect") return;
    yield;
    this.happened.add(`rang for ${todo.next.why}`);
    if (todo.kind === "look_again" && todo.hint !== null) this.send(live.inbox.length > 0 ? null : live.head, todo.hint.delayMs);
    yield;
    this.writeDue(todo.next, dueRevision);
  }
  /** Extends visibility and lease, or finds that the lease is lost. */
  heartbeat(self: string): void {
    const session = this.sessions.get(self);
    if (session === undefined || session.lost || !session.beats) return;
    if (this.leaseRevision !== session.leaseRevision) {
      session.lost = true;
      return;
    }
    this.lease = { ...session.lease, expiresAtMs: this.nowMs + LEASE_DURATION_MS };
    this.leaseRevision += 1;
    session.leaseRevision = this.leaseRevision;
    const message = this.messages.find(({ id }) => id === session.lease.messageId);
    if (message !== undefined) message.visibleAtMs = Math.max(message.visibleAtMs, this.nowMs + VISIBILITY_MS);
  }
}
