import { expect, test } from "vitest";
import { createVirtualClock } from "../../src/adapters/memory/clock.ts";
import { createBell, longPoll } from "../../src/adapters/shared/long-poll.ts";
import type { Message } from "../../src/ports/work-queue.ts";

const message: Message = { id: "m1", body: "", receiveCount: 1, receipt: "r" };
const options = { lanes: null, max: 1, waitMs: 1_000, visibilityMs: 1, abortSignal: new AbortController().signal };

test("a ring during a look is not missed", async () => {
  const bell = createBell();
  let looks = 0;
  const take = async () => {
    looks++;
    if (looks === 1) bell.ring();
    return looks === 1 ? [] : [message];
  };
  expect(await longPoll({ clock: createVirtualClock(), bell, take, pauseMs: () => null }, options)).toEqual([message]);
});

test("a look that fails ends the wait, and leaves no timer", async () => {
  const clock = createVirtualClock();
  const take = () => Promise.reject(new Error("unreachable"));
  await expect(longPoll({ clock, bell: createBell(), take, pauseMs: () => null }, options)).rejects.toThrow("unreachable");
  expect(clock.nextTimerInMs()).toBeNull();
});
