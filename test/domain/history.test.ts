/** Random lives of one item through `transition`: what must hold whatever happens, in whatever order. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { refusal } from "../../src/domain/command.ts";
import type { Rules } from "../../src/domain/ends.ts";
import { type Head, isEnded, isPaused } from "../../src/domain/head.ts";
import type { JournalEvent } from "../../src/domain/journal.ts";
import { DAY_MS, HOUR_MS, RECOVER_MS, RECOVER_STEPS } from "../../src/domain/limits.ts";
import { type Input, transition } from "../../src/domain/transition.ts";
import * as any from "./arbitraries.ts";
import { anError, anOutcome, aReport, initial, inline, NOW } from "./builders.ts";

/** What happens next; what of it makes sense depends on the head that it meets. */
const move = fc.record({
  pick: fc.nat(99),
  waitMs: fc.oneof(fc.nat(10), fc.nat(HOUR_MS), fc.integer({ min: -HOUR_MS, max: 0 })),
  sleepMs: fc.oneof(fc.constant(0), fc.nat(DAY_MS)),
  spend: fc.nat(3),
  command: any.command,
  flag: fc.boolean(),
});
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;
const rules: fc.Arbitrary<Rules> = fc.record({
  hasRecover: fc.boolean(),
  limits: fc.record({
    steps: fc.option(fc.integer({ min: 1, max: 12 })),
    crashes: fc.integer({ min: 1, max: 3 }),
    meters: fc.oneof(fc.constant({}), fc.record({ tokens: fc.integer({ min: 1, max: 20 }) })),
  }),
  deadlineMs: fc.option(fc.integer({ min: 1, max: DAY_MS })),
  retentionMs: fc.constantFrom(0, DAY_MS),
});

const WOKEN = { kind: "signal", sort: "LIVE/inbox/1/s", name: "go" } as const;

function inputFor(head: Head, one: Move, nowMs: number): Input {
  const attempt = head.attempt + 1;
  const meters: Record<string, number> = one.spend === 0 ? {} : { tokens: one.spend };
  const report = aReport({ attempt, meters });
  const command: Input = { kind: "command", command: one.command };
  const tookOver: Input = { kind: "took_over", attempts: head.attempt, noOutcome: false, alone: false };
  if (isEnded(head.status) || isPaused(head.status)) return one.pick < 20 ? tookOver : command;
  if (head.status.kind === "closing") {
    if (one.pick < 40) return command;
    return one.pick < 60 ? tookOver : { kind: "close", wake: one.flag ? WOKEN : null };
  }
  if (one.pick < 10) {
    const timeoutAtMs = one.flag ? nowMs + one.sleepMs : null;
    return { kind: "wait", report: anOutcome(report), wait: { step: "count", signals: ["go"], group: null, timeoutAtMs } };
  }
  if (one.pick < 40) {
    const next = { step: one.flag ? "count" : "pay", wakeAtMs: nowMs + one.sleepMs };
    return { kind: "advance", report: anOutcome({ ...report, state: inline({ at: head.version + 1 }) }), next };
  }
  if (one.pick < 55) return { kind: "threw", report, error: anError(), retryAtMs: one.flag ? nowMs + one.sleepMs : null };
  if (one.pick < 70) return { kind: "took_over", attempts: attempt, noOutcome: true, alone: one.flag };
  if (one.pick < 75) return { kind: "gave_back", report };
  if (one.pick < 77) {
    const untilAtMs = one.flag ? nowMs + one.sleepMs : null;
    return { kind: "in_doubt", report, key: "pay", why: "asked in vain", untilAtMs };
  }
  if (one.pick < 79) return { kind: "cannot_migrate", attempt, error: anError() };
  if (one.pick < 81)
    return { kind: "complete", report: anOutcome(report), result: inline(1), ifUnread: one.flag ? "step" : "drop" };
  if (one.pick < 84) return { kind: "fail", report, error: anError() };
  return one.pick < 87 ? { kind: "overdue" } : command;
}

interface Life {
  head: Head;
  nowMs: number;
  readonly journal: JournalEvent[];
}

/** Applies a move, checks everything that one transition must keep, and answers what came of it. */
function check(life: Life, one: Move, given: Rules): void {
  const { head } = life;
  const nowMs = life.nowMs + one.waitMs;
  const input = inputFor(head, one, nowMs);
  const before = structuredClone(head);
  const { next, changes } = transition(nowMs, head, input, given);
  expect(head).toEqual(before);

  const committed = input.kind === "advance" || input.kind === "wait" || input.kind === "complete";
  expect(next.version).toBe(head.version + (committed ? 1 : 0));
  for (const { version } of changes) expect([head.version, next.version]).toContain(version);
  expect(changes.some(({ kind }) => kind === "step")).toBe(committed);

  const kinds = changes.map(({ kind }) => kind);
  const freshStart =
    kinds.some((kind) => ["recovering", "ended", "redriven", "given_back", "in_doubt"].includes(kind)) ||
    input.kind === "cannot_migrate";
  if (!committed && !freshStart) expect(next.attempt).toBeGreaterThanOrEqual(head.attempt);
  if (committed) expect([next.attempt, next.failures, next.crashes]).toEqual([0, 0, 0]);
  expect(next.attempt).toBeGreaterThanOrEqual(0);

  if (isEnded(head.status) && next.status !== head.status) expect(kinds).toEqual(["redriven"]);
  if (isEnded(next.status) !== isEnded(head.status)) expect(kinds.at(-1)).toBe(isEnded(next.status) ? "ended" : "redriven");
  expect(next.rememberedUntilAtMs === null).toBe(!isEnded(next.status));
  if (isEnded(next.status)) expect(next.recovery).toBeNull();
  if (input.kind === "command") {
    const allowed = refusal(input.command.kind, head, nowMs) === null;
    expect(kinds.includes("refused")).toBe(!allowed);
    if (!allowed) expect(next).toBe(head);
  }

  const spent = "report" in input ? (input.report.meters["tokens"] ?? 0) : 0;
  expect(next.meters["tokens"] ?? 0).toBe((head.meters["tokens"] ?? 0) + spent);
  const recovery = head.recovery;
  if (recovery !== null && isEnded(next.status) && next.status.kind !== "completed")
    expect(next.status).toMatchObject({ cause: recovery.cause });
  if (next.recovery !== null) {
    expect(given.hasRecover && next.recovered).toBe(true);
    expect(next.version - next.recovery.sinceVersion).toBeLessThan(RECOVER_STEPS);
    if (input.kind === "advance" || input.kind === "threw") expect(nowMs - next.recovery.sinceMs).toBeLessThan(RECOVER_MS);
  } else if (!isEnded(next.status) && next.status.kind !== "closing" && committed) {
    expect(next.version - next.budget.sinceVersion).toBeLessThan(given.limits.steps ?? Number.POSITIVE_INFINITY);
    const limit = given.limits.meters["tokens"] ?? Number.POSITIVE_INFINITY;
    expect((next.meters["tokens"] ?? 0) - (next.budget.meters["tokens"] ?? 0)).toBeLessThanOrEqual(limit);
  }
  if (!isEnded(next.status)) expect(next.crashes).toBeLessThanOrEqual(given.limits.crashes);
  life.head = next;
  life.nowMs = nowMs;
  life.journal.push(...changes);
}

test("a life keeps one history, counts attempts first, changes its ends only by redrive, and recovers once", () => {
  fc.assert(
    fc.property(rules, fc.array(move, { minLength: 1, maxLength: 80 }), (given, moves) => {
      const life: Life = { head: initial(), nowMs: NOW, journal: [] };
      for (const one of moves) check(life, one, given);

      const versions = life.journal.filter(({ kind }) => kind === "step").map(({ version }) => version);
      expect(versions).toEqual(Array.from({ length: life.head.version }, (_, i) => i + 1));
      let recoveries = 0;
      for (const { kind } of life.journal) {
        if (kind === "redriven") recoveries = 0;
        if (kind === "recovering") recoveries += 1;
        expect(recoveries).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 300 },
  );
});
