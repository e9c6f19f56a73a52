import { describe, expect, test } from "vitest";
import { attemptsOnRecord, diedAlone, inheritedWake, leaseState, leftNoOutcome } from "../../src/domain/lease.ts";
import { MAX_DELAY_MS } from "../../src/domain/limits.ts";
import { aHead, aLease, initial, NOW, paused, waiting } from "./builders.ts";

const atWork = aHead({ token: 2, released: false, version: 3, attempt: 2 });
const released = aHead({ token: 2, released: true, version: 3, attempt: 2 });

describe("the state of a lease", () => {
  test("is free where there is none", () => expect(leaseState(null, initial(), NOW, false)).toBe("free"));
  test("is free once HEAD has released it or a later one", () => {
    expect(leaseState(aLease({ token: 2 }), released, NOW, false)).toBe("free");
    expect(leaseState(aLease({ token: 1 }), released, NOW, false)).toBe("free");
  });
  test("is held until its expiry, without HEAD's release or with that of an earlier one", () => {
    expect(leaseState(aLease({ token: 2 }), atWork, NOW, false)).toBe("held");
    expect(leaseState(aLease({ token: 3 }), released, NOW, false)).toBe("held");
    expect(leaseState(aLease({ token: 1, expiresAtMs: NOW + 1 }), initial(), NOW, false)).toBe("held");
    expect(leaseState(aLease({ token: 1, expiresAtMs: NOW }), initial(), NOW, false)).toBe("lapsed");
  });
  test("lapses when its holder is gone, but a free one stays free", () => {
    expect(leaseState(aLease({ token: 3 }), released, NOW, true)).toBe("lapsed");
    expect(leaseState(aLease({ token: 2 }), released, NOW, true)).toBe("free");
  });
  test("lapses when the clock has jumped back by more than any lease is given for", () => {
    const lease = aLease({ token: 3, expiresAtMs: NOW + MAX_DELAY_MS });
    expect(leaseState(lease, released, NOW, false)).toBe("held");
    expect(leaseState(lease, released, NOW - 1, false)).toBe("lapsed");
  });
});

describe("attempts on record", () => {
  test("are HEAD's without a lease, with one for commands, an older one, or one for another version", () => {
    for (const lease of [
      null,
      aLease({ token: 3, version: 3, attempt: null }),
      aLease({ token: 2, version: 3, attempt: 9 }),
      aLease({ token: 3, version: 2, attempt: 9 }),
    ])
      expect(attemptsOnRecord(released, lease)).toBe(2);
  });
  test("are the claim's when HEAD has not met it yet, and never fewer than HEAD's", () => {
    expect(attemptsOnRecord(released, aLease({ token: 3, version: 3, attempt: 3 }))).toBe(3);
    expect(attemptsOnRecord(released, aLease({ token: 3, version: 3, attempt: 1 }))).toBe(2);
  });
});

describe("the wake of an attempt that HEAD has not met", () => {
  const wake = { kind: "timeout" } as const;
  const status = waiting({ timeoutAtMs: NOW });
  const waits = aHead({ token: 2, released: true, version: 3, status });
  test("is that of its claim", () => {
    expect(inheritedWake(waits, aLease({ token: 3, version: 3, wake }))).toEqual(wake);
    expect(inheritedWake(waits, aLease({ token: 3, version: 3 }))).toBeNull();
  });
  test("is none without a lease, and none of a claim that HEAD has met or left behind", () => {
    expect(inheritedWake(waits, null)).toBeNull();
    expect(inheritedWake(waits, aLease({ token: 2, version: 3, wake }))).toBeNull();
    expect(inheritedWake(waits, aLease({ token: 3, version: 2, wake }))).toBeNull();
  });
  test("is none once HEAD no longer waits: the claim came too late", () => {
    for (const other of [paused(status), { kind: "ready" } as const])
      expect(inheritedWake({ ...waits, status: other }, aLease({ token: 3, version: 3, wake }))).toBeNull();
  });
});

describe("an attempt", () => {
  test("has left an outcome when there is no lease or it is released", () => {
    expect(leftNoOutcome(released, null)).toBe(false);
    expect(leftNoOutcome(released, aLease({ token: 2 }))).toBe(false);
    expect(diedAlone(released, null)).toBe(false);
  });
  test("that HEAD has on record and did not release left none", () => {
    expect(leftNoOutcome(atWork, aLease({ token: 2, attempt: null }))).toBe(true);
    expect(leftNoOutcome(atWork, aLease({ token: 3, version: 3, attempt: null }))).toBe(true);
    expect(leftNoOutcome({ ...atWork, attempt: 0 }, aLease({ token: 2 }))).toBe(false);
  });
  test("that a claim stands for left none, unless the claim was for commands or for an older version", () => {
    expect(leftNoOutcome(released, aLease({ token: 3, version: 3, attempt: 3 }))).toBe(true);
    expect(leftNoOutcome(released, aLease({ token: 3, version: 3, attempt: null }))).toBe(false);
    expect(leftNoOutcome(released, aLease({ token: 3, version: 2, attempt: 3 }))).toBe(false);
  });
  test("died alone only when it ran alone, and in the version that it was claimed alone for", () => {
    expect(diedAlone(atWork, aLease({ token: 2, version: 3, alone: true }))).toBe(true);
    expect(diedAlone(atWork, aLease({ token: 2, version: 3, alone: false }))).toBe(false);
    expect(diedAlone(atWork, aLease({ token: 2, version: 2, alone: true }))).toBe(false);
    expect(diedAlone(released, aLease({ token: 3, version: 3, attempt: null, alone: true }))).toBe(false);
  });
});
