import { describe, expect, test } from "vitest";
import { applyCommand, refusal } from "../../src/domain/command.ts";
import { InvariantError } from "../../src/domain/errors.ts";
import { type Head, isEnded, isPaused, RECOVER_NAME } from "../../src/domain/head.ts";
import type { Command } from "../../src/domain/inbox.ts";
import { DAY_MS, HOUR_MS } from "../../src/domain/limits.ts";
import {
  aHead,
  anEndedHead,
  CANCEL,
  CLOSING,
  COMPLETED,
  endedBadly,
  forged,
  forgedLater,
  NOW,
  PAUSE,
  paused,
  READY,
  REDRIVE,
  RESUME,
  sleeping,
  someRules,
  waiting,
} from "./builders.ts";

const apply = (head: Head, command: Command, over: Parameters<typeof someRules>[0] = {}) =>
  applyCommand({ nowMs: NOW, head, rules: someRules(over) }, command);

const heads = {
  ready: aHead(),
  sleeping: aHead({ status: sleeping(NOW + HOUR_MS) }),
  waiting: aHead({ status: waiting({ signals: ["go"] }) }),
  closing: aHead({ status: CLOSING }),
  paused: aHead({ status: paused() }),
  completed: anEndedHead(COMPLETED),
  failed: anEndedHead(endedBadly("failed")),
  cancelled: anEndedHead(endedBadly("cancelled")),
  dead_lettered: anEndedHead(endedBadly("dead_lettered")),
  recovering: aHead({
    step: RECOVER_NAME,
    recovered: true,
    recovery: { cause: { kind: "deadline" }, sinceVersion: 0, sinceMs: NOW },
  }),
};
const allowed: Record<Command["kind"], readonly (keyof typeof heads)[]> = {
  cancel: ["ready", "sleeping", "waiting", "paused"],
  pause: ["ready", "sleeping", "waiting", "recovering"],
  resume: ["paused"],
  redrive: ["failed", "dead_lettered"],
  children: [],
};
const rows = [CANCEL, PAUSE, RESUME, REDRIVE].flatMap((command) =>
  Object.entries(heads).map(([name, head]) => ({
    command,
    name,
    head,
    allowed: allowed[command.kind].some((one) => one === name),
  })),
);

describe("a command", () => {
  test.each(rows)("$command.kind of an item that is $name: allowed is $allowed", ({ command, head, allowed: isAllowed }) => {
    expect(refusal(command.kind, head, NOW) === null).toBe(isAllowed);
    const { next, changes } = apply(head, command);
    if (isAllowed) {
      expect(next).not.toBe(head);
      expect(changes[0]?.kind).not.toBe("refused");
    } else {
      expect(next).toBe(head);
      expect(changes).toEqual([
        { kind: "refused", version: head.version, atMs: NOW, command: command.kind, status: head.status.kind },
      ]);
    }
    expect(next.version).toBe(head.version);
  });
  test("that nobody knows is a bug", () => {
    expect(() => refusal(forged("explode"), aHead(), NOW)).toThrow(InvariantError);
    expect(() => apply(aHead(), forgedLater("pause", 1))).toThrow(InvariantError);
  });
});

describe("cancel", () => {
  test("ends the item with its reason, and puts both on record", () => {
    const { next, changes } = apply(aHead(), CANCEL);
    expect(next.status).toMatchObject({
      kind: "cancelled",
      error: { message: "no longer wanted" },
      cause: { kind: "cancelled", reason: "no longer wanted" },
    });
    expect(changes.map(({ kind }) => kind)).toEqual(["cancel_requested", "ended"]);
  });
  test("of a paused item gives recover its turn, unpaused", () => {
    const { next } = apply(aHead({ status: paused(sleeping(NOW + HOUR_MS)) }), CANCEL, { hasRecover: true });
    expect(next).toMatchObject({ status: { kind: "ready" }, step: RECOVER_NAME, recovery: { cause: { kind: "cancelled" } } });
    expect(apply(aHead({ status: paused() }), CANCEL).next.status.kind).toBe("cancelled");
  });
  test("of one that is paused in recover is refused", () => {
    expect(refusal("cancel", { ...heads.recovering, status: paused() }, NOW)).toBe("an item that is not ending already");
  });
});

describe("pause and resume", () => {
  test.each([READY, sleeping(NOW + HOUR_MS, { why: "retry" }), waiting({ signals: ["go"], timeoutAtMs: NOW + HOUR_MS })])(
    "keep the status beneath with its wake ($kind)",
    (status) => {
      const wake = { kind: "resumed", note: "x" } as const;
      const pausedHead = apply(aHead({ status, wake, attempt: 2, failures: 2 }), PAUSE).next;
      expect(pausedHead.status).toEqual({ kind: "paused", sinceMs: NOW, reason: "lunch", beneath: status });
      const { next, changes } = apply(pausedHead, RESUME);
      expect(next).toMatchObject({ status, wake, attempt: 2, failures: 2 });
      expect(changes).toEqual([{ kind: "resumed", version: 0, atMs: NOW }]);
    },
  );
  test("during recover leave it its turn", () => {
    const pausedHead = apply(heads.recovering, PAUSE).next;
    expect(apply(pausedHead, RESUME).next).toMatchObject({ status: { kind: "ready" }, recovery: heads.recovering.recovery });
  });
});

describe("the news that a group is as it was wanted", () => {
  const news = { kind: "children", group: "g", version: 3, succeeded: 2, failed: 1 } as const;
  const wait = waiting({ signals: ["go"], group: { name: "g", until: "all" } });
  const wake = { kind: "children", group: "g", succeeded: 2, failed: 1 };
  test("ends the wait that it was sent for", () => {
    expect(refusal("children", aHead({ version: 3, status: wait }), NOW)).toBeNull();
    const { next, changes } = apply(aHead({ version: 3, status: wait, updatedAtMs: 0 }), news);
    expect(next).toMatchObject({ version: 3, status: { kind: "ready" }, wake, updatedAtMs: NOW });
    expect(changes).toEqual([]);
  });
  test("ends it beneath a pause too, and leaves the pause", () => {
    const { next } = apply(aHead({ version: 3, status: paused(wait) }), news);
    expect(next).toMatchObject({ status: { ...paused(), beneath: { kind: "ready" } }, wake });
    expect(apply(next, RESUME).next).toMatchObject({ status: { kind: "ready" }, wake });
  });
  test.each<[string, Head]>([
    ["of another version", aHead({ version: 4, status: wait })],
    ["for another group", aHead({ version: 3, status: waiting({ group: { name: "h", until: "all" } }) })],
    ["for signals alone", aHead({ version: 3, status: waiting({ signals: ["go"] }) })],
    ["that is over", aHead({ version: 3 })],
    ["that is over beneath a pause", aHead({ version: 3, status: paused() })],
    ["of an item that has ended", anEndedHead(COMPLETED, { version: 3 })],
  ])("says nothing to a wait %s", (_, head) => {
    expect(apply(head, news)).toEqual({ next: head, changes: [] });
  });
});

describe("redrive", () => {
  const dead = anEndedHead(endedBadly("dead_lettered"), {
    version: 7,
    attempt: 5,
    failures: 5,
    crashes: 6,
    meters: { tokens: 9 },
  });
  test("goes on from the snapshot with fresh attempts, limits and deadline", () => {
    const { next, changes } = apply(dead, REDRIVE, { deadlineMs: HOUR_MS });
    expect(next).toMatchObject({
      version: 7,
      status: { kind: "ready" },
      wake: { kind: "resumed", note: "fixed it" },
      attempt: 0,
      failures: 0,
      crashes: 0,
      meters: { tokens: 9 },
      budget: { sinceVersion: 7, sinceMs: NOW, meters: { tokens: 9 } },
      deadlineAtMs: NOW + HOUR_MS,
      rememberedUntilAtMs: null,
      recovered: false,
    });
    expect(changes).toEqual([{ kind: "redriven", version: 7, atMs: NOW, note: "fixed it" }]);
    expect(apply(dead, REDRIVE).next.deadlineAtMs).toBeNull();
  });
  test("keeps the name of the step to come", () => {
    expect(apply({ ...dead, step: "pay" }, REDRIVE).next.step).toBe("pay");
  });
  test("is refused from the instant on at which the item may be forgotten", () => {
    const at = (rememberedUntilAtMs: number | null) => refusal("redrive", { ...dead, rememberedUntilAtMs }, NOW);
    expect(at(NOW + 1)).toBeNull();
    expect(at(NOW)).toBe("an item that is still remembered");
    expect(at(null)).toBeNull();
    expect(refusal("redrive", anEndedHead(endedBadly("failed")), NOW + 30 * DAY_MS)).not.toBeNull();
  });
});

describe("a status", () => {
  test("is ended, paused or neither", () => {
    expect(
      Object.entries(heads)
        .filter(([, { status }]) => isEnded(status))
        .map(([name]) => name),
    ).toEqual(["completed", "failed", "cancelled", "dead_lettered"]);
    expect(isPaused(paused())).toBe(true);
    expect(isPaused(READY)).toBe(false);
  });
  test("that nobody knows is a bug", () => expect(() => isEnded(forged())).toThrow(InvariantError));
});
