/** Random interleavings over the model of the protocol. A failure prints its seed and the moves that it chose. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { alarmFor, isAlarmSet } from "../../src/domain/alarm.ts";
import { type Head, isEnded } from "../../src/domain/head.ts";
import { leaseState } from "../../src/domain/lease.ts";
import { ALARM_OWED_MS, MAX_DELAY_MS } from "../../src/domain/limits.ts";
import { CANCEL, PAUSE, REDRIVE, RESUME, someRules } from "./builders.ts";
import { Model, type StepEnd, type Thread } from "./protocol-model.ts";
import { type Sent, sendCommand, sendSignal } from "./protocol-senders.ts";

const ENDS: readonly StepEnd[] = [
  "goes on",
  "goes on",
  "sleeps",
  "sleeps long",
  "waits",
  "waits",
  "waits a while",
  "waits long",
  "throws",
  "is exhausted",
  "completes",
  "completes if all is read",
  "completes if all is read",
  "is in doubt",
  "is parked",
  "is given back",
];
const move = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({ kind: fc.constant("run" as const), who: fc.nat(5), steps: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("crash" as const), who: fc.nat(1) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("signal" as const),
      sender: fc.nat(1),
      name: fc.constantFrom("go", "go", "other"),
      again: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("hang up" as const), sender: fc.nat(1) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1_000, 21_000, 60_000, 900_000, 3_600_000) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("heartbeat" as const), who: fc.nat(1) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("command" as const), command: fc.constantFrom(PAUSE, RESUME, CANCEL, REDRIVE) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("repeat" as const), which: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("lose" as const), which: fc.nat(9) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("step" as const),
      end: fc.constantFrom(...ENDS),
      yields: fc.boolean(),
      takes: fc.boolean(),
    }),
  },
);
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;

/** Two workers, a sweeper, an operator and two senders of signals, of which whoever is picked goes on by a step. */
class Cast {
  readonly model: Model;
  readonly mayLose: boolean;
  readonly threads: (Thread | null)[] = [null, null, null, null, null, null];
  readonly names = ["w0.1", "w1.1"];
  births = 1;
  readonly commands: Thread[] = [];
  readonly signals: [Thread[], Thread[]] = [[], []];
  readonly sent: [Sent[], Sent[]] = [[], []];

  constructor(model: Model, mayLose: boolean) {
    this.model = model;
    this.mayLose = mayLose;
    for (const name of this.names) model.alive.add(name);
  }
  /** True when there was something to do. */
  run(who: number): boolean {
    const thread = this.threads[who] ?? this.begin(who);
    if (thread === null) return false;
    this.threads[who] = thread.next().done === true ? null : thread;
    return true;
  }
  runUntil(who: number, isSo: () => boolean): void {
    for (let i = 0; i < 1_000; i++) {
      this.run(who);
      if (isSo()) return;
    }
    throw new Error(`worker ${who} never got there`);
  }
  begin(who: number): Thread | null {
    const { model } = this;
    const name = this.names[who];
    if (who === 3) return this.commands.shift() ?? null;
    if (who > 3) return this.signals[who === 4 ? 0 : 1].shift() ?? null;
    if (name === undefined) return model.due.atMs <= model.nowMs ? model.sweep() : null;
    const message = model.receive();
    return message === null ? null : model.work(name, message);
  }
  crash(who: number): void {
    const name = this.names[who];
    if (name === undefined) return;
    this.model.alive.delete(name);
    this.model.sessions.delete(name);
    this.threads[who] = null;
    this.births += 1;
    this.names[who] = `w${who}.${this.births}`;
    this.model.alive.add(this.names[who] ?? "");
  }
  /** One sender says one thing after the other; what it says again has the same id. */
  signal(sender: 0 | 1, name: string, again: boolean): void {
    const sent = this.sent[sender];
    const last = sent.at(-1);
    const one = again && last !== undefined ? last : { id: `s${sender}.${sent.length}`, name };
    if (one !== last) sent.push(one);
    this.signals[sender].push(sendSignal(this.model, one));
  }
  play(one: Move): void {
    const { model } = this;
    switch (one.kind) {
      case "run":
        for (let i = 0; i < one.steps; i++) this.run(one.who);
        return;
      case "crash":
        this.crash(one.who);
        return;
      case "wait":
        model.nowMs += one.ms;
        return;
      case "heartbeat":
        model.heartbeat(this.names[one.who] ?? "");
        return;
      case "command":
        this.commands.push(sendCommand(model, one.command));
        return;
      case "signal":
        this.signal(one.sender === 0 ? 0 : 1, one.name, one.again);
        return;
      case "hang up":
        this.threads[4 + one.sender] = null;
        return;
      case "repeat": {
        const message = model.messages[one.which % Math.max(1, model.messages.length)];
        if (message !== undefined) model.send(message, 0);
        return;
      }
      case "lose":
        if (this.mayLose) model.messages.splice(one.which % Math.max(1, model.messages.length), 1);
        return;
      case "step":
        model.stepEnd = one.end;
        model.yieldsNext = one.yields;
        model.takes = one.takes;
        return;
    }
  }
  /** No more faults: everybody gets on, and time passes only when there is nothing to do. */
  finish(): number {
    const { model } = this;
    model.stepEnd = "completes";
    for (let rounds = 0; rounds < 3_000; rounds++) {
      const busy = [0, 1, 2, 3, 4, 5].map((who) => this.run(who)).some(Boolean);
      for (const name of this.names) model.heartbeat(name);
      if (busy) continue;
      const { head } = model;
      // What was sent and is unread may have lost its hint: its alarm has to ring.
      model.nowMs += 1_000;
      if (head.status.kind === "paused" && model.messages.length === 0) this.commands.push(sendCommand(model, RESUME));
      else if (head.status.kind === "waiting" && head.status.timeoutAtMs === null && model.messages.length === 0)
        this.signal(0, "go", false);
      else if (isEnded(head.status) && isAlarmSet(model.due, "retention") && model.messages.length === 0) return rounds;
      else
        model.nowMs = Math.max(
          model.nowMs + 1,
          Math.min(model.due.atMs, ...model.messages.map(({ visibleAtMs }) => visibleAtMs)),
        );
    }
    return Number.POSITIVE_INFINITY;
  }
}

/** G3: an unfinished item has a message, a held lease, or an alarm that rings when it should. */
function isSomebodysTurn(model: Model): boolean {
  const { head, due, messages, lease, nowMs } = model;
  if (isEnded(head.status) || messages.length > 0 || leaseState(lease, head, nowMs, false) === "held") return true;
  if (head.status.kind === "waiting" && model.isSignalled()) return due.atMs <= nowMs + ALARM_OWED_MS;
  return due.atMs <= latestAlarm(head, nowMs, due.version === head.version ? due.rings : 0);
}
const latestAlarm = (head: Head, nowMs: number, rings: number) => alarmFor(head, { nowMs, maxDelayMs: MAX_DELAY_MS }, rings).atMs;

function play(moves: readonly Move[], cast: Cast): void {
  const { model } = cast;
  for (const one of moves) {
    const { head } = model;
    cast.play(one);
    expect(model.witness.broken).toEqual([]);
    expect(model.head.version).toBeGreaterThanOrEqual(head.version);
    if (!cast.mayLose) expect(isSomebodysTurn(model)).toBe(true);
  }
  expect(cast.finish()).toBeLessThan(3_000);
  expect(model.witness.broken).toEqual([]);
  // G1: one line of versions, each committed once, by tokens that never fall.
  expect(model.witness.committed.map(({ version }) => version)).toEqual(
    Array.from({ length: model.head.version }, (_, i) => i + 1),
  );
  const tokens = model.witness.committed.map(({ token }) => token);
  expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
}

/** What a few hundred random lives show. */
const HAPPENS = [
  "lost a claim",
  "lost a commit",
  "took over",
  "was told",
  "ran inline",
  "recovered",
  "woke with signal",
  "woke with timeout",
  "woke with resumed",
  "took signals",
  "sent a signal again",
  "was accepted",
  "was not accepted",
  "came as it closed",
  "closed",
  "read what came in before its end",
  ...["ready", "sleep", "waiting", "inbox", "paused", "end"].map((why) => `rang for ${why}`),
];
const moves = fc.array(move, { minLength: 5, maxLength: 90 });
const rules = fc.record({ hasRecover: fc.boolean(), deadlineMs: fc.constantFrom(null, 3_600_000) });

describe("two workers, a sweeper and a sender at one item, in any interleaving", () => {
  test.each([
    ["with dead processes noticed at once", true, false],
    ["with leases that lapse", false, false],
    ["with messages lost as well", false, true],
  ])("keep one history, count before they run, never share a live lease, and always end %s", (_, processTable, mayLose) => {
    fc.assert(
      fc.property(moves, rules, (chosen, given) => {
        play(chosen, new Cast(new Model(someRules(given), processTable), mayLose));
      }),
      { numRuns: process.env["ROOKERY_SOAK"] === "1" ? 25_000 : 400 },
    );
  });
  test("take over, lose claims and commits, run inline, recover, are told things, and are woken by alarms", () => {
    const happened = new Set<string>();
    for (const chosen of fc.sample(moves, { numRuns: 1_500, seed: 7 })) {
      const model = new Model(someRules({ hasRecover: true }), true);
      play(chosen, new Cast(model, false));
      for (const one of model.happened) happened.add(one);
    }
    for (const one of HAPPENS) expect(happened).toContain(one);
  });
  test.each(["is parked", "is in doubt", "throws", "is exhausted"] as const)(
    "a claim of a wait that comes too late does not undo that the step %s",
    (end) => {
      const cast = new Cast(new Model(someRules(), true), false);
      const { model } = cast;
      model.stepEnd = "waits a while";
      cast.runUntil(0, () => model.head.status.kind === "waiting" && cast.threads[0] === null);
      model.nowMs += 60_000;
      model.stepEnd = end;
      cast.runUntil(0, () => model.happened.has("woke with timeout"));
      // Its lease lapses; another worker has read that, and is about to claim, when it commits after all.
      model.nowMs += 26_000;
      cast.runUntil(1, () => model.happened.has("decided to claim a lapsed lease"));
      cast.runUntil(0, () => cast.threads[0] === null);
      const { status } = model.head;
      expect(status.kind).not.toBe("waiting");
      if (end === "is exhausted") {
        cast.commands.push(sendCommand(model, CANCEL));
        cast.runUntil(3, () => cast.threads[3] === null);
      }
      cast.runUntil(1, () => cast.threads[1] === null);
      expect(model.happened).toContain("lost a commit");
      expect(model.witness.broken).toEqual([]);
      expect(model.head.status).toEqual(status);
    },
  );
  test("a signal that is put into the inbox again, after it was consumed and taken away, wakes no second step", () => {
    const cast = new Cast(new Model(someRules(), true), false);
    const { model } = cast;
    const rest = (version: number) =>
      cast.runUntil(0, () => model.head.version === version && model.head.released && cast.threads[0] === null);
    model.stepEnd = "waits";
    rest(1);
    cast.signal(0, "go", false);
    cast.runUntil(4, () => model.messages.length > 0);
    // A repeat of it has found SEEN, and stalls.
    cast.signals[1].push(sendSignal(model, { id: "s0.0", name: "go" }));
    for (let i = 0; i < 3; i++) cast.run(5);
    rest(2);
    cast.runUntil(4, () => cast.threads[4] === null);
    cast.signal(0, "go", false);
    cast.runUntil(4, () => cast.threads[4] === null);
    rest(3);
    expect(model.signals.map(({ id }) => id)).toEqual(["s0.1"]);
    cast.runUntil(5, () => cast.threads[5] === null);
    expect(model.signals.map(({ id }) => id)).toContain("s0.0");
    for (let i = 0; i < 100; i++) cast.run(0);
    expect(model.happened).toContain("found an old signal");
    expect(model.signals.map(({ id }) => id)).not.toContain("s0.0");
    expect(model.head.version).toBe(3);
    expect(model.witness.broken).toEqual([]);
  });
  test("a look that takes its time does not put off the alarm of a signal that came in meanwhile", () => {
    const cast = new Cast(new Model(someRules(), true), false);
    const { model } = cast;
    model.stepEnd = "waits";
    model.nowMs = model.due.atMs - 10;
    cast.runUntil(0, () => model.happened.has("looked"));
    // The alarm is early enough for the sender, who dies before it sends a hint; then it passes.
    cast.signal(0, "go", false);
    cast.runUntil(4, () => model.rung.size > 0);
    cast.play({ kind: "hang up", sender: 0 });
    model.nowMs += 20;
    cast.runUntil(0, () => cast.threads[0] === null);
    expect(model.head.status.kind).toBe("waiting");
    expect(isSomebodysTurn(model)).toBe(true);
  });
  test("a late worker that finds the alarm past does not put it off with the commit that it loses", () => {
    const cast = new Cast(new Model(someRules({ hasRecover: false, deadlineMs: null }), true), false);
    play(
      [
        { kind: "step", end: "sleeps long", yields: false, takes: false },
        { kind: "run", who: 0, steps: 3 },
        { kind: "wait", ms: 60_000 },
        { kind: "run", who: 1, steps: 6 },
        { kind: "wait", ms: 900_000 },
        { kind: "run", who: 0, steps: 8 },
        { kind: "run", who: 0, steps: 1 },
      ],
      cast,
    );
  });
});
