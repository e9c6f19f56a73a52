import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Alarm,
  alarmAfter,
  alarmFor,
  type Due,
  inboxAlarm,
  isAlarmSet,
  isLongSleep,
  needsRewrite,
  type Ring,
  retentionAlarm,
  ring,
  wakesAt,
} from "../../src/domain/alarm.ts";
import { InvariantError } from "../../src/domain/errors.ts";
import { deadlineOf, type Head, isEnded, type Status } from "../../src/domain/head.ts";
import { DAY_MS, HOUR_MS, MAX_DELAY_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/limits.ts";
import * as any from "./arbitraries.ts";
import {
  aDue,
  aHead,
  anEndedHead,
  CLOSING,
  ENDED,
  endedBadly,
  forged,
  forgedLater,
  NOW,
  paused,
  sleeping,
  waiting,
} from "./builders.ts";

const when = (nowMs = NOW) => ({ nowMs, maxDelayMs: MAX_DELAY_MS });
const alarmAt = (head: Head, nowMs = NOW, rings = 0) => alarmFor(head, when(nowMs), rings).atMs - NOW;
const asleep = (wakeAtMs: number, over: Parameters<typeof aHead>[0] = {}) => aHead({ status: sleeping(wakeAtMs), ...over });

describe("the alarm of an item", () => {
  test("that is ready rings in 10 minutes, doubling to 6 hours", () => {
    expect(alarmFor(aHead({ version: 3 }), when())).toEqual({ why: "ready", atMs: NOW + 10 * MINUTE_MS, version: 3, rings: 0 });
    expect([1, 2, 5, 6, 2_000].map((rings) => alarmAt(aHead(), NOW, rings) / MINUTE_MS)).toEqual([20, 40, 320, 360, 360]);
  });
  test("that is ready is needed no sooner once it has rung for that version; for another state or version it is", () => {
    const needed = (due: Due | null) => alarmAfter(due, aHead({ version: 3 }), when()).atMs - NOW;
    expect(needed(aDue({ why: "ready", version: 3, rings: 3 }))).toBe(80 * MINUTE_MS);
    for (const due of [null, aDue({ why: "ready", version: 2, rings: 3 }), aDue({ why: "waiting", version: 3, rings: 3 })])
      expect(needed(due)).toBe(10 * MINUTE_MS);
  });
  test("that sleeps for up to 15 minutes rings 2 minutes after its wake, and not within 15", () => {
    expect(alarmFor(asleep(NOW + MINUTE_MS), when())).toMatchObject({ why: "sleep", atMs: NOW + 15 * MINUTE_MS });
    expect(alarmAt(asleep(NOW + 14 * MINUTE_MS))).toBe(16 * MINUTE_MS);
    expect(alarmAt(asleep(NOW + 15 * MINUTE_MS))).toBe(17 * MINUTE_MS);
    // The clock has jumped back: its hint was taken for that of a long sleep, and dropped.
    expect(alarmAt(asleep(NOW + MINUTE_MS), NOW - HOUR_MS)).toBe(3 * MINUTE_MS);
  });
  test("that sleeps for longer rings 15 minutes before its wake, and then as after a short sleep", () => {
    const head = asleep(NOW + 15 * MINUTE_MS + 1);
    expect(alarmAt(head)).toBe(1);
    expect(alarmAt(head, NOW + 1)).toBe(17 * MINUTE_MS + 1);
    expect(alarmAt(asleep(NOW + 400 * DAY_MS))).toBe(400 * DAY_MS - 15 * MINUTE_MS);
  });
  test("that is paused rings after a day, a week, and every 30 days", () => {
    const head = aHead({ status: paused() });
    expect([0, 1, 2, 7, 29, 30, 31, 60, 100].map((days) => alarmAt(head, NOW + days * DAY_MS) / DAY_MS)).toEqual([
      1, 7, 7, 30, 30, 60, 60, 90, 120,
    ]);
  });
  test.each(ENDED)("that has ended rings in 10 minutes, until what follows is done ($kind)", (status) => {
    expect(alarmFor(anEndedHead(status), when())).toMatchObject({ why: "end", atMs: NOW + 10 * MINUTE_MS });
  });
  test("rings at its deadline at the latest, and soon when that has passed", () => {
    const deadlineAtMs = NOW + 5 * MINUTE_MS;
    expect(alarmAt(aHead({ deadlineAtMs }))).toBe(5 * MINUTE_MS);
    expect(alarmAt(asleep(NOW + DAY_MS, { deadlineAtMs }))).toBe(5 * MINUTE_MS);
    expect(alarmAt(asleep(NOW + DAY_MS, { deadlineAtMs }), deadlineAtMs)).toBe(15 * MINUTE_MS);
    expect(alarmAt(asleep(NOW + DAY_MS, { deadlineAtMs: NOW + 2 * DAY_MS }))).toBe(DAY_MS - 15 * MINUTE_MS);
  });
  test("that waits with a timeout rings as for a sleep until then", () => {
    const waits = (timeoutAtMs: number) => aHead({ status: waiting({ signals: ["go"], timeoutAtMs }) });
    for (const ms of [MINUTE_MS, 15 * MINUTE_MS, 15 * MINUTE_MS + 1, 400 * DAY_MS])
      expect(alarmAt(waits(NOW + ms))).toBe(alarmAt(asleep(NOW + ms)));
    expect(alarmFor(waits(NOW + MINUTE_MS), when()).why).toBe("waiting");
  });
  test("that waits for as long as it takes rings after a day, a week, and every 30 days", () => {
    const head = aHead({ status: waiting({ signals: ["go"] }) });
    expect(alarmFor(head, when())).toMatchObject({ why: "waiting", atMs: NOW + DAY_MS });
    expect([1, 7, 30].map((days) => alarmAt(head, NOW + days * DAY_MS) / DAY_MS)).toEqual([7, 30, 60]);
    expect(alarmAt({ ...head, deadlineAtMs: NOW + HOUR_MS })).toBe(HOUR_MS);
  });
  test("that closes rings in 10 minutes, whatever its deadline was", () => {
    expect(alarmFor(aHead({ status: CLOSING, deadlineAtMs: NOW }), when())).toMatchObject({
      why: "end",
      atMs: NOW + 10 * MINUTE_MS,
    });
  });
  test("knows no deadline while paused, closing or ended", () => {
    for (const head of [aHead({ status: paused() }), aHead({ status: CLOSING }), anEndedHead()])
      expect(deadlineOf({ ...head, deadlineAtMs: NOW + 1 })).toBeNull();
  });
  test("gives a recovery its own hour, whatever the item's deadline was", () => {
    const recovery = { cause: { kind: "deadline" } as const, sinceVersion: 0, sinceMs: NOW - MINUTE_MS };
    expect(deadlineOf(aHead({ recovery, deadlineAtMs: NOW - 1 }))).toBe(NOW + 59 * MINUTE_MS);
    expect(alarmAt(asleep(NOW + DAY_MS, { recovery }))).toBe(59 * MINUTE_MS);
  });
  test("whose status nobody knows is a bug", () => {
    for (const status of [forged<Status>(), forgedLater<Status>("ready", 1)])
      expect(() => alarmFor(aHead({ status }), when())).toThrow(InvariantError);
  });

  test("is in the future, and never later than what its state and its deadline ask for", () => {
    fc.assert(
      fc.property(any.head, any.instant, fc.nat(12), (head, nowMs, rings) => {
        const { atMs } = alarmFor(head, when(nowMs), rings);
        expect(atMs).toBeGreaterThan(nowMs);
        expect(atMs).toBeLessThanOrEqual(latest(head, nowMs));
        const deadlineAtMs = deadlineOf(head);
        if (deadlineAtMs !== null) expect(atMs).toBeLessThanOrEqual(Math.max(deadlineAtMs, nowMs + 10 * MINUTE_MS));
      }),
    );
  });
});

/** What DESIGN §4 allows at most, written down a second time. */
function latest({ status }: Head, nowMs: number): number {
  if (isEnded(status)) return nowMs + 10 * MINUTE_MS;
  if (status.kind === "ready") return nowMs + 6 * HOUR_MS;
  if (status.kind === "closing") return nowMs + 10 * MINUTE_MS;
  if (status.kind === "paused") return Math.max(nowMs + 30 * DAY_MS, status.sinceMs + DAY_MS);
  if (status.kind === "waiting") {
    const { timeoutAtMs, sinceMs } = status;
    if (timeoutAtMs === null) return Math.max(nowMs + 30 * DAY_MS, sinceMs + DAY_MS);
    return Math.max(timeoutAtMs + 2 * MINUTE_MS, nowMs + 15 * MINUTE_MS);
  }
  return Math.max(status.wakeAtMs + 2 * MINUTE_MS, nowMs + 15 * MINUTE_MS);
}

test("only sleeps, and waits that may time out, go by the clock", () => {
  expect(wakesAt(sleeping(NOW + 5))).toMatchObject({ sinceMs: NOW, wakeAtMs: NOW + 5 });
  expect(wakesAt(waiting({ timeoutAtMs: NOW + 5 }))).toEqual({ sinceMs: NOW, wakeAtMs: NOW + 5 });
  for (const status of [waiting(), paused(sleeping(NOW)), CLOSING, ...ENDED]) expect(wakesAt(status)).toBeNull();
});

describe("an alarm that is set", () => {
  const need = aDue({ atMs: NOW + HOUR_MS });
  test("is rewritten when it is past or later than needed, or not there", () => {
    expect(needsRewrite(null, need, NOW)).toBe(true);
    expect(needsRewrite({ ...need, atMs: null }, need, NOW)).toBe(true);
    expect(needsRewrite(aDue({ atMs: NOW }), need, NOW)).toBe(true);
    expect(needsRewrite(aDue({ atMs: NOW + 1 }), need, NOW)).toBe(false);
    expect(needsRewrite(aDue({ atMs: NOW + HOUR_MS }), need, NOW)).toBe(false);
    expect(needsRewrite(aDue({ atMs: NOW + HOUR_MS + 1 }), need, NOW)).toBe(true);
  });
  test("says that all that follows an end is done when it is set for retention or collection", () => {
    const set = (why: Due["why"], what: "retention" | "collect") => isAlarmSet(aDue({ why }), what);
    expect([set("retention", "retention"), set("collect", "retention"), set("collect", "collect")]).toEqual([true, true, true]);
    expect([set("end", "retention"), set("retention", "collect"), isAlarmSet(null, "retention")]).toEqual([false, false, false]);
  });
  test("is within a minute for something new in the inbox, and at the end of its memory for an ended item", () => {
    expect(inboxAlarm(3, NOW)).toEqual({ why: "inbox", atMs: NOW + MINUTE_MS, version: 3, rings: 0 });
    expect(retentionAlarm(anEndedHead(), NOW)).toEqual({ why: "retention", atMs: NOW, version: 0, rings: 0 });
  });
});

describe("an alarm that rings", () => {
  const now = { delayMs: 0 };
  const rung = (head: Head, over: { due?: Partial<Alarm>; owed?: boolean; nowMs?: number } = {}) =>
    ring(aDue({ version: head.version, ...over.due }), head, over.owed ?? false, when(over.nowMs));

  test.each([aHead(), asleep(NOW + DAY_MS), aHead({ status: paused() }), anEndedHead()])(
    "for an inbox with something in it owes a hint, and looks again in 10 minutes ($status.kind)",
    (head) => {
      const next = { why: "inbox", atMs: NOW + 10 * MINUTE_MS };
      expect(rung(head, { owed: true, due: { why: "retention" } })).toMatchObject({ kind: "look_again", hint: now, next });
    },
  );
  test("for a ready item owes a hint, and looks again later and later while the version stands", () => {
    expect(rung(aHead())).toMatchObject({ hint: now, next: { why: "ready", atMs: NOW + 20 * MINUTE_MS, rings: 1 } });
    expect(rung(aHead(), { due: { rings: 3 } })).toMatchObject({ hint: now, next: { atMs: NOW + 160 * MINUTE_MS, rings: 4 } });
    expect(rung(aHead({ version: 4 }), { due: { version: 3, rings: 3 } })).toMatchObject({ next: { version: 4, rings: 1 } });
  });
  test("for a short sleep owes a hint only once its wake is 2 minutes past", () => {
    const at = (nowMs: number) => rung(asleep(NOW + 15 * MINUTE_MS), { nowMs });
    expect(at(NOW)).toMatchObject({ hint: null, next: { atMs: NOW + 17 * MINUTE_MS } });
    expect(at(NOW + 17 * MINUTE_MS - 1)).toMatchObject({ hint: null });
    expect(at(NOW + 17 * MINUTE_MS)).toMatchObject({ hint: now, next: { atMs: NOW + 32 * MINUTE_MS } });
  });
  test("for a long sleep owes the exact delayed hint for its last 15 minutes", () => {
    const at = (minutes: number) => rung(asleep(NOW + HOUR_MS), { nowMs: NOW + minutes * MINUTE_MS });
    expect(at(44)).toMatchObject({ hint: null, next: { atMs: NOW + 45 * MINUTE_MS } });
    expect(at(45)).toMatchObject({ hint: { delayMs: 15 * MINUTE_MS }, next: { atMs: NOW + 62 * MINUTE_MS } });
    expect(at(59)).toMatchObject({ hint: { delayMs: MINUTE_MS }, next: { atMs: NOW + 74 * MINUTE_MS } });
    expect(at(61)).toMatchObject({ hint: now });
    expect(at(63)).toMatchObject({ hint: now });
    expect([MAX_DELAY_MS, MAX_DELAY_MS + 1].map((ms) => isLongSleep(sleepFor(ms), MAX_DELAY_MS))).toEqual([false, true]);
  });
  test("for a sleep that is longer than the queue is left with owes the hint so long before its wake", () => {
    const given = (nowMs: number) => ({ nowMs, maxDelayMs: 5 * SECOND_MS });
    const head = asleep(NOW + 8 * SECOND_MS);
    const due = alarmFor(head, given(NOW));
    expect(due.atMs).toBe(NOW + 3 * SECOND_MS);
    const todo = lookAgain(ring(due, head, false, given(due.atMs)));
    expect(todo).toMatchObject({ hint: { delayMs: 5 * SECOND_MS }, next: { atMs: due.atMs + 15 * MINUTE_MS } });
    expect(alarmFor(asleep(NOW + 5 * SECOND_MS), given(NOW)).atMs).toBe(NOW + 15 * MINUTE_MS);
  });
  test("for a paused item owes nothing but a look", () => {
    expect(rung(aHead({ status: paused() }), { nowMs: NOW + DAY_MS })).toMatchObject({
      hint: null,
      next: { atMs: NOW + 7 * DAY_MS },
    });
  });
  test("for a wait without a timeout owes nothing but a look", () => {
    const next = { why: "waiting", atMs: NOW + 7 * DAY_MS };
    expect(rung(aHead({ status: waiting() }), { nowMs: NOW + DAY_MS })).toMatchObject({ hint: null, next });
  });
  test.each([
    [15, 16, null],
    [15, 17, 0],
    [60, 44, null],
    [60, 45, 15],
    [60, 59, 1],
  ])("for a wait of %d minutes at most owes after %d minutes what a sleep would", (timeout, minutes, delay) => {
    const timeoutAtMs = NOW + timeout * MINUTE_MS;
    const nowMs = NOW + minutes * MINUTE_MS;
    const { hint, next } = lookAgain(rung(aHead({ status: waiting({ timeoutAtMs }) }), { nowMs }));
    expect(hint).toEqual(delay === null ? null : { delayMs: delay * MINUTE_MS });
    const sleep = lookAgain(rung(asleep(timeoutAtMs), { nowMs }));
    expect(hint).toEqual(sleep.hint);
    expect(next).toEqual({ ...sleep.next, why: "waiting" });
  });
  test("for a closing item owes a hint", () => {
    expect(rung(aHead({ status: CLOSING }))).toMatchObject({ hint: now, next: { why: "end", atMs: NOW + 10 * MINUTE_MS } });
  });
  test("for a deadline that has passed owes a hint, and looks again in 10 minutes", () => {
    const head = asleep(NOW + DAY_MS, { deadlineAtMs: NOW });
    expect(rung(head)).toMatchObject({ kind: "look_again", hint: now, next: { atMs: NOW + 10 * MINUTE_MS } });
  });
  test("for an ended item owes a hint until what follows is done", () => {
    const next = { why: "end", atMs: NOW + 10 * MINUTE_MS, rings: 3 };
    expect(rung(anEndedHead(), { due: { why: "end", rings: 2 } })).toMatchObject({ hint: now, next });
    const forever = anEndedHead(undefined, { rememberedUntilAtMs: null });
    expect(rung(forever, { due: { why: "retention" } })).toMatchObject({ hint: now, next: { why: "end" } });
  });
  test("for an item that is done waits for the end of its memory, forgets it then, and collects it a day later", () => {
    const at = (why: "retention" | "collect", ms: number) =>
      rung(anEndedHead(undefined, { rememberedUntilAtMs: NOW }), { due: { why }, nowMs: NOW + ms });
    expect(at("retention", -1)).toMatchObject({ kind: "look_again", hint: null, next: { why: "retention", atMs: NOW } });
    expect(at("retention", 0)).toEqual({ kind: "forget", next: { why: "collect", atMs: NOW + DAY_MS, version: 0, rings: 0 } });
    expect(at("collect", DAY_MS - 1)).toMatchObject({ kind: "forget" });
    expect(at("collect", DAY_MS)).toEqual({ kind: "collect" });
  });
  test("with a retention of 0 forgets at once", () => {
    expect(rung(anEndedHead(endedBadly("failed"), { rememberedUntilAtMs: NOW }), { due: { why: "retention" } }).kind).toBe(
      "forget",
    );
  });

  test("moves itself into the future, so that a sweep makes progress", () => {
    fc.assert(
      fc.property(any.due, any.head, fc.boolean(), any.instant, (due, head, owed, nowMs) => {
        const todo = ring(due, head, owed, when(nowMs));
        if (todo.kind !== "collect") expect(todo.next.atMs).toBeGreaterThan(nowMs);
        if (todo.kind === "look_again" && todo.hint !== null) {
          expect(todo.hint.delayMs).toBeGreaterThanOrEqual(0);
          expect(todo.hint.delayMs).toBeLessThanOrEqual(15 * MINUTE_MS);
        }
      }),
    );
  });
  test("by itself brings every sleeper a hint between its wake and 15 minutes later, however late the sweep", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 * DAY_MS }), fc.nat(5 * MINUTE_MS), (sleepMs, lateMs) => {
        const head = asleep(NOW + sleepMs);
        let due = alarmFor(head, when());
        for (;;) {
          const nowMs = due.atMs + lateMs;
          const todo = lookAgain(ring(due, head, false, when(nowMs)));
          if (todo.hint !== null) {
            const arrivesAtMs = nowMs + todo.hint.delayMs;
            expect(arrivesAtMs).toBeGreaterThanOrEqual(NOW + sleepMs);
            expect(arrivesAtMs).toBeLessThanOrEqual(NOW + sleepMs + 15 * MINUTE_MS + lateMs);
            return;
          }
          due = todo.next;
        }
      }),
    );
  });
});

function lookAgain(todo: Ring): Ring & { kind: "look_again" } {
  if (todo.kind !== "look_again") throw new Error(`expected another look, got ${todo.kind}`);
  return todo;
}
function sleepFor(ms: number): { sinceMs: number; wakeAtMs: number } {
  return { sinceMs: NOW, wakeAtMs: NOW + ms };
}
