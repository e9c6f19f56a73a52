/** What every WorkQueue that keeps its own order does, told by a virtual clock. */
import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVirtualClock, type VirtualClock } from "../../src/adapters/memory/clock.ts";
import { createMemoryMachine, type MemoryMachine } from "../../src/adapters/memory/process-table.ts";
import type { OperatorReads } from "../../src/adapters/shared/operator-reads.ts";
import { invariant } from "../../src/domain/errors.ts";
import { HOUR_MS, MAX_DELAY_MS } from "../../src/domain/limits.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { ProcessTable } from "../../src/ports/process-table.ts";
import type { Lane, Message, ReceiveOptions, SendOptions, WorkQueue } from "../../src/ports/work-queue.ts";
import { times } from "./fixture.ts";

export interface QueueSubject {
  readonly name: string;
  /** One empty queue, and what each process sees of it. */
  readonly create: (clock: Clock) => {
    queueOf(process: ProcessTable): WorkQueue & OperatorReads;
    close?(): void;
  };
}

const VISIBILITY_MS = 25_000;

/** Lets everything that can go on without time passing do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function describeWorkQueueContract({ name, create }: QueueSubject): void {
  describe(`the work queue ${name}`, () => {
    let clock: VirtualClock;
    let machine: MemoryMachine;
    let subject: ReturnType<typeof create>;
    let queue: WorkQueue & OperatorReads;
    beforeEach(() => {
      clock = createVirtualClock();
      machine = createMemoryMachine();
      subject = create(clock);
      queue = subject.queueOf(machine.tableOf("p1"));
    });
    afterEach(() => {
      expect(clock.nextTimerInMs()).toBeNull();
      subject.close?.();
    });

    const send = (body: string, options: Partial<SendOptions> = {}) =>
      queue.send(body, { delayMs: 0, lane: "normal", tenant: "", ...options });
    const receive = (options: Partial<ReceiveOptions> = {}, from: WorkQueue = queue) =>
      from.receive({
        ...{ lanes: null, max: 10, waitMs: 0, visibilityMs: VISIBILITY_MS, abortSignal: new AbortController().signal },
        ...options,
      });
    const bodies = async (options: Partial<ReceiveOptions> = {}) => (await receive(options)).map(({ body }) => body);
    const receiveOne = async (options: Partial<ReceiveOptions> = {}): Promise<Message> => {
      const [message] = await receive({ max: 1, ...options });
      invariant(message !== undefined, "there is a message");
      return message;
    };
    const drain = async (count: number): Promise<string[]> => {
      const drained: string[] = [];
      for (let taken = 0; taken < count; taken++) {
        const message = await receiveOne();
        await queue.remove(message);
        drained.push(message.body);
      }
      return drained;
    };

    describe("delivers", () => {
      test("a message to one receiver, which removes it", async () => {
        await send("hello ☃");
        const message = await receiveOne();
        expect(message).toMatchObject({ body: "hello ☃", receiveCount: 1 });
        expect(await receive()).toEqual([]);
        await queue.remove(message);
        clock.advance(HOUR_MS);
        expect(await receive()).toEqual([]);
      });
      test("at most as many as asked for, the first sent first", async () => {
        for (const body of ["a", "b", "c"]) await send(body);
        expect(await bodies({ max: 2 })).toEqual(["a", "b"]);
        expect(await bodies({ max: 2 })).toEqual(["c"]);
      });
      test("under ids that never repeat, though messages come and go", async () => {
        const ids = new Set<string>();
        for (let round = 0; round < 20; round++) {
          await send("again");
          const message = await receiveOne();
          ids.add(message.id);
          await queue.remove(message);
        }
        expect(ids.size).toBe(20);
      });
      test("each message once to receivers that come together", async () => {
        await Promise.all(times(100, (index) => send(`m${index}`)));
        const batches = await Promise.all(times(30, () => receive({ max: 5 })));
        const received = batches.flat().map(({ body }) => body);
        expect(received).toHaveLength(100);
        expect(new Set(received).size).toBe(100);
      });
    });

    describe("hides", () => {
      test("a received message until its visibility is over, then delivers it under a new receipt", async () => {
        await send("a");
        const first = await receiveOne();
        clock.advance(VISIBILITY_MS - 1);
        expect(await receive()).toEqual([]);
        clock.advance(1);
        const second = await receiveOne();
        expect(second).toEqual({ ...first, receiveCount: 2, receipt: second.receipt });
        expect(second.receipt).not.toBe(first.receipt);
      });
      test.each([1, 1_000, MAX_DELAY_MS])("a message sent with a delay of %i ms for so long", async (delayMs) => {
        await send("late", { delayMs });
        clock.advance(delayMs - 1);
        expect(await receive()).toEqual([]);
        clock.advance(1);
        expect(await bodies()).toEqual(["late"]);
      });
      test("a message from now on, for longer or for shorter", async () => {
        await send("a");
        const message = await receiveOne();
        clock.advance(20_000);
        await queue.hide(message, VISIBILITY_MS);
        clock.advance(VISIBILITY_MS - 1);
        expect(await receive()).toEqual([]);
        await queue.hide(message, 5);
        clock.advance(5);
        expect(await bodies()).toEqual(["a"]);
      });
      test("a message for 0 ms: it is visible at once", async () => {
        await send("a");
        await queue.hide(await receiveOne(), 0);
        expect(await receiveOne()).toMatchObject({ receiveCount: 2 });
      });
      test.each([-1, MAX_DELAY_MS + 1])("nothing for %i ms", async (delayMs) => {
        await expect(send("a", { delayMs })).rejects.toThrow("delay");
        await send("b");
        await expect(queue.hide(await receiveOne(), delayMs)).rejects.toThrow("delay");
      });
    });

    describe("with a receipt", () => {
      const actions: readonly [string, (message: Message) => Promise<void>][] = [
        ["hide", (message) => queue.hide(message, 1)],
        ["remove", (message) => queue.remove(message)],
        ["bury", (message) => queue.bury(message, "stale")],
      ];
      test.each(actions)("of an earlier delivery, %s does nothing", async (_name, act) => {
        await send("a");
        const stale = await receiveOne({ visibilityMs: 10 });
        clock.advance(10);
        const fresh = await receiveOne();
        await act(stale);
        clock.advance(1);
        expect(await receive()).toEqual([]);
        expect((await queue.countMessages()).buried).toBe(0);
        clock.advance(VISIBILITY_MS);
        expect(await receiveOne()).toMatchObject({ id: fresh.id, receiveCount: 3 });
      });
      test.each(actions)("of a removed message, %s does nothing, to others neither", async (_name, act) => {
        await send("a");
        const gone = await receiveOne();
        await queue.remove(gone);
        await send("b");
        const other = await receiveOne();
        await act(gone);
        clock.advance(1);
        expect(await queue.countMessages()).toEqual({ visible: 0, delayed: 0, inFlight: 1, buried: 0 });
        await queue.remove(other);
      });
      test("whose visibility ended, a message that nobody received since can still be removed", async () => {
        await send("a");
        const late = await receiveOne();
        await send("b");
        clock.advance(VISIBILITY_MS);
        expect(await bodies({ max: 1 })).toEqual(["b"]);
        await queue.remove(late);
        expect(await receive()).toEqual([]);
      });
      test("whose visibility ended, a message that nobody received since can still be hidden", async () => {
        await send("a");
        const late = await receiveOne();
        await send("b");
        clock.advance(VISIBILITY_MS);
        expect(await bodies({ max: 1 })).toEqual(["b"]);
        await queue.hide(late, 1_000);
        expect(await receive()).toEqual([]);
        clock.advance(1_000);
        expect(await bodies()).toEqual(["a"]);
      });
    });

    describe("orders", () => {
      const LANE_LETTERS: readonly [Lane, string][] = [
        ["low", "l"],
        ["normal", "n"],
        ["high", "h"],
      ];
      test("lanes: high most often, and low once in eight", async () => {
        for (const [lane, letter] of LANE_LETTERS) await Promise.all(times(80, () => send(letter, { lane })));
        const taken = await drain(80);
        const count = (letter: string) => taken.filter((body) => body === letter).length;
        expect([count("h"), count("n"), count("l")]).toEqual([50, 20, 10]);
        for (let from = 0; from + 8 <= 80; from += 8) expect(taken.slice(from, from + 8)).toContain("l");
      });
      test("lanes within one batch as well", async () => {
        for (const [lane, letter] of LANE_LETTERS) await Promise.all(times(10, () => send(letter, { lane })));
        expect((await bodies({ max: 8 })).toSorted().join("")).toBe("hhhhhlnn");
      });
      test("lanes that are left when others are empty: the highest first", async () => {
        for (const [lane, letter] of LANE_LETTERS) await send(letter, { lane });
        expect((await bodies()).toSorted()).toEqual(["h", "l", "n"]);
        await Promise.all(times(9, () => send("l", { lane: "low" })));
        expect(await bodies({ max: 9 })).toHaveLength(9);
      });
      test("only the lanes asked for", async () => {
        for (const [lane, letter] of LANE_LETTERS) await send(letter, { lane });
        await send("later", { lane: "high", delayMs: 5 });
        clock.advance(5);
        expect(await bodies({ lanes: ["low"] })).toEqual(["l"]);
        expect(await bodies({ lanes: ["low"] })).toEqual([]);
        expect(await bodies({ lanes: ["normal", "low"] })).toEqual(["n"]);
        expect((await bodies()).toSorted()).toEqual(["h", "later"]);
      });
      test("tenants: ten thousand messages of one do not delay another's first", async () => {
        await Promise.all(times(10_000, (index) => send(`big ${index}`, { tenant: "big" })));
        await send("small 0", { tenant: "small" });
        await send("small 1", { tenant: "small" });
        const taken = await drain(6);
        expect(taken.indexOf("small 0")).toBeLessThanOrEqual(2);
        expect(taken.indexOf("small 1")).toBeLessThanOrEqual(4);
        expect(taken.filter((body) => body.startsWith("big"))).toEqual(["big 0", "big 1", "big 2", "big 3"]);
      });
      test("tenants: as many that became visible at once delay it by few receives", async () => {
        await Promise.all(times(2_000, (index) => send(`big ${index}`, { tenant: "big", delayMs: 1_000 })));
        await send("small", { tenant: "small", delayMs: 1_001 });
        clock.advance(1_001);
        expect(await drain(15)).toContain("small");
      });
      test("tenants: they take turns", async () => {
        for (const tenant of ["a", "b", "c"]) await Promise.all(times(4, () => send(tenant, { tenant })));
        const taken = await drain(12);
        for (let until = 1; until <= 12; until++) {
          const counts = ["a", "b", "c"].map((tenant) => taken.slice(0, until).filter((body) => body === tenant).length);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
        }
      });
      test("tenants: ever new ones do not starve one that has long waited", async () => {
        await Promise.all(times(50, () => send("old", { tenant: "old" })));
        const taken: string[] = [];
        for (let round = 0; round < 60; round++) {
          await send("new", { tenant: `new ${round}` });
          taken.push(...(await drain(1)));
        }
        expect(taken.slice(0, 10)).toContain("new");
        expect(taken.slice(-15)).toContain("old");
      });
      test("tenants: in each lane by itself", async () => {
        await Promise.all(times(20, () => send("n", { tenant: "t" })));
        await send("h", { tenant: "t", lane: "high" });
        expect(await bodies({ max: 1, lanes: ["high", "normal"] })).toEqual(["h"]);
      });
    });

    describe("when the clock", () => {
      test("goes back an hour, delivers again what was hidden under the other time", async () => {
        await send("received");
        await receiveOne();
        await send("delayed", { delayMs: 60_000 });
        clock.setNowMs(clock.nowMs() - HOUR_MS);
        expect((await bodies()).toSorted()).toEqual(["delayed", "received"]);
        await send("afterwards", { delayMs: 1_000 });
        clock.advance(1_000);
        expect(await bodies()).toEqual(["afterwards"]);
      });
      test("goes back a little, waits that much longer", async () => {
        await send("delayed", { delayMs: 1_000 });
        clock.setNowMs(clock.nowMs() - 5_000);
        expect(await receive()).toEqual([]);
        clock.advance(6_000);
        expect(await bodies()).toEqual(["delayed"]);
      });
      test("goes back an hour during a wait, ends the wait no later", async () => {
        const waiting = receive({ waitMs: 1_000 });
        await settle();
        clock.setNowMs(clock.nowMs() - HOUR_MS);
        clock.advance(1_000);
        expect(await waiting).toEqual([]);
      });
      test("goes ahead an hour, delivers what is due by it", async () => {
        await send("delayed", { delayMs: MAX_DELAY_MS });
        clock.setNowMs(clock.nowMs() + HOUR_MS);
        expect(await bodies()).toEqual(["delayed"]);
      });
    });

    describe("waits", () => {
      test("not at all for a message that is there", async () => {
        await send("a");
        expect(await bodies({ waitMs: 10_000 })).toEqual(["a"]);
      });
      test("for a message that is sent meanwhile", async () => {
        const waiting = bodies({ waitMs: 10_000 });
        await settle();
        await send("a");
        expect(await waiting).toEqual(["a"]);
      });
      test("for a message that becomes visible meanwhile", async () => {
        await send("a", { delayMs: 3_000 });
        const waiting = bodies({ waitMs: 10_000 });
        await settle();
        clock.advance(3_000);
        expect(await waiting).toEqual(["a"]);
      });
      test("for a message that is given back meanwhile", async () => {
        await send("a");
        const message = await receiveOne();
        const waiting = bodies({ waitMs: 10_000 });
        await settle();
        await queue.hide(message, 0);
        expect(await waiting).toEqual(["a"]);
      });
      test("as long as it was told, and answers with nothing", async () => {
        let answered = false;
        const waiting = receive({ waitMs: 10_000 }).finally(() => {
          answered = true;
        });
        await settle();
        clock.advance(9_999);
        await settle();
        expect(answered).toBe(false);
        clock.advance(1);
        expect(await waiting).toEqual([]);
      });
      test("until it is aborted", async () => {
        const controller = new AbortController();
        const waiting = receive({ waitMs: 10_000, abortSignal: controller.signal });
        await settle();
        controller.abort();
        expect(await waiting).toEqual([]);
        await send("a");
        expect(await receive({ waitMs: 10_000, abortSignal: controller.signal })).toEqual([]);
        expect(await bodies()).toEqual(["a"]);
      });
      test("no longer once it is aborted, though a message comes at that moment", async () => {
        const controller = new AbortController();
        const waiting = receive({ waitMs: 10_000, abortSignal: controller.signal });
        await settle();
        controller.abort();
        const sending = send("a");
        expect(await waiting).toEqual([]);
        expect(getEventListeners(controller.signal, "abort")).toEqual([]);
        await sending;
        expect(await bodies()).toEqual(["a"]);
      });
      test("with others: one of them gets the message", async () => {
        const waiting = times(5, () => bodies({ waitMs: 10_000 }));
        await settle();
        await send("a");
        await settle();
        clock.advance(10_000);
        expect((await Promise.all(waiting)).flat()).toEqual(["a"]);
      });
    });

    describe("when its receiver is gone", () => {
      test("a message is visible within half a second to a process that waits", async () => {
        await send("a");
        await receiveOne();
        const waiting = receive({ waitMs: 10_000 }, subject.queueOf(machine.tableOf("p2")));
        await settle();
        machine.end("p1");
        clock.advance(500);
        expect(await waiting).toMatchObject([{ body: "a", receiveCount: 2 }]);
      });
      test("a message is visible to a process that comes", async () => {
        await send("a");
        await receiveOne();
        machine.end("p1");
        expect(await receive({}, subject.queueOf(machine.tableOf("p2")))).toMatchObject([{ body: "a", receiveCount: 2 }]);
      });
      test("messages of others, and delayed ones, stay hidden", async () => {
        const p3 = subject.queueOf(machine.tableOf("p3"));
        await send("held by p3");
        await receive({}, p3);
        await send("delayed", { delayMs: 1_000 });
        machine.end("p1");
        expect(await receive({}, subject.queueOf(machine.tableOf("p2")))).toEqual([]);
      });
    });

    describe("for a person", () => {
      test("buries a message with its reason, newest first", async () => {
        for (const body of ["a", "b"]) {
          await send(body);
          await queue.bury(await receiveOne(), `${body} cannot be read`);
          clock.advance(10);
        }
        clock.advance(HOUR_MS);
        expect(await receive()).toEqual([]);
        const [newest, oldest] = await queue.buried(10);
        expect(newest).toMatchObject({ body: "b", reason: "b cannot be read" });
        expect(oldest).toMatchObject({ body: "a", reason: "a cannot be read", atMs: (newest?.atMs ?? 0) - 10 });
        expect(await queue.buried(1)).toEqual([newest]);
      });
      test("counts what there is", async () => {
        for (const body of ["received", "buried", "visible", "visible"]) await send(body);
        await send("delayed", { delayMs: 1_000 });
        await send("due", { delayMs: 5 });
        clock.advance(5);
        await receiveOne();
        await queue.bury(await receiveOne(), "why not");
        expect(await queue.countMessages()).toEqual({ visible: 3, delayed: 1, inFlight: 1, buried: 1 });
      });
    });
  });
}
