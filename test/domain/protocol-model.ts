/**
 * A tiny pure model of the protocol: one item, two workers, a sweeper and a sender over plain variables. Everything
 * that decides (decide, lease, transition, alarm) is the real code; what is modelled is the order of reads and writes.
 * Each `yield` stands before one access to the store or the queue: between any two, anything else may happen.
 */
import {
  alarmBeforeCommit,
  alarmFor,
  type Due,
  inboxAlarm,
  isAlarmSet,
  needsRewrite,
  retentionAlarm,
  ring,
} from "../../src/domain/alarm.ts";
import { type Claiming, decide, isOverdue, type Live } from "../../src/domain/decide.ts";
import type { Rules, Transition } from "../../src/domain/ends.ts";
import { type Head, isEnded } from "../../src/domain/head.ts";
import { tokenAfter } from "../../src/domain/ids.ts";
import type { Command, InboxEntry } from "../../src/domain/inbox.ts";
import { attemptsOnRecord, type Lease } from "../../src/domain/lease.ts";
import { LEASE_DURATION_MS, MAX_DELAY_MS, VISIBILITY_MS } from "../../src/domain/limits.ts";
import { type Input, transition } from "../../src/domain/transition.ts";
import { anError, anItem, anOutcome, aReport, initial, inline, mail, NOW } from "./builders.ts";

export type Thread = Generator<undefined, void, undefined>;
interface Message {
  readonly id: string;
  readonly version: number | null;
  visibleAtMs: number;
  receives: number;
  /** Deliveries so far: an older one has lost the message. */
  delivery: number;
}
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
export type StepEnd = "goes on" | "sleeps" | "sleeps long" | "throws" | "is exhausted" | "completes" | "is given back";
export interface Execution {
  readonly version: number;
  readonly attempt: number;
  readonly life: string;
}

export class Model {
  nowMs = NOW;
  headRevision = 0;
  head: Head = initial();
  lease: Lease | null = null;
  leaseRevision = 0;
  due: Due = { why: "enqueue", atMs: NOW + 300_000, version: 0, rings: 0 };
  dueRevision = 1;
  inbox: InboxEntry[] = [];
  messages: Message[] = [];
  /** Who is alive, as the process table knows. */
  readonly alive = new Set<string>();
  readonly committed: { version: number; token: number }[] = [];
  readonly executions: Execution[] = [];
  readonly sessions = new Map<string, Session>();
  /** What must never happen, and did. */
  readonly broken: string[] = [];
  /** What did happen, to see that the model shows something. */
  readonly happened = new Set<string>();
  stepEnd: StepEnd = "goes on";
  yieldsNext = false;
  #ids = 0;
  readonly rules: Rules;
  readonly processTable: boolean;

  /** `processTable`: dead processes are noticed at once, as on one machine. */
  constructor(rules: Rules, processTable: boolean) {
    this.rules = rules;
    this.processTable = processTable;
    this.send(0, 0);
  }

  send(version: number | null, delayMs: number): void {
    const visibleAtMs = this.nowMs + Math.min(MAX_DELAY_MS, Math.max(0, delayMs));
    this.messages.push({ id: `m${++this.#ids}`, version, visibleAtMs, receives: 0, delivery: 0 });
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
    };
  }
  writeDue(due: Due, expected: number): boolean {
    if (this.dueRevision !== expected) return false;
    this.due = due;
    this.dueRevision += 1;
    return true;
  }
  *ringBy(need: Due): Thread {
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
      const hand = { messageId: message.id, version: message.version, receiveCount: message.receives };
      const decision = decide(live, hand, { nowMs: this.nowMs, holderGone, ownLease, engineLoaded: true });
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
      const lease = this.claim(self, message, live, decision.claim, leaseRevision);
      if (lease === null) continue;
      own = { lease, leaseRevision: this.leaseRevision, head: live.head, headRevision, due: live.due, lost: false, beats: true };
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
    if (lease.expiresAtMs > this.nowMs) this.broken.push(`${self} took the live lease of ${lease.holder}`);
  }

  *session(session: Session, claiming: Claiming, inbox: readonly InboxEntry[]): Thread {
    const entries = inbox.slice(0, 16);
    const change = this.applyAll(session.head, claiming, entries);
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
      const execution = this.execute(head, attempt);
      yield;
      const input = this.outcome(attempt);
      const next = transition(this.nowMs, head, input, this.rules);
      const goesOn = next.next.status.kind === "ready" && input.kind !== "gave_back" && !isOverdue(next.next, this.nowMs);
      const release = !goesOn || this.yieldsNext;
      if (!(yield* this.commit(session, next, release, []))) return;
      if (input.kind === "gave_back") this.executions.splice(this.executions.indexOf(execution), 1);
      if (release || session.lost) return;
    }
  }
  /** G2: whatever runs has an attempt of its own, on record before it runs. */
  execute(head: Head, attempt: number): Execution {
    const life = `${head.budget.sinceVersion}@${head.budget.sinceMs} ${head.recovery === null ? "step" : "recover"}`;
    const { version } = head;
    const recorded = this.headRevision > 0 || this.lease !== null ? attemptsOnRecord(this.head, this.lease) : 0;
    if (this.head.version === version && this.head.recovery === head.recovery && recorded < attempt)
      this.broken.push(`attempt ${attempt} of version ${version} runs, and ${recorded} are on record`);
    if (head.recovery !== null) this.happened.add("recovered");
    if (attempt === 1 && head.version > 0 && !head.released) this.happened.add("ran inline");
    if (this.executions.some((one) => one.version === version && one.attempt === attempt && one.life === life))
      this.broken.push(`attempt ${attempt} of version ${version} runs twice`);
    const execution = { version, attempt, life };
    this.executions.push(execution);
    return execution;
  }
  outcome(attempt: number): Input {
    const report = aReport({ attempt });
    const goOn = (wakeAtMs: number): Input => ({
      kind: "advance",
      report: anOutcome({ attempt }),
      next: { step: "step", wakeAtMs },
    });
    switch (this.stepEnd) {
      case "goes on":
        return goOn(this.nowMs);
      case "sleeps":
        return goOn(this.nowMs + 60_000);
      case "sleeps long":
        return goOn(this.nowMs + 3_600_000);
      case "throws":
        return { kind: "threw", report, error: anError(), retryAtMs: this.nowMs + 500 };
      case "is exhausted":
        return { kind: "threw", report, error: anError(), retryAtMs: null };
      case "completes":
        return { kind: "complete", report: anOutcome({ attempt }), result: inline(1) };
      case "is given back":
        return { kind: "gave_back", attempt, meters: {} };
    }
  }
  applyAll(head: Head, claiming: Claiming, entries: readonly InboxEntry[]): Transition | null {
    const inputs: Input[] = entries.map(({ command }) => ({ kind: "command", command }));
    if (claiming.takeOver !== null) inputs.unshift({ kind: "took_over", ...claiming.takeOver });
    let next = head;
    for (const input of inputs) next = transition(this.nowMs, next, input, this.rules).next;
    const overdue = isOverdue(next, this.nowMs);
    if (overdue) next = transition(this.nowMs, next, { kind: "overdue" }, this.rules).next;
    return inputs.length === 0 && !overdue ? null : { next, changes: [] };
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
    if (needsRewrite(session.due, alarmFor(next, this.nowMs), this.nowMs)) {
      const soon = alarmBeforeCommit(next, this.nowMs);
      yield* this.ringBy(soon);
      session.due = soon;
    }
    for (const sort of session.head.consumed) {
      yield;
      this.inbox = this.inbox.filter((entry) => entry.sort !== sort);
    }
    yield;
    if (this.headRevision !== session.headRevision) {
      session.lost = true;
      this.happened.add("lost a commit");
      return false;
    }
    const { token } = session.lease;
    if (next.version !== this.head.version) this.committed.push({ version: next.version, token });
    if (next.version < this.head.version) this.broken.push(`version ${next.version} was committed after ${this.head.version}`);
    if (token < this.head.token) this.broken.push(`token ${token} committed after ${this.head.token}`);
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
      if (this.writeDue(retentionAlarm(live.head, live.head.rememberedUntilAtMs ?? 0), dueRevision)) return true;
    }
  }
  *look({ head }: Session): Generator<undefined, boolean, undefined> {
    yield;
    const { status } = head;
    if (status.kind === "ready") this.send(head.version, 0);
    if (status.kind === "sleeping" && status.wakeAtMs - this.nowMs <= MAX_DELAY_MS)
      this.send(head.version, status.wakeAtMs - this.nowMs);
    for (;;) {
      yield;
      const { due, dueRevision } = this;
      yield;
      const live = this.read();
      if (live.inbox.length > 0 || isOverdue(live.head, this.nowMs)) return false;
      if (isEnded(live.head.status)) return yield* this.settle();
      const need = alarmFor(live.head, this.nowMs);
      if (!needsRewrite(due, need, this.nowMs)) return true;
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
    const todo = ring(due, live.head, live.inbox.length, nowMs);
    if (todo.kind === "collect") return;
    yield;
    this.happened.add(`rang for ${todo.next.why}`);
    if (todo.kind === "look_again" && todo.hint !== null)
      this.send(live.inbox.length > 0 ? null : live.head.version, todo.hint.delayMs);
    yield;
    this.writeDue(todo.next, dueRevision);
  }
  /** A command from outside: inbox, DUE, hint. */
  *command(command: Command): Thread {
    yield;
    this.#ids += 1;
    // A redrive begins a life of its own, told from the one before by its instant.
    this.nowMs += 1;
    this.inbox.push(mail(command, `c${this.#ids}`, this.nowMs + this.#ids));
    yield* this.ringBy(inboxAlarm(this.head.version, this.nowMs));
    yield;
    this.send(null, 0);
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
