/** The rules by which an effect's outcome is found out, parked or risked again (G6). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  askAgainAt,
  DidNotHappen,
  doubtText,
  type EffectRecord,
  type EffectState,
  idempotencyKey,
  isDidNotHappen,
  isReservationOver,
  verdictOf,
} from "../../src/domain/effect.ts";
import { EffectFailedError, EffectInDoubtError } from "../../src/domain/errors.ts";
import { keyOfStep } from "../../src/domain/head.ts";
import { parseToken } from "../../src/domain/ids.ts";
import { ASK_MS, DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/limits.ts";
import {
  isParkedOn,
  isResolvedAs,
  parseResolution,
  pickEffect,
  type Resolved,
  resolveRefusal,
} from "../../src/domain/resolution.ts";
import { classOf } from "../../src/domain/retry.ts";
import { aHead, forged, inline, NOW, paused, WORK_ID } from "./builders.ts";

const RESERVED: EffectState = { kind: "reserved", untilAtMs: NOW + 1_000, sinceMs: null };
const IN_DOUBT: EffectState = { kind: "in_doubt", sinceMs: NOW, why: "lost" };
const OPEN: EffectState = { kind: "open", why: "refused", byOperator: false };
const CONFIRMED: EffectState = { kind: "confirmed", result: inline(1), byOperator: true };
const FAILED: EffectState = { kind: "failed", reason: "no" };

function anEffect(state: EffectState, over: Partial<EffectRecord> = {}): EffectRecord {
  const by = { token: parseToken(3), attempt: 1, holder: "p1" };
  return { key: "k", scope: "step", step: "step", version: 0, inputDigest: "d", ...by, state, ...over };
}

describe("did not happen", () => {
  class Copy extends Error {
    override readonly name = "DidNotHappen";
  }
  test.each([
    [new DidNotHappen("no"), true],
    [new Copy("of another package"), true],
    [new Error("lost"), false],
    [{ name: "DidNotHappen" }, false],
    [null, false],
  ])("is what %s says: %s", (thrown, expected) => expect(isDidNotHappen(thrown)).toBe(expected));
  test("is worth another try, unless what kept it from happening is not", () => {
    expect(classOf(new Copy("no"))).toBe("transient");
    expect(classOf(new Copy("no", { cause: Object.assign(new Error("bad"), { status: 400 }) }))).toBe("validation");
  });
});

test("what was given up is a business error, what is in doubt an unknown one", () => {
  expect(classOf(new EffectFailedError(WORK_ID, "k", "no"))).toBe("business");
  expect(classOf(new EffectInDoubtError(WORK_ID, "k", "lost"))).toBe("unknown");
});

describe("the idempotency key", () => {
  const step = { workId: WORK_ID, version: 4, recoveringSinceMs: null };
  test("is of the step, of the turn of recover, or of the item", () => {
    expect(idempotencyKey(step, "step", "mail", "d")).toBe(`${WORK_ID}/4/mail`);
    expect(idempotencyKey({ ...step, recoveringSinceMs: 17 }, "step", "mail", "d")).toBe(`${WORK_ID}/4-recover-17/mail`);
    expect(idempotencyKey({ ...step, recoveringSinceMs: 17 }, "item", "mail", "d")).toBe(`${WORK_ID}/item/mail`);
  });
  test.each(["ü", " a ", "a\tb", "a ", "k".repeat(161)])("%j is told by its digest", (key) => {
    expect(idempotencyKey(step, "step", key, "d")).toBe(`${WORK_ID}/4/sha256-d`);
  });
  test("comes through a header as it is, whatever the key", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (key) => {
        const sent = idempotencyKey(step, "step", key, "0".repeat(64));
        expect(new Headers({ "idempotency-key": sent }).get("idempotency-key")).toBe(sent);
      }),
    );
  });
});

test("a step's keys are its own: those of recover and of the step that failed do not meet", () => {
  const recovery = { cause: { kind: "deadline" } as const, sinceVersion: 1, sinceMs: 17 };
  expect([keyOfStep(aHead(), "k"), keyOfStep(aHead({ recovery }), "k")]).toEqual(["step/k", "recover 17/k"]);
});

test.each<[string, Partial<Parameters<typeof isReservationOver>[2]>, boolean]>([
  ["stands for a while", {}, false],
  ["is over with its time", { nowMs: NOW + 1_000 }, true],
  ["is over with its process", { holderGone: true }, true],
  ["is over with its attempt", { token: parseToken(3) }, true],
])("a reservation %s", (_name, over, expected) => {
  const onlooker = { token: parseToken(4), holderGone: false, nowMs: NOW + 999, ...over };
  expect(isReservationOver(anEffect(RESERVED), NOW + 1_000, onlooker)).toBe(expected);
});

test.each<[unknown, unknown]>([
  [
    { happened: true, result: 5 },
    { happened: true, result: 5 },
  ],
  [{ happened: true }, { happened: true, result: undefined }],
  [{ happened: false, result: 5 }, { happened: false }],
  [{ happened: 1 }, null],
  [{ askAgainMs: 0 }, { askAgainMs: 0 }],
  [{ askAgainMs: Number.POSITIVE_INFINITY }, { askAgainMs: Number.POSITIVE_INFINITY }],
  [{ askAgainMs: -1 }, null],
  [{ askAgainMs: Number.NaN }, null],
  [{ askAgainMs: "1" }, null],
  [{}, null],
  [null, null],
  ["yes", null],
])("the answer %j is taken for %j", (answer, verdict) => expect(verdictOf(answer)).toEqual(verdict));

describe("asking again", () => {
  test.each([
    [0, 90_000, 90_000],
    [0, 0.2, 100],
    [0, 0, 100],
    [0, Number.POSITIVE_INFINITY, ASK_MS],
    [23 * HOUR_MS, 2 * HOUR_MS, HOUR_MS],
    [ASK_MS, 5, null],
    [2 * DAY_MS, 5, null],
    [0, null, 1_000],
    [7_000, null, 7_000],
    [HOUR_MS, null, 5 * MINUTE_MS],
    [ASK_MS - 0.5, null, 100],
  ])("in doubt for %s ms, told %s ms: after %s ms", (longMs, toldMs, afterMs) => {
    expect(askAgainAt(NOW - longMs, NOW, toldMs)).toBe(afterMs === null ? null : NOW + afterMs);
  });
});

test("a doubt is told with its key, and not without end", () => {
  expect(doubtText("mail", "lost")).toBe('effect "mail" is in doubt: lost');
  expect(doubtText("mail", "x".repeat(2_000))).toMatch(/x{300}…$/);
  expect(isParkedOn({ ...paused(), reason: doubtText("mail", "lost") }, "mail")).toBe(true);
  expect(isParkedOn({ ...paused(), reason: doubtText("mail", "lost") }, "mai")).toBe(false);
  expect(isParkedOn(paused(), "mail")).toBe(false);
});

describe("a person's word", () => {
  test.each<[unknown, Resolved]>([
    [
      { happened: true, result: { a: 1 } },
      { kind: "confirmed", text: '{"a":1}' },
    ],
    [{ happened: false }, { kind: "open" }],
    [{ fail: "no" }, { kind: "failed", reason: "no" }],
  ])("%j is read", (given, resolved) => expect(parseResolution(given)).toEqual(resolved));
  test.each([null, "yes", {}, { happened: 1 }, { happened: true }, { fail: 5 }, { fail: "x".repeat(2_001) }])(
    "%j is none",
    (given) => expect(() => parseResolution(given)).toThrow(/resolution/),
  );
  test("is wanted of what is in doubt, or was left at work", () => {
    expect(resolveRefusal(IN_DOUBT, false, NOW)).toBeNull();
    expect(resolveRefusal(RESERVED, false, NOW)).toBe("at work until its time is over");
    expect(resolveRefusal(RESERVED, true, NOW)).toBeNull();
    expect(resolveRefusal(RESERVED, false, NOW + 1_000)).toBeNull();
    expect([OPEN, CONFIRMED, FAILED].map((state) => resolveRefusal(state, true, NOW))).toEqual(["open", "confirmed", "failed"]);
  });

  const words: readonly [Resolved, EffectState][] = [
    [{ kind: "open" }, { ...OPEN, byOperator: true }],
    [{ kind: "failed", reason: "no" }, FAILED],
    [{ kind: "confirmed", text: "1" }, CONFIRMED],
  ];
  test.each(words)("%j stands as that, and no other does", (resolved, state) => {
    const others = [IN_DOUBT, RESERVED, OPEN, { ...CONFIRMED, byOperator: false }, { ...CONFIRMED, result: inline(2) }];
    const more: EffectState[] = [{ kind: "failed", reason: "another" }, ...others];
    const isSame = (one: EffectState) => isResolvedAs(anEffect(one), resolved, inline(1));
    expect(isSame(state)).toBe(true);
    expect([...more, ...words.map(([, one]) => one).filter((one) => one !== state)].filter(isSame)).toEqual([]);
  });
  test("of an unheard-of kind is a bug", () => {
    expect(() => isResolvedAs(anEffect(OPEN), forged(), null)).toThrow(/unexpected/);
  });
});

describe("the effect that is meant", () => {
  const at = (version: number, state: EffectState) => ({ record: anEffect(state, { version }) });
  const never = () => false;
  const isOpen = (record: EffectRecord) => record.state.kind === "open";
  test("is the one in doubt, else the one at work, else the newest that stands so, else the only one", () => {
    const [a, b, c, d] = [at(0, CONFIRMED), at(1, RESERVED), at(2, IN_DOUBT), at(3, CONFIRMED)];
    expect(pickEffect("k", [a, b, c, d], never)).toBe(c);
    expect(pickEffect("k", [a, b, d], never)).toBe(b);
    const [open, newer] = [at(1, OPEN), at(2, OPEN)];
    expect(pickEffect("k", [a, open, newer, d], isOpen)).toBe(newer);
    expect(pickEffect("k", [a], never)).toBe(a);
    expect(pickEffect("k", [], never)).toBeNull();
  });
  test("of several is told by its step", () => {
    expect(() => pickEffect("k", [at(4, IN_DOUBT), at(5, IN_DOUBT), at(6, OPEN)], never)).toThrow(
      'effect "k": step: expected one of 4, 5, got undefined',
    );
  });
});
