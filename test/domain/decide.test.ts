import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoffMs, type Decision, decide, isOverdue, isOwed, signalWake, wakeOf } from "../../src/domain/decide.ts";
import { InvariantError } from "../../src/domain/errors.ts";
import { isEnded, type Status } from "../../src/domain/head.ts";
import { HOUR_MS, LEASE_DURATION_MS, MAX_DELAY_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/limits.ts";
import * as any from "./arbitraries.ts";
import {
  aDue,
  aHand,
  aHead,
  aLease,
  aLive,
  anEndedHead,
  aSignal,
  CANCEL,
  CLOSING,
  ENDED,
  endedBadly,
  forged,
  forgedLater,
  given,
  initial,
  mail,
  NOW,
  paused,
  REDRIVE,
  RESUME,
  sleeping,
  waiting,
} from "./builders.ts";

const retention = aDue({ why: "retention", atMs: NOW + HOUR_MS });
/** A head that an earlier claim released; its lease, token 2, is free. */
const released = (over: Parameters<typeof aHead>[0] = {}) => aHead({ token: 2, released: true, version: 3, ...over });
/** One that has begun attempt 1 of version 3, and has not released. */
const atWork = (over: Parameters<typeof aHead>[0] = {}) => aHead({ token: 2, released: false, version: 3, attempt: 1, ...over });
const expired = { expiresAtMs: NOW };
const kindOf = (decision: Decision) => decision.kind;
const GO = { kind: "go" } as const;
const claimOf = (decision: Decision) => (decision.kind === "claim" ? decision.claim : null);

describe("an ended item", () => {
  test.each(ENDED)("with nothing owed deletes the message ($kind)", (status) => {
    expect(kindOf(decide(aLive({ head: anEndedHead(status), due: retention }), aHand(), given()))).toBe("delete");
  });
  test.each([aDue({ why: "end" }), aDue({ why: "ready" }), null])(
    "whose alarm does not say that all is done is settled",
    (due) => {
      expect(kindOf(decide(aLive({ head: anEndedHead(), due }), aHand(), given()))).toBe("settle");
    },
  );
  test("is settled by a worker that has not loaded its engine", () => {
    const live = aLive({ head: anEndedHead(), due: aDue({ why: "end" }) });
    expect(kindOf(decide(live, aHand(), given({ engineLoaded: false })))).toBe("settle");
  });
  test("with a command in its inbox is claimed, without a step to run", () => {
    const live = aLive({ head: anEndedHead(endedBadly("failed")), due: retention, inbox: [mail(REDRIVE)] });
    expect(claimOf(decide(live, aHand(), given()))).toEqual({ attempt: null, wake: null, takeOver: null, suspect: false });
  });
});

describe("an engine that is not loaded here", () => {
  test("hides the message, the longer the more often it was received", () => {
    const decide1 = (receiveCount: number) => decide(aLive(), aHand({ receiveCount }), given({ engineLoaded: false }));
    expect(decide1(1)).toMatchObject({ kind: "hide", delayMs: SECOND_MS });
    expect(decide1(4)).toMatchObject({ kind: "hide", delayMs: 8 * SECOND_MS });
    expect(decide1(100)).toMatchObject({ kind: "hide", delayMs: MAX_DELAY_MS });
  });
  test("comes before a live lease, a command and a deadline", () => {
    const live = aLive({ lease: aLease(), inbox: [mail(CANCEL)], head: aHead({ token: 1, released: false, deadlineAtMs: NOW }) });
    expect(kindOf(decide(live, aHand({ messageId: "other" }), given({ engineLoaded: false })))).toBe("hide");
  });
});

describe("a live lease", () => {
  const live = aLive({ lease: aLease({ messageId: "holder", token: 1 }) });
  test("deletes every other message", () => {
    expect(kindOf(decide(live, aHand({ messageId: "other" }), given()))).toBe("delete");
  });
  test("deletes a command's hint too: the holder looks before it deletes its own", () => {
    const withMail = { ...live, inbox: [mail(CANCEL)] };
    expect(kindOf(decide(withMail, aHand({ messageId: "other", version: null }), given()))).toBe("delete");
  });
  test("hides the very message that its holder works on until it expires", () => {
    const decision = decide(live, aHand({ messageId: "holder" }), given());
    expect(decision).toMatchObject({ kind: "hide", delayMs: LEASE_DURATION_MS });
  });
  test("of a holder that is known to be gone counts as expired", () => {
    expect(claimOf(decide(live, aHand(), given({ holderGone: true })))?.takeOver).not.toBeNull();
  });
  test("that HEAD calls released is free", () => {
    const free = aLive({ head: released(), lease: aLease({ token: 2 }) });
    expect(claimOf(decide(free, aHand({ version: 3 }), given()))).toEqual({
      attempt: 1,
      wake: GO,
      takeOver: null,
      suspect: false,
    });
  });
  test("that is further off than any lease was written under another clock, and is taken over", () => {
    const far = (expiresAtMs: number) => aLive({ lease: aLease({ token: 1, expiresAtMs }) });
    expect(kindOf(decide(far(NOW + MAX_DELAY_MS), aHand(), given()))).toBe("hide");
    expect(claimOf(decide(far(NOW + MAX_DELAY_MS + 1), aHand(), given()))?.takeOver).not.toBeNull();
  });
});

describe("a worker whose own lease is live", () => {
  const own = given({ ownLease: true });
  test.each([
    ["sleeping", sleeping(NOW + HOUR_MS), null],
    ["sleeping, and due", sleeping(NOW - 1), null],
    ["paused", paused(), null],
    ["waiting", waiting({ signals: ["go"] }), null],
    ["waiting for children", waiting({ group: { name: "g", until: "all" } }), null],
    ["closing", CLOSING, null],
    ["ready", { kind: "ready" } as const, 1],
  ])("claims anew when the item is %s, and never hides or deletes", (_, status, attempt) => {
    const live = aLive({
      head: aHead({ token: 1, released: true, version: 3, status }),
      lease: aLease({ version: 3, attempt: null }),
    });
    expect(claimOf(decide(live, aHand({ messageId: "other", version: 1 }), own))).toEqual({
      attempt,
      wake: attempt === null ? null : GO,
      takeOver: { attempts: 0, noOutcome: false, alone: false },
      suspect: false,
    });
  });
  test("claims for the commands first when there are some", () => {
    const live = aLive({
      head: aHead({ token: 1, version: 3 }),
      lease: aLease({ version: 3, attempt: null }),
      inbox: [mail(CANCEL)],
    });
    expect(claimOf(decide(live, aHand(), own))?.attempt).toBeNull();
  });
  test("may delete once that lease is released", () => {
    const live = aLive({ head: released({ status: paused() }), lease: aLease({ token: 2 }) });
    expect(kindOf(decide(live, aHand(), own))).toBe("delete");
  });
});

describe("something to do, whatever the status", () => {
  test.each([
    ["ready", { kind: "ready" } as const],
    ["sleeping", sleeping(NOW + HOUR_MS)],
    ["waiting", waiting({ signals: ["go"] })],
    ["closing", CLOSING],
    ["paused", paused()],
  ])("claims for a command while %s, for whatever version the hint was sent", (_, status) => {
    const live = aLive({ head: released({ status }), inbox: [mail(RESUME)] });
    for (const version of [null, 0, 3, 9]) {
      expect(claimOf(decide(live, aHand({ version }), given()))).toEqual({
        attempt: null,
        wake: null,
        takeOver: null,
        suspect: false,
      });
    }
  });
  test("claims for a deadline that has passed while asleep, but not while paused or recovering", () => {
    const at = (over: Parameters<typeof aHead>[0]) =>
      kindOf(decide(aLive({ head: released({ deadlineAtMs: NOW, ...over }) }), aHand({ version: 1 }), given()));
    expect(at({ status: sleeping(NOW + HOUR_MS) })).toBe("claim");
    expect(at({ status: waiting() })).toBe("claim");
    expect(at({ status: paused(sleeping(NOW + HOUR_MS)) })).toBe("delete");
    const recovery = { cause: { kind: "deadline" } as const, sinceVersion: 3, sinceMs: NOW };
    expect(at({ status: sleeping(NOW + HOUR_MS), recovery })).toBe("delete");
  });
  test("is overdue from the deadline's instant on", () => {
    expect(isOverdue(aHead({ deadlineAtMs: NOW }), NOW - 1)).toBe(false);
    expect(isOverdue(aHead({ deadlineAtMs: NOW }), NOW)).toBe(true);
    expect(isOverdue(aHead({ deadlineAtMs: null }), NOW)).toBe(false);
    expect(isOverdue(anEndedHead(undefined, { deadlineAtMs: NOW }), NOW)).toBe(false);
  });
});

describe("a sleeping item", () => {
  const asleep = (delayMs: number) =>
    aLive({ head: released({ status: sleeping(NOW + delayMs) }), lease: aLease({ token: 2, messageId: "named" }) });
  test("hides the hint of this version until it is due", () => {
    expect(decide(asleep(MINUTE_MS), aHand({ version: 3 }), given())).toMatchObject({ kind: "hide", delayMs: MINUTE_MS });
  });
  test("hides the message that LEASE names: a dying holder may not have sent the wake", () => {
    expect(decide(asleep(MINUTE_MS), aHand({ version: 1, messageId: "named" }), given())).toMatchObject({ kind: "hide" });
  });
  test.each([0, 2, 4, null])("deletes any other hint, so that copies die out (version %s)", (version) => {
    expect(kindOf(decide(asleep(MINUTE_MS), aHand({ version }), given()))).toBe("delete");
  });
  test("deletes a hint of this version that was sent before its last commit, and keeps the one sent after", () => {
    const { token } = asleep(MINUTE_MS).head;
    expect(kindOf(decide(asleep(MINUTE_MS), aHand({ version: 3, token: token - 1 }), given()))).toBe("delete");
    expect(kindOf(decide(asleep(MINUTE_MS), aHand({ version: 3, token }), given()))).toBe("hide");
  });
  test("hides for exactly 15 minutes, and leaves more than that to the alarm", () => {
    expect(decide(asleep(MAX_DELAY_MS), aHand({ version: 3 }), given())).toMatchObject({ kind: "hide", delayMs: MAX_DELAY_MS });
    expect(kindOf(decide(asleep(MAX_DELAY_MS + 1), aHand({ version: 3 }), given()))).toBe("delete");
    const less = given({ maxDelayMs: MINUTE_MS });
    expect(kindOf(decide(asleep(MINUTE_MS), aHand({ version: 3 }), less))).toBe("hide");
    expect(kindOf(decide(asleep(MINUTE_MS + 1), aHand({ version: 3 }), less))).toBe("delete");
  });
  test.each([null, 0, 3, 4])("is claimed with its step once it is due, whatever the hint was sent for (%s)", (version) => {
    expect(claimOf(decide(asleep(0), aHand({ version }), given()))).toEqual({
      attempt: 1,
      wake: GO,
      takeOver: null,
      suspect: false,
    });
  });
});

describe("a ready item", () => {
  const ready = aLive({ head: released({ attempt: 2 }), lease: aLease({ token: 2, messageId: "named" }) });
  test("deletes a hint of an older version", () => {
    expect(kindOf(decide(ready, aHand({ version: 2 }), given()))).toBe("delete");
  });
  test("takes a hint of an older version that LEASE names: it may be the last there is", () => {
    expect(kindOf(decide(ready, aHand({ version: 2, messageId: "named" }), given()))).toBe("claim");
  });
  test("deletes a hint of its version that was sent before its last commit, unless LEASE names it", () => {
    const { token } = ready.head;
    expect(kindOf(decide(ready, aHand({ version: 3, token: token - 1 }), given()))).toBe("delete");
    for (const over of [{ token }, { token: null }, { token: token - 1, messageId: "named" }, { token: 0, version: null }])
      expect(kindOf(decide(ready, aHand({ version: 3, ...over }), given()))).toBe("claim");
  });
  test("takes one that was sent before a commit that did not release, whose holder is gone", () => {
    const lapsed = aLease({ token: ready.head.token, messageId: "named", expiresAtMs: NOW - 1 });
    const live = { ...ready, head: { ...ready.head, released: false }, lease: lapsed };
    expect(claimOf(decide(live, aHand({ version: 3, token: ready.head.token - 1 }), given()))?.takeOver).not.toBeNull();
  });
  test.each([3, 4, null])(
    "is claimed for the next attempt by a hint of its version, a newer one, or a command's (%s)",
    (version) => {
      expect(claimOf(decide(ready, aHand({ version }), given()))).toEqual({
        attempt: 3,
        wake: GO,
        takeOver: null,
        suspect: false,
      });
    },
  );
  test("is claimed at version 0, where HEAD is absent", () => {
    expect(claimOf(decide(aLive(), aHand(), given()))).toEqual({ attempt: 1, wake: GO, takeOver: null, suspect: false });
  });
});

describe("a waiting item", () => {
  const wait = waiting({ signals: ["go", "stop"] });
  const waits = (over: Parameters<typeof waiting>[0] = {}, live: Parameters<typeof aLive>[0] = {}) =>
    aLive({ head: released({ status: { ...wait, ...over } }), lease: aLease({ token: 2, messageId: "named" }), ...live });
  const [hello, stop, go] = [aSignal("hello", "a", NOW), aSignal("stop", "b", NOW + 1), aSignal("go", "c", NOW + 2)];

  test.each([null, 0, 3, 4])(
    "is claimed for the oldest signal that it waits for, whatever the hint was sent for (%s)",
    (version) => {
      const decision = decide(waits({}, { signals: [hello, stop, go] }), aHand({ version }), given());
      expect(claimOf(decision)).toEqual({ attempt: 1, wake: signalWake(stop), takeOver: null, suspect: false });
    },
  );
  test.each([null, 3])("without one of those is left alone (%s)", (version) => {
    expect(kindOf(decide(waits({}, { signals: [hello] }), aHand({ version }), given()))).toBe("delete");
    expect(kindOf(decide(waits({}), aHand({ version, messageId: "named" }), given()))).toBe("delete");
  });
  test("is claimed from the instant of its timeout on, and a signal goes first", () => {
    const late = waits({ timeoutAtMs: NOW });
    expect(claimOf(decide(late, aHand({ version: 1 }), given()))).toEqual({
      attempt: 1,
      wake: { kind: "timeout" },
      takeOver: null,
      suspect: false,
    });
    expect(claimOf(decide({ ...late, signals: [go] }, aHand(), given()))?.wake).toEqual(signalWake(go));
  });
  test("hides the hint of its version, or that LEASE names, until the timeout, and deletes others", () => {
    const timed = waits({ timeoutAtMs: NOW + MINUTE_MS });
    expect(decide(timed, aHand({ version: 3 }), given())).toMatchObject({ kind: "hide", delayMs: MINUTE_MS });
    expect(decide(timed, aHand({ version: 1, messageId: "named" }), given())).toMatchObject({ kind: "hide" });
    for (const version of [null, 2, 4]) expect(kindOf(decide(timed, aHand({ version }), given()))).toBe("delete");
    const years = waits({ timeoutAtMs: NOW + MAX_DELAY_MS + 1 });
    expect(kindOf(decide(years, aHand({ version: 3 }), given()))).toBe("delete");
  });
  test("has its group looked at first, once, and then goes by what else it waits for", () => {
    const group = { name: "g", until: "all" } as const;
    const seen = given({ groupSeen: true });
    expect(kindOf(decide(waits({ group }), aHand({ version: 3 }), given()))).toBe("look_at_group");
    expect(kindOf(decide(waits({ group }), aHand({ version: 3 }), seen))).toBe("delete");
    expect(kindOf(decide(waits({ group, timeoutAtMs: NOW + 5 }), aHand({ version: 3 }), seen))).toBe("hide");
    expect(kindOf(decide(waits({ group }, { signals: [go] }), aHand(), given()))).toBe("claim");
    expect(kindOf(decide(waits({ group, timeoutAtMs: NOW }), aHand(), given()))).toBe("claim");
  });
  test("whose worker died wakes for what that one was woken by, whatever came in since", () => {
    for (const wake of [signalWake(go), { kind: "timeout" } as const]) {
      const lease = aLease({ ...expired, token: 3, version: 3, attempt: 1, wake });
      const takeOver = { attempts: 1, noOutcome: true, alone: false };
      const found = waits({ timeoutAtMs: NOW }, { lease, signals: [stop, go] });
      expect(claimOf(decide(found, aHand(), given()))).toEqual({ attempt: 2, wake, takeOver, suspect: true });
      const told = { ...found, inbox: [mail(CANCEL)] };
      expect(claimOf(decide(told, aHand(), given()))).toEqual({ attempt: 1, wake, takeOver, suspect: true });
      expect(claimOf(decide(told, aHand(), given({ ownLease: true })))).toEqual({ attempt: 1, wake, takeOver, suspect: true });
      expect(claimOf(decide(found, aHand(), given({ ownLease: true })))?.wake).toEqual(wake);
    }
  });
  test.each<[string, Status]>([
    ["was paused", paused()],
    ["sleeps until it tries again", sleeping(NOW + HOUR_MS, { why: "retry" })],
    ["has failed", endedBadly("failed")],
  ])("that %s meanwhile stays so, though a claim of its wait came too late", (_, status) => {
    const lease = aLease({ ...expired, token: 3, version: 3, attempt: 2, wake: { kind: "timeout" } });
    const live = aLive({ head: released({ status, attempt: 1 }), lease, inbox: [mail(REDRIVE)] });
    expect(claimOf(decide(live, aHand(), given()))?.wake).toBeNull();
    expect(claimOf(decide(live, aHand(), given({ ownLease: true })))?.wake).toBeNull();
  });
  test("wakes for nothing that it does not wait for", () => {
    expect(wakeOf(waiting(), [go], NOW)).toBeNull();
    expect(wakeOf(waiting({ timeoutAtMs: NOW + 1 }), [go], NOW)).toBeNull();
    expect(wakeOf(wait, [], NOW)).toBeNull();
  });
});

describe("what is owed to an item", () => {
  const owed = (over: Parameters<typeof aHead>[0], live: Parameters<typeof aLive>[0] = {}) =>
    isOwed(aLive({ head: aHead(over), ...live }), NOW);
  test("is a look at a command, at a deadline that has passed, and at an end that is near", () => {
    expect(owed({}, { inbox: [mail(CANCEL)] })).toBe(true);
    expect(owed({ deadlineAtMs: NOW })).toBe(true);
    expect(owed({ status: CLOSING })).toBe(true);
    expect(owed({ deadlineAtMs: NOW + 1 })).toBe(false);
  });
  test("is a step, once what it waits for is there", () => {
    const status = waiting({ signals: ["go"] });
    expect(owed({ status }, { signals: [aSignal("go")] })).toBe(true);
    expect(owed({ status: waiting({ timeoutAtMs: NOW }) })).toBe(true);
    expect(owed({ status }, { signals: [aSignal("stop")] })).toBe(false);
    for (const other of [sleeping(NOW + 1), paused(status), { kind: "ready" } as const])
      expect(owed({ status: other }, { signals: [aSignal("go")] })).toBe(false);
  });
});

describe("a closing item", () => {
  test.each([null, 0, 3])("is claimed without a step to run, whatever the hint was sent for (%s)", (version) => {
    const live = aLive({ head: released({ status: CLOSING }), signals: [aSignal()] });
    expect(claimOf(decide(live, aHand({ version }), given()))).toEqual({
      attempt: null,
      wake: null,
      takeOver: null,
      suspect: false,
    });
  });
});

describe("a paused item", () => {
  test.each([null, 0, 3, 4])("deletes every hint (%s)", (version) => {
    const live = aLive({ head: released({ status: paused(sleeping(NOW)) }) });
    expect(kindOf(decide(live, aHand({ version }), given()))).toBe("delete");
  });
});

describe("a lease that lapsed", () => {
  test("at version 0, where HEAD is absent, leaves its attempt on record", () => {
    const live = aLive({ head: initial(), lease: aLease({ ...expired, token: 1, attempt: 1, alone: true }) });
    expect(claimOf(decide(live, aHand(), given()))).toEqual({
      attempt: 2,
      wake: GO,
      takeOver: { attempts: 1, noOutcome: true, alone: true },
      suspect: true,
    });
  });
  test("in an inline step counts the attempt that the commit before put on record", () => {
    const live = aLive({ head: atWork(), lease: aLease({ ...expired, version: 1 }) });
    expect(claimOf(decide(live, aHand(), given()))).toEqual({
      attempt: 2,
      wake: GO,
      takeOver: { attempts: 1, noOutcome: true, alone: false },
      suspect: true,
    });
  });
  test("whose holder claimed for commands alone is no suspect", () => {
    const live = aLive({ head: released({ attempt: 1 }), lease: aLease({ ...expired, token: 3, version: 3, attempt: null }) });
    expect(claimOf(decide(live, aHand({ version: 3 }), given()))).toEqual({
      attempt: 2,
      wake: GO,
      takeOver: { attempts: 1, noOutcome: false, alone: false },
      suspect: false,
    });
  });
  test("stays on record when it is taken over for a command, and that claim dies too (G2)", () => {
    const died = aLease({ ...expired, token: 1, attempt: 1 });
    const first = claimOf(decide(aLive({ lease: died, inbox: [mail(CANCEL)] }), aHand(), given()));
    expect(first).toEqual({ attempt: 1, wake: null, takeOver: { attempts: 1, noOutcome: true, alone: false }, suspect: true });
    const alsoDied = aLease({ ...expired, token: 2, attempt: first?.attempt ?? null });
    const second = claimOf(decide(aLive({ lease: alsoDied }), aHand(), given()));
    expect(second).toMatchObject({ attempt: 2, takeOver: { attempts: 1, noOutcome: true }, suspect: true });
  });
  test("of an inline step stays a suspect when the claim that takes it over dies before it fences", () => {
    const live = aLive({ head: atWork(), lease: aLease({ ...expired, token: 3, version: 3, attempt: 1 }) });
    expect(claimOf(decide(live, aHand(), given()))).toMatchObject({ takeOver: { attempts: 1, noOutcome: true }, suspect: true });
  });
  test("of a version that HEAD has left behind never began its attempt", () => {
    const live = aLive({ head: released(), lease: aLease({ ...expired, token: 3, version: 2, attempt: 4, alone: true }) });
    expect(claimOf(decide(live, aHand({ version: 3 }), given()))).toEqual({
      attempt: 1,
      wake: GO,
      takeOver: { attempts: 0, noOutcome: false, alone: false },
      suspect: false,
    });
  });
});

describe("decide", () => {
  test("refuses a status that it does not know", () => {
    for (const status of [forged<Status>(), forgedLater<Status>("ready", 5)]) {
      expect(() => decide(aLive({ head: aHead({ status }) }), aHand(), given())).toThrow(InvariantError);
    }
  });
  test("hides only within what a queue can do, and never forgets an attempt on record", () => {
    const anyLive = fc.record({ head: any.head, lease: fc.option(any.lease), due: fc.option(any.due) });
    const anyHand = fc.record({
      messageId: fc.constantFrom("m1", "m2"),
      version: fc.option(any.count),
      token: fc.option(any.count),
      receiveCount: any.count,
    });
    const circumstances = fc.record({
      nowMs: any.instant,
      maxDelayMs: fc.constant(MAX_DELAY_MS),
      holderGone: fc.boolean(),
      ownLease: fc.boolean(),
      engineLoaded: fc.boolean(),
      groupSeen: fc.boolean(),
    });
    const signal = fc.nat(3).map((n) => aSignal(`s${n}`, `i${n}`));
    fc.assert(
      fc.property(anyLive, anyHand, circumstances, fc.boolean(), fc.array(signal), (found, hand, at, hasMail, signals) => {
        const live = aLive({ ...found, signals, inbox: hasMail ? [mail(CANCEL)] : [] });
        const decision = decide(live, hand, at);
        if (decision.kind === "hide") {
          expect(decision.delayMs).toBeGreaterThanOrEqual(0);
          expect(decision.delayMs).toBeLessThanOrEqual(MAX_DELAY_MS);
        }
        if (decision.kind !== "claim") return;
        const { attempt, takeOver } = decision.claim;
        if (attempt !== null) expect(attempt).toBeGreaterThanOrEqual(live.head.attempt);
        if (takeOver !== null) expect(takeOver.attempts).toBeGreaterThanOrEqual(live.head.attempt);
        if (takeOver === null && !isEnded(live.head.status)) expect(attempt === null).toBe(decision.claim.wake === null);
        if (decision.claim.suspect) expect(takeOver?.attempts).toBeGreaterThan(0);
      }),
    );
  });
  test("backs off for a second at least", () => {
    expect([0, 1, 2, 3].map(backoffMs)).toEqual([SECOND_MS, SECOND_MS, 2 * SECOND_MS, 4 * SECOND_MS]);
  });
});
