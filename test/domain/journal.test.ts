import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JournalPolicy } from "../../src/domain/engine.ts";
import { InvariantError } from "../../src/domain/errors.ts";
import { initialHead } from "../../src/domain/head.ts";
import { type JournalEvent, keepsState, kept } from "../../src/domain/journal.ts";
import { HOUR_MS } from "../../src/domain/limits.ts";
import * as any from "./arbitraries.ts";
import { anItem, forged, inline, NOW, sleeping } from "./builders.ts";

const step = (version: number, attempt = 1): JournalEvent => ({
  kind: "step",
  version,
  atMs: NOW,
  step: "step",
  attempt,
  durationMs: 5,
  state: inline({ version }),
});
const statesOf = (policy: JournalPolicy) =>
  [1, 2, 3, 4, 5, 6].filter((version) => {
    const event = kept(step(version), policy);
    return event?.kind === "step" && event.state !== null;
  });

describe("a journal policy", () => {
  test("says which states are kept", () => {
    expect(statesOf("full")).toEqual([1, 2, 3, 4, 5, 6]);
    expect(statesOf("steps")).toEqual([]);
    expect(statesOf({ interval: 3 })).toEqual([3, 6]);
    expect(statesOf({ interval: 1 })).toEqual([1, 2, 3, 4, 5, 6]);
    expect(keepsState("compact", 1)).toBe(false);
  });
  test("keeps every step without its state, but for compact, which keeps those that were tried again", () => {
    expect(kept(step(1), "steps")).toEqual({ ...step(1), state: null });
    expect(kept(step(1), { interval: 2 })).toEqual({ ...step(1), state: null });
    expect(kept(step(1), "compact")).toBeNull();
    expect(kept(step(1, 2), "compact")).toEqual({ ...step(1, 2), state: null });
  });
  test("keeps everything that is no step, but for what ended a wait, which compact leaves out", () => {
    const woken: JournalEvent = { kind: "woken", version: 1, atMs: NOW, step: "step", wake: { kind: "timeout" } };
    expect([kept(woken, "compact"), kept(woken, "steps")]).toEqual([null, woken]);
    fc.assert(
      fc.property(
        any.journalEvent,
        fc.constantFrom<JournalPolicy>("steps", "full", "compact", { interval: 2 }),
        (event, policy) => {
          const isDropped = event.kind === "woken" && policy === "compact";
          if (event.kind !== "step") expect(kept(event, policy)).toBe(isDropped ? null : event);
        },
      ),
    );
  });
  test("that nobody knows is a bug", () => expect(() => keepsState(forged("some"), 1)).toThrow(InvariantError));
});

describe("the snapshot of an item that nobody has worked on", () => {
  test("is ready at version 0, its lease free", () => {
    expect(initialHead(anItem())).toMatchObject({
      version: 0,
      token: 0,
      released: true,
      status: { kind: "ready" },
      state: null,
      attempt: 0,
      deadlineAtMs: null,
      rememberedUntilAtMs: null,
    });
  });
  test("sleeps until its start", () => {
    expect(initialHead(anItem({ startAtMs: NOW + 1 })).status).toEqual(sleeping(NOW + 1));
    expect(initialHead(anItem({ startAtMs: NOW - 1 })).status).toEqual({ kind: "ready" });
  });
  test("has the item's deadline, or the one that is given", () => {
    expect(initialHead(anItem({ deadlineMs: HOUR_MS })).deadlineAtMs).toBe(NOW + HOUR_MS);
    expect(initialHead(anItem({ deadlineMs: HOUR_MS }), 5).deadlineAtMs).toBe(NOW + 5);
    expect(initialHead(anItem({ deadlineMs: HOUR_MS }), null).deadlineAtMs).toBeNull();
  });
});
