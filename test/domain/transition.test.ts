import { describe, expect, test } from "vitest";
import { finalEnd } from "../../src/domain/ends.ts";
import { InvariantError } from "../../src/domain/errors.ts";
import { RECOVER_NAME, type StoredCause } from "../../src/domain/head.ts";
import { DAY_MS, HOUR_MS, RECOVER_MS, RECOVER_STEPS } from "../../src/domain/limits.ts";
import { type Input, transition } from "../../src/domain/transition.ts";
import {
  aHead,
  anEndedHead,
  anError,
  anOutcome,
  aReport,
  CANCEL,
  CLOSING,
  ENDED,
  forged,
  inline,
  NOW,
  paused,
  REDRIVE,
  sleeping,
  someRules,
} from "./builders.ts";

const advance = (over: { wakeAtMs?: number; step?: string; outcome?: Parameters<typeof anOutcome>[0] } = {}): Input => ({
  kind: "advance",
  report: anOutcome(over.outcome),
  next: { step: over.step ?? "count", wakeAtMs: over.wakeAtMs ?? NOW },
});
const complete: Input = { kind: "complete", report: anOutcome(), result: inline("all"), ifUnread: "drop" };
const fail: Input = { kind: "fail", report: aReport(), error: anError({ message: "no" }) };
const threw = (retryAtMs: number | null, over: Parameters<typeof aReport>[0] = {}): Input => ({
  kind: "threw",
  report: aReport(over),
  error: anError(),
  retryAtMs,
});
const tookOver = (over: { attempts?: number; noOutcome?: boolean; alone?: boolean } = {}): Input => ({
  kind: "took_over",
  attempts: 1,
  noOutcome: true,
  alone: true,
  ...over,
});
const overdue: Input = { kind: "overdue" };

const rules = someRules();
const withRecover = someRules({ hasRecover: true });
const recovering = (cause: StoredCause = { kind: "deadline" }, over: Parameters<typeof aHead>[0] = {}) =>
  aHead({ version: 4, step: RECOVER_NAME, recovered: true, recovery: { cause, sinceVersion: 4, sinceMs: NOW }, ...over });

describe("a step that goes on", () => {
  test("is one version on, ready for the step that it names, with a clean slate", () => {
    const head = aHead({
      version: 4,
      attempt: 3,
      failures: 2,
      crashes: 1,
      lastError: anError(),
      wake: { kind: "resumed", note: "x" },
    });
    const { next, changes } = transition(NOW, head, advance(), rules);
    expect(next).toMatchObject({
      version: 5,
      status: { kind: "ready" },
      step: "count",
      state: inline({ n: 1 }),
      wake: { kind: "go" },
      attempt: 0,
      failures: 0,
      crashes: 0,
      lastError: null,
      updatedAtMs: NOW,
    });
    expect(changes).toEqual([
      { kind: "step", version: 5, atMs: NOW, step: "step", attempt: 1, durationMs: 5, state: inline({ n: 1 }) },
    ]);
  });
  test("sleeps until its wake, and is ready when that is not in the future", () => {
    expect(transition(NOW, aHead(), advance({ wakeAtMs: NOW + 1 }), rules).next.status).toEqual(sleeping(NOW + 1));
    expect(transition(NOW, aHead(), advance({ wakeAtMs: NOW - 1 }), rules).next.status).toEqual({ kind: "ready" });
  });
  test("adds its meters and artifacts to those before", () => {
    const ref = (name: string) => ({ name, digest: "d", bytes: 1, mediaType: "text/plain" });
    const head = aHead({ meters: { tokens: 2, calls: 1 }, artifacts: [ref("a")] });
    const { next } = transition(
      NOW,
      head,
      advance({ outcome: { meters: { tokens: 3, cost: 4 }, artifacts: [ref("b")] } }),
      rules,
    );
    expect(next.meters).toEqual({ tokens: 5, calls: 1, cost: 4 });
    expect(next.artifacts).toEqual([ref("a"), ref("b")]);
    const same = transition(NOW, head, advance(), rules).next;
    expect(same.meters).toBe(head.meters);
    expect(same.artifacts).toBe(head.artifacts);
  });
  test("adds to meters of any name", () => {
    const meters: Record<string, number> = JSON.parse('{"constructor":1,"__proto__":2}');
    const once = transition(NOW, aHead(), advance({ outcome: { meters } }), rules).next;
    const twice = transition(NOW, once, advance({ outcome: { meters } }), rules).next;
    expect(Object.entries(twice.meters)).toEqual([
      ["constructor", 2],
      ["__proto__", 4],
    ]);
  });
  test("says that it was migrated, at the version that was", () => {
    const { changes } = transition(
      NOW,
      aHead({ version: 4 }),
      advance({ outcome: { migratedFrom: 1, engineVersion: 2 } }),
      rules,
    );
    expect(changes.map(({ kind, version }) => ({ kind, version }))).toEqual([
      { kind: "migrated", version: 4 },
      { kind: "step", version: 5 },
    ]);
    expect(changes[0]).toMatchObject({ from: 1, to: 2 });
  });
});

describe("limits", () => {
  const limited = someRules({ limits: { steps: 3, meters: { tokens: 10 } } });
  test("end an item once that many steps are committed and it would go on", () => {
    expect(transition(NOW, aHead({ version: 1 }), advance(), limited).next.status.kind).toBe("ready");
    const { next, changes } = transition(NOW, aHead({ version: 2 }), advance(), limited);
    expect(next.status).toMatchObject({ kind: "failed", cause: { kind: "limit", name: "steps" }, error: { code: "limit" } });
    expect(next.version).toBe(3);
    expect(changes.map(({ kind }) => kind)).toEqual(["step", "ended"]);
  });
  test("let the last step complete", () => {
    expect(transition(NOW, aHead({ version: 2 }), complete, limited).next.status.kind).toBe("completed");
  });
  test("of meters may be reached, not passed; failed attempts count", () => {
    const spend = (tokens: number) => advance({ outcome: { meters: { tokens } } });
    expect(transition(NOW, aHead(), spend(10), limited).next.status.kind).toBe("ready");
    expect(transition(NOW, aHead(), spend(11), limited).next.status).toMatchObject({
      cause: { kind: "limit", name: "meters.tokens" },
    });
    const failed = transition(NOW, aHead({ meters: { tokens: 9 } }), threw(NOW + 5, { meters: { tokens: 2 } }), limited);
    expect(failed.next.status).toMatchObject({ kind: "failed", cause: { kind: "limit", name: "meters.tokens" } });
  });
  test("start again with a redrive: meters and versions count from there", () => {
    const head = anEndedHead(ENDED[1], { version: 3, meters: { tokens: 11 } });
    const { next } = transition(NOW, head, { kind: "command", command: REDRIVE }, limited);
    expect(next.budget).toEqual({ sinceVersion: 3, sinceMs: NOW, meters: { tokens: 11 } });
    const spend = (tokens: number) =>
      transition(NOW, next, advance({ outcome: { meters: { tokens } } }), limited).next.status.kind;
    expect(spend(10)).toBe("ready");
    expect(spend(11)).toBe("failed");
  });
  test("are off while recover has its turn", () => {
    const head = recovering({ kind: "deadline" }, { version: 4, meters: { tokens: 99 } });
    expect(transition(NOW, head, advance(), limited).next.status.kind).toBe("ready");
    expect(transition(NOW, head, threw(NOW + 5), limited).next.status.kind).toBe("sleeping");
  });
});

describe("a step that completes", () => {
  test("ends the item with its result, remembered for as long as the retention says", () => {
    const { next, changes } = transition(
      NOW,
      aHead({ version: 4, attempt: 2 }),
      complete,
      someRules({ retentionMs: 7 * DAY_MS }),
    );
    expect(next).toMatchObject({
      version: 5,
      attempt: 0,
      status: { kind: "completed", endedAtMs: NOW, result: inline("all") },
      rememberedUntilAtMs: NOW + 7 * DAY_MS,
    });
    expect(changes).toMatchObject([
      { kind: "step", version: 5 },
      { kind: "ended", version: 5, status: "completed", cause: null },
    ]);
  });
  test("is remembered no longer than its end when the retention is 0", () => {
    expect(transition(NOW, aHead(), complete, someRules({ retentionMs: 0 })).next.rememberedUntilAtMs).toBe(NOW);
  });
  test("completes an item that is recovering", () => {
    expect(transition(NOW, recovering(), complete, withRecover).next).toMatchObject({
      status: { kind: "completed" },
      recovery: null,
    });
  });
});

describe("a step that waits", () => {
  const what = { step: "count", signals: ["go"], group: { name: "g", until: "all" }, timeoutAtMs: NOW + HOUR_MS } as const;
  const wait: Input = { kind: "wait", report: anOutcome(), wait: what };
  test("is one version on, waiting for whichever comes first, with a clean slate", () => {
    const { next, changes } = transition(NOW, aHead({ version: 4, attempt: 3, failures: 2, leftTraces: true }), wait, rules);
    const { step, ...rest } = what;
    expect(next).toMatchObject({ version: 5, step, attempt: 0, failures: 0, wake: { kind: "go" }, leftTraces: false });
    expect(next.status).toEqual({ kind: "waiting", sinceMs: NOW, ...rest });
    expect(changes.map(({ kind, version }) => ({ kind, version }))).toEqual([{ kind: "step", version: 5 }]);
  });
  test("passes no limit, and does not go beyond its recovery", () => {
    const limited = someRules({ limits: { steps: 5 } });
    expect(transition(NOW, aHead({ version: 4 }), wait, limited).next.status).toMatchObject({ kind: "failed" });
    expect(transition(NOW + RECOVER_MS, recovering(), wait, withRecover).next.status.kind).toBe("failed");
  });
});

describe("what ended a wait", () => {
  const signal = { kind: "signal", sort: "LIVE/inbox/1/s", name: "go" } as const;
  test.each([{ kind: "timeout" } as const, signal, { kind: "children", group: "g", succeeded: 1, failed: 0 } as const])(
    "is on record before the step that it woke ($kind)",
    (wake) => {
      const { changes } = transition(NOW, aHead({ version: 4, wake, step: "pay" }), advance(), rules);
      expect(changes).toMatchObject([
        { kind: "woken", version: 4, step: "pay", wake },
        { kind: "step", version: 5 },
      ]);
    },
  );
  test.each([{ kind: "go" } as const, { kind: "resumed", note: "x" } as const])("is not what did not end one ($kind)", (wake) => {
    expect(transition(NOW, aHead({ wake }), advance(), rules).changes.map(({ kind }) => kind)).toEqual(["step"]);
  });
  test("stays with the step until it commits, however often it is tried", () => {
    const head = aHead({ wake: signal, attempt: 1 });
    const inDoubt: Input = { kind: "in_doubt", report: aReport(), key: "k", why: "?", untilAtMs: NOW + 5 };
    for (const input of [threw(NOW + 5), { kind: "gave_back", report: aReport() } as const, tookOver(), inDoubt])
      expect(transition(NOW, head, input, rules).next.wake).toEqual(signal);
    expect(transition(NOW, head, advance(), rules).next.wake).toEqual({ kind: "go" });
  });
});

describe("a step that completes unless something is unread", () => {
  const closes: Input = { kind: "complete", report: anOutcome(), result: inline("all"), ifUnread: "step" };
  const signal = { kind: "signal", sort: "LIVE/inbox/1/s", name: "go" } as const;
  const closing = transition(NOW, aHead({ version: 4 }), closes, rules).next;
  test("is committed, and does not end yet", () => {
    expect(closing).toMatchObject({ version: 5, status: { kind: "closing", sinceMs: NOW, result: inline("all") } });
    expect(closing.rememberedUntilAtMs).toBeNull();
    expect(transition(NOW, aHead(), closes, rules).changes.map(({ kind }) => kind)).toEqual(["step"]);
  });
  test("ends with its result when nothing is", () => {
    const { next, changes } = transition(NOW + 5, closing, { kind: "close", wake: null }, rules);
    expect(next).toMatchObject({ version: 5, rememberedUntilAtMs: NOW + 5 + 30 * DAY_MS });
    expect(next.status).toEqual({ kind: "completed", endedAtMs: NOW + 5, result: inline("all") });
    expect(changes).toMatchObject([{ kind: "ended", status: "completed", cause: null }]);
  });
  test("goes on from its last state when something is, and the result is dropped", () => {
    const { next, changes } = transition(NOW + 5, closing, { kind: "close", wake: signal }, rules);
    expect(next).toEqual({ ...closing, status: { kind: "ready" }, wake: signal, updatedAtMs: NOW + 5 });
    expect(changes).toEqual([]);
  });
  test("is the only one that closes", () => {
    expect(() => transition(NOW, aHead(), { kind: "close", wake: null }, rules)).toThrow(InvariantError);
  });
  test("keeps its turn of recover, and is cancelled by nobody", () => {
    const recovered = transition(NOW, recovering(), closes, withRecover).next;
    expect(transition(NOW, recovered, { kind: "close", wake: signal }, withRecover).next.recovery).not.toBeNull();
    expect(transition(NOW, recovered, { kind: "close", wake: null }, withRecover).next).toMatchObject({
      recovery: null,
      status: { kind: "completed" },
    });
    const { next, changes } = transition(NOW, closing, { kind: "command", command: CANCEL }, rules);
    expect(next).toBe(closing);
    expect(changes).toMatchObject([{ kind: "refused", command: "cancel", status: "closing" }]);
  });
});

describe("an effect in doubt", () => {
  const inDoubt = (untilAtMs: number | null, over: Parameters<typeof aReport>[0] = {}): Input => ({
    kind: "in_doubt",
    report: aReport({ attempt: 3, meters: { usd: 2 }, ...over }),
    key: "pay",
    why: "the bank timed out",
    untilAtMs,
  });
  const head = aHead({ version: 4, attempt: 3, failures: 1, meters: { usd: 1 } });
  const event = { kind: "in_doubt", version: 4, atMs: NOW, step: "step", key: "pay", why: "the bank timed out" };
  test("puts the step to sleep until it can be asked about, and charges no attempt", () => {
    const { next, changes } = transition(NOW, head, inDoubt(NOW + 500), rules);
    expect(next).toMatchObject({ version: 4, attempt: 2, failures: 1, meters: { usd: 3 } });
    expect(next.status).toEqual(sleeping(NOW + 500, { why: "effect" }));
    expect(changes).toEqual([{ ...event, untilAtMs: NOW + 500 }]);
  });
  test("waits for a person where nobody else can say", () => {
    const { next, changes } = transition(NOW, head, inDoubt(null), rules);
    expect(next).toMatchObject({ version: 4, attempt: 2 });
    expect(next.status).toEqual({ ...paused(), reason: "the bank timed out" });
    expect(changes).toEqual([{ ...event, untilAtMs: null }]);
  });
  test("passes no limit", () => {
    const limited = someRules({ limits: { meters: { usd: 2 } } });
    const { next, changes } = transition(NOW, head, inDoubt(NOW + 500), limited);
    expect(next.status).toMatchObject({ kind: "failed", cause: { kind: "limit", name: "meters.usd" } });
    expect(changes.map(({ kind }) => kind)).toEqual(["in_doubt", "ended"]);
  });
  test("does not outlast the recovery that it happens in", () => {
    const at = (ms: number) => transition(NOW + ms, recovering(), inDoubt(NOW + HOUR_MS), withRecover).next.status.kind;
    expect([at(RECOVER_MS - 1), at(RECOVER_MS)]).toEqual(["sleeping", "failed"]);
  });
});

describe("what counts for nothing: text in the output stream, children that are listed", () => {
  const wrote = { leftTraces: true };
  const left = (input: Input, head = aHead()) => transition(NOW, head, input, rules).next.leftTraces;
  test("may have been left by an attempt that failed, was given back, is in doubt or died", () => {
    const inDoubt = (report: ReturnType<typeof aReport>): Input => ({
      kind: "in_doubt",
      report,
      key: "k",
      why: "?",
      untilAtMs: null,
    });
    for (const report of [aReport(wrote), aReport()]) {
      expect(left(threw(NOW + 5, report))).toBe(report.leftTraces);
      expect(left({ kind: "gave_back", report })).toBe(report.leftTraces);
      expect(left(inDoubt(report))).toBe(report.leftTraces);
    }
    expect(left(tookOver())).toBe(true);
    expect(left(tookOver({ noOutcome: false }))).toBe(false);
  });
  test("is remembered until the version is committed", () => {
    const head = aHead({ leftTraces: true });
    for (const input of [threw(NOW + 5), { kind: "gave_back", report: aReport() } as const, tookOver({ noOutcome: false })])
      expect(left(input, head)).toBe(true);
    expect(left(advance(), head)).toBe(false);
  });
});

describe("a step that says fail", () => {
  test("ends the item as failed, at the same version, without recover", () => {
    const { next, changes } = transition(NOW, aHead({ version: 4 }), fail, withRecover);
    expect(next).toMatchObject({ version: 4, recovered: false, lastError: { message: "no" } });
    expect(next.status).toEqual({ kind: "failed", endedAtMs: NOW, error: anError({ message: "no" }), cause: null });
    expect(changes).toMatchObject([
      { kind: "failed", retryAtMs: null },
      { kind: "ended", status: "failed", cause: null },
    ]);
  });
  test("in recover keeps the status of the cause", () => {
    const { next } = transition(NOW, recovering({ kind: "cancelled", reason: "stop" }), fail, withRecover);
    expect(next.status).toMatchObject({ kind: "cancelled", error: { message: "stop" }, cause: { kind: "cancelled" } });
  });
});

describe("a step that throws", () => {
  test("sleeps until its retry, with the attempt, the failure and its meters on record", () => {
    const head = aHead({ version: 4, attempt: 2, failures: 1, meters: { tokens: 1 }, wake: { kind: "resumed", note: "x" } });
    const { next, changes } = transition(NOW, head, threw(NOW + 500, { attempt: 2, meters: { tokens: 1 } }), rules);
    expect(next).toMatchObject({
      version: 4,
      attempt: 2,
      failures: 2,
      lastError: { message: "broke" },
      meters: { tokens: 2 },
      wake: { kind: "resumed", note: "x" },
      status: sleeping(NOW + 500, { why: "retry" }),
    });
    expect(changes).toEqual([
      { kind: "failed", version: 4, atMs: NOW, step: "step", attempt: 2, durationMs: 5, error: anError(), retryAtMs: NOW + 500 },
    ]);
  });
  test("is ready when its retry is due", () => {
    expect(transition(NOW, aHead(), threw(NOW), rules).next.status).toEqual({ kind: "ready" });
  });
  test("is dead-lettered with the error once its attempts are used up", () => {
    const { next, changes } = transition(NOW, aHead(), threw(null), rules);
    expect(next.status).toEqual({
      kind: "dead_lettered",
      endedAtMs: NOW,
      error: anError(),
      cause: { kind: "exhausted", error: anError() },
    });
    expect(changes.map(({ kind }) => kind)).toEqual(["failed", "ended"]);
  });
});

describe("recover", () => {
  test("has its turn before a bad end, as a step of its own with fresh attempts", () => {
    const { next, changes } = transition(NOW, aHead({ version: 4, failures: 3, crashes: 2 }), threw(null), withRecover);
    expect(next).toMatchObject({
      version: 4,
      status: { kind: "ready" },
      step: RECOVER_NAME,
      wake: { kind: "go" },
      attempt: 0,
      failures: 0,
      crashes: 0,
      recovered: true,
      recovery: { cause: { kind: "exhausted" }, sinceVersion: 4, sinceMs: NOW },
      rememberedUntilAtMs: null,
    });
    expect(changes.map(({ kind }) => kind)).toEqual(["failed", "recovering"]);
  });
  test("is asked once per life: what goes wrong in it ends the item with its first cause", () => {
    const { next } = transition(NOW, recovering({ kind: "limit", name: "steps" }), threw(null), withRecover);
    expect(next).toMatchObject({ status: { kind: "failed", cause: { kind: "limit" } }, recovery: null, recovered: true });
    expect(transition(NOW, aHead({ recovered: true }), overdue, withRecover).next.status.kind).toBe("failed");
  });
  test("may go on for as many steps as it is given, and no more", () => {
    const at = (version: number) =>
      transition(NOW, recovering(undefined, { version: 4 + version }), advance(), withRecover).next.status.kind;
    expect(at(RECOVER_STEPS - 2)).toBe("ready");
    expect(at(RECOVER_STEPS - 1)).toBe("failed");
  });
  test("may go on for an hour, and no longer, whether its steps go on or throw", () => {
    const at = (ms: number, input: Input) => transition(NOW + ms, recovering(), input, withRecover).next.status.kind;
    expect(at(RECOVER_MS - 1, advance())).toBe("ready");
    expect(at(RECOVER_MS, advance())).toBe("failed");
    expect(at(RECOVER_MS - 1, threw(NOW + HOUR_MS))).toBe("sleeping");
    expect(at(RECOVER_MS, threw(NOW + 2 * HOUR_MS))).toBe("failed");
  });
  test("is armed again by a redrive, and the step to come has not its name", () => {
    const dead = transition(NOW, recovering(), threw(null), withRecover).next;
    const { next } = transition(NOW, dead, { kind: "command", command: REDRIVE }, withRecover);
    expect(next).toMatchObject({ recovered: false, recovery: null, step: "step", status: { kind: "ready" } });
    expect(transition(NOW, next, overdue, withRecover).next.recovery).not.toBeNull();
  });
  test("keeps its cause: an end without one is a bug", () => {
    expect(() => finalEnd({ nowMs: NOW, head: aHead(), rules }, aHead(), [])).toThrow(InvariantError);
  });
  test.each<[StoredCause, string, string]>([
    [{ kind: "exhausted", error: anError({ code: "own" }) }, "dead_lettered", "own"],
    [{ kind: "crashed", attempts: 6 }, "dead_lettered", "crashed"],
    [{ kind: "cancelled", reason: "stop" }, "cancelled", "cancelled"],
    [{ kind: "deadline" }, "failed", "deadline"],
    [{ kind: "limit", name: "steps" }, "failed", "limit"],
  ])("that fails leaves %o as %s", (cause, kind, code) => {
    expect(transition(NOW, recovering(cause), threw(null), withRecover).next.status).toMatchObject({
      kind,
      cause,
      error: { code },
    });
  });
});

describe("a worker that takes over", () => {
  test("puts the attempt that left no outcome on record, at the same version", () => {
    const { next, changes } = transition(NOW, aHead({ version: 4 }), tookOver({ attempts: 2, alone: false }), rules);
    expect(next).toMatchObject({ version: 4, attempt: 2, crashes: 0, failures: 0, updatedAtMs: NOW });
    expect(changes).toEqual([{ kind: "taken_over", version: 4, atMs: NOW, step: "step", attempt: 2, alone: false }]);
  });
  test("says nothing when no attempt was under way", () => {
    const { next, changes } = transition(
      NOW,
      aHead({ attempt: 1 }),
      tookOver({ attempts: 1, noOutcome: false, alone: false }),
      rules,
    );
    expect(next.attempt).toBe(1);
    expect(changes).toEqual([]);
  });
  test("counts a death that happened alone, and dead-letters after more than limits.crashes of them", () => {
    expect(transition(NOW, aHead({ crashes: 4 }), tookOver(), rules).next).toMatchObject({
      crashes: 5,
      status: { kind: "ready" },
    });
    const { next, changes } = transition(NOW, aHead({ crashes: 5 }), tookOver({ attempts: 7 }), rules);
    expect(next.status).toMatchObject({ kind: "dead_lettered", cause: { kind: "crashed", attempts: 7 } });
    expect(changes.map(({ kind }) => kind)).toEqual(["taken_over", "ended"]);
    expect(transition(NOW, aHead({ crashes: 5 }), tookOver(), withRecover).next.recovery?.cause.kind).toBe("crashed");
  });
  test("does not take the item for the killer when the death was not alone", () => {
    const lowered = someRules({ limits: { crashes: 1 } });
    expect(transition(NOW, aHead({ crashes: 3 }), tookOver({ alone: false }), lowered).next.status.kind).toBe("ready");
  });
  test("leaves an ended or paused item as it is, crashes or not", () => {
    for (const head of [anEndedHead(ENDED[3], { crashes: 6 }), aHead({ status: paused(), crashes: 6 })]) {
      const { next } = transition(NOW + 5, head, tookOver({ attempts: 0, noOutcome: false, alone: false }), withRecover);
      expect(next).toEqual({ ...head, updatedAtMs: NOW + 5 });
    }
    expect(transition(NOW, anEndedHead(ENDED[3], { crashes: 6 }), tookOver(), withRecover).next.status).toBe(ENDED[3]);
  });
});

describe("a worker that shuts down", () => {
  test("gives the attempt back, on record, with what it used", () => {
    const { next, changes } = transition(
      NOW,
      aHead({ version: 4, attempt: 3, meters: { usd: 1 } }),
      { kind: "gave_back", report: aReport({ attempt: 3, meters: { usd: 2 } }) },
      rules,
    );
    expect(next).toMatchObject({ version: 4, attempt: 2, status: { kind: "ready" }, meters: { usd: 3 } });
    expect(changes).toEqual([{ kind: "given_back", version: 4, atMs: NOW, step: "step", attempt: 3 }]);
  });
});

describe("an engine that cannot migrate", () => {
  test.each([{ kind: "ready" } as const, sleeping(NOW - 1)])("pauses the item, and spends no attempt ($kind)", (status) => {
    const input: Input = { kind: "cannot_migrate", attempt: 1, error: anError({ message: "no way" }) };
    const { next, changes } = transition(NOW, aHead({ attempt: 1, status }), input, rules);
    expect(next).toMatchObject({ attempt: 0, version: 0, lastError: { message: "no way" } });
    expect(next.status).toEqual({ kind: "paused", sinceMs: NOW, reason: "migrate failed: no way", beneath: status });
    expect(changes).toMatchObject([{ kind: "paused", reason: "migrate failed: no way" }]);
  });
});

describe("a deadline that passes", () => {
  test.each([{ kind: "ready" } as const, sleeping(NOW + HOUR_MS)])("fails the item, from whatever it does ($kind)", (status) => {
    const { next } = transition(NOW, aHead({ status }), overdue, rules);
    expect(next.status).toMatchObject({ kind: "failed", cause: { kind: "deadline" }, error: { code: "deadline" } });
  });
});

describe("what an item does not allow", () => {
  const ofAnAttempt: readonly Input[] = [
    advance(),
    complete,
    fail,
    threw(null),
    threw(NOW + 5),
    { kind: "gave_back", report: aReport() },
    { kind: "wait", report: anOutcome(), wait: { step: "step", signals: [], group: null, timeoutAtMs: NOW } },
    { kind: "in_doubt", report: aReport(), key: "k", why: "?", untilAtMs: null },
    { kind: "cannot_migrate", attempt: 1, error: anError() },
    overdue,
  ];
  test.each(ofAnAttempt)("the outcome of an attempt ($kind) belongs to no ended, closing or paused item", (input) => {
    for (const status of [...ENDED, CLOSING, paused()]) {
      expect(() => transition(NOW, aHead({ status }), input, rules)).toThrow(InvariantError);
    }
  });
  test("an input, a command or a cause that it does not know", () => {
    expect(() => transition(NOW, aHead(), forged(), rules)).toThrow(InvariantError);
    expect(() => transition(NOW, recovering(forged()), fail, rules)).toThrow(InvariantError);
    expect(transition(NOW, aHead(), { kind: "command", command: CANCEL }, rules).next.status.kind).toBe("cancelled");
  });
});
