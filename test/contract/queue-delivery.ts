/** What every WorkQueue does, told in real time: seconds, as SQS knows no less. What runs at once waits at once. */
import { getEventListeners } from "node:events";
import { afterAll, describe, expect, test } from "vitest";
import type { OperatorReads } from "../../src/adapters/shared/operator-reads.ts";
import { invariant } from "../../src/domain/errors.ts";
import { LANES } from "../../src/domain/lane.ts";
import { MAX_DELAY_MS } from "../../src/domain/limits.ts";
import type { Lane, Message, ReceiveOptions, SendOptions, WorkQueue } from "../../src/ports/work-queue.ts";
import { type Fixture, times } from "./fixture.ts";

type Queue = WorkQueue & OperatorReads;

export interface DeliverySubject {
  readonly name: string;
  /** An empty queue in which these lanes stand apart; the others share `normal`. */
  readonly create: (lanes: readonly Lane[]) => Fixture<Queue> | Promise<Fixture<Queue>>;
}

const LONG_MS = 25_000;
/** Longer than what is waited for, on a machine that is busy with other things. */
const PATIENCE_MS = 15_000;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
/** Timers of two processes agree to so much. */
const NEARLY = 0.9;
const EMPTY = { visible: 0, delayed: 0, inFlight: 0, buried: 0 };

function handled(queue: Queue) {
  const send = (body: string, options: Partial<SendOptions> = {}) =>
    queue.send(body, { delayMs: 0, lane: "normal", tenant: "", ...options });
  const receive = (options: Partial<ReceiveOptions> = {}) =>
    queue.receive({
      ...{ lanes: null, max: 10, waitMs: 0, visibilityMs: LONG_MS, abortSignal: new AbortController().signal },
      ...options,
    });
  const receiveOne = async (options: Partial<ReceiveOptions> = {}): Promise<Message> => {
    const [message] = await receive({ max: 1, waitMs: PATIENCE_MS, ...options });
    invariant(message !== undefined, "there is a message");
    return message;
  };
  /** The bodies of all that comes until nothing does. */
  const drain = async (options: Partial<ReceiveOptions> = {}): Promise<string[]> => {
    const bodies: string[] = [];
    for (;;) {
      const messages = await receive(options);
      if (messages.length === 0) return bodies;
      bodies.push(...messages.map(({ body }) => body));
      await Promise.all(messages.map((message) => queue.remove(message)));
    }
  };
  return { queue, send, receive, receiveOne, drain };
}

async function elapsed(action: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await action();
  return performance.now() - startMs;
}

export function describeQueueDeliveryContract({ name, create }: DeliverySubject): void {
  describe.concurrent(`delivery by the queue ${name}`, () => {
    const closing: (() => void | Promise<void>)[] = [];
    const open = async (lanes: readonly Lane[] = ["normal"]) => {
      const { port, close } = await create(lanes);
      if (close !== undefined) closing.push(close);
      return handled(port);
    };
    afterAll(async () => {
      await Promise.all(closing.map((close) => close()));
    });

    test("brings a message to one receiver, which removes it", async () => {
      const { queue, send, receive, receiveOne } = await open();
      await send("hello ☃");
      const message = await receiveOne();
      expect(message).toMatchObject({ body: "hello ☃", receiveCount: 1 });
      expect(await receive({ waitMs: 1_000 })).toEqual([]);
      await queue.remove(message);
      expect(await queue.countMessages()).toEqual(EMPTY);
    });
    test("brings all that many send at once, no more at a time than asked for", async () => {
      const { send, receive, drain } = await open();
      await Promise.all(times(45, (index) => send(`m${index}`)));
      const [few, many] = [await receive({ max: 3 }), await receive({ max: 25 })];
      expect(few.length).toBeLessThanOrEqual(3);
      expect(many.length).toBeGreaterThan(10);
      expect(many.length).toBeLessThanOrEqual(25);
      const bodies = [...few, ...many].map(({ body }) => body).concat(await drain());
      expect(new Set(bodies)).toEqual(new Set(times(45, (index) => `m${index}`)));
    });
    test("brings a delayed message no sooner than its delay", async () => {
      const { send, receiveOne } = await open();
      const waited = await elapsed(async () => {
        await send("late", { delayMs: 1_200 });
        await receiveOne();
      });
      expect(waited).toBeGreaterThan(1_200 * NEARLY);
    });
    test("refuses delays that SQS does not know", async () => {
      const { queue, send, receiveOne } = await open();
      await send("a");
      const message = await receiveOne();
      for (const delayMs of [-1, MAX_DELAY_MS + 1]) {
        await expect(send("b", { delayMs })).rejects.toThrow("delay");
        await expect(queue.hide(message, delayMs)).rejects.toThrow("delay");
      }
    });
    test("takes the longest delay", async () => {
      const { queue, send, receive, receiveOne } = await open();
      await send("b");
      await queue.hide(await receiveOne(), MAX_DELAY_MS);
      await send("a", { delayMs: MAX_DELAY_MS });
      expect(await receive({ waitMs: 1_000 })).toEqual([]);
    });
    test("brings a message again when its visibility is over, under a new receipt", async () => {
      const { send, receiveOne } = await open();
      await send("a");
      const waited = await elapsed(async () => {
        const first = await receiveOne({ visibilityMs: 1_000 });
        const second = await receiveOne();
        expect(second).toEqual({ ...first, receiveCount: 2, receipt: second.receipt });
        expect(second.receipt).not.toBe(first.receipt);
      });
      expect(waited).toBeGreaterThan(1_000 * NEARLY);
    });
    test("hides a message for longer than its visibility", async () => {
      const { queue, send, receiveOne } = await open();
      await send("a");
      const message = await receiveOne({ visibilityMs: 2_000 });
      const waited = await elapsed(async () => {
        await queue.hide(message, 3_000);
        expect(await receiveOne()).toMatchObject({ body: "a", receiveCount: 2 });
      });
      expect(waited).toBeGreaterThan(3_000 * NEARLY);
    });
    test("hides a message for shorter than its visibility, or not at all any more", async () => {
      const { queue, send, receiveOne } = await open();
      await send("a");
      await queue.hide(await receiveOne(), 1_000);
      await queue.hide(await receiveOne(), 0);
      expect(await receiveOne()).toMatchObject({ receiveCount: 3 });
    });
    test("takes a removed message's receipt for nothing, and touches no other", async () => {
      const { queue, send, receive, receiveOne } = await open();
      await send("a");
      const gone = await receiveOne();
      await queue.remove(gone);
      await send("b");
      await Promise.all([queue.remove(gone), queue.hide(gone, 0), queue.remove(gone)]);
      expect(await receiveOne()).toMatchObject({ body: "b", receiveCount: 1 });
      expect(await receive()).toEqual([]);
    });
    test("takes the receipt of an earlier delivery without an error", async () => {
      const { queue, send, receiveOne } = await open();
      await send("a");
      const stale = await receiveOne({ visibilityMs: 1_000 });
      const fresh = await receiveOne();
      await queue.hide(stale, LONG_MS);
      await queue.remove(stale);
      await queue.remove(fresh);
      expect(await queue.countMessages()).toEqual(EMPTY);
    });
    test("lets a message be removed late, when nobody received it since", async () => {
      const { queue, send, receiveOne } = await open();
      await send("a");
      const late = await receiveOne({ visibilityMs: 1_000 });
      await pause(1_200);
      expect(await queue.countMessages()).toMatchObject({ visible: 1 });
      await queue.remove(late);
      expect(await queue.countMessages()).toEqual(EMPTY);
    });
    test("wakes who waits when a message is sent", async () => {
      const { send, receiveOne } = await open();
      const waiting = elapsed(receiveOne);
      await pause(500);
      await send("a");
      expect(await waiting).toBeLessThan(PATIENCE_MS / 2);
    });
    test("lets nobody wait longer than told", async () => {
      const { receive } = await open();
      const waited = await elapsed(async () => expect(await receive({ waitMs: 1_000 })).toEqual([]));
      expect(waited).toBeGreaterThan(1_000 * NEARLY);
      expect(waited).toBeLessThan(PATIENCE_MS / 2);
    });
    test("ends a wait that is aborted; what comes into it is not lost for long", async () => {
      const { send, receive, receiveOne } = await open();
      const controller = new AbortController();
      const { signal } = controller;
      const waiting = elapsed(() => receive({ waitMs: PATIENCE_MS, visibilityMs: 1_000, abortSignal: signal }));
      await pause(300);
      controller.abort();
      expect(await waiting).toBeLessThan(PATIENCE_MS / 2);
      expect(getEventListeners(signal, "abort")).toEqual([]);
      await send("a");
      expect((await receiveOne()).body).toBe("a");
    });
    test("begins no wait that is aborted already", async () => {
      const { send, receive, receiveOne } = await open();
      await send("a");
      expect(await receive({ waitMs: PATIENCE_MS, abortSignal: AbortSignal.abort() })).toEqual([]);
      expect(await receiveOne()).toMatchObject({ body: "a", receiveCount: 1 });
    });
    test("buries a message with its reason, for a person", async () => {
      const { queue, send, receiveOne } = await open();
      const ids: string[] = [];
      for (const body of ["a", "b"]) {
        await send(body);
        const message = await receiveOne();
        ids.push(message.id);
        await queue.bury(message, `${body} cannot be read`);
        await pause(20);
      }
      expect(await queue.countMessages()).toEqual({ ...EMPTY, buried: 2 });
      const [newest, oldest] = await queue.buried(10);
      expect(newest).toMatchObject({ id: ids[1], body: "b", reason: "b cannot be read" });
      expect(oldest).toMatchObject({ id: ids[0], body: "a", reason: "a cannot be read" });
      expect(newest?.atMs).toBeGreaterThan(oldest?.atMs ?? 0);
      expect(Math.abs((newest?.atMs ?? 0) - Date.now())).toBeLessThan(60_000);
      expect(await queue.buried(1)).toEqual([newest]);
    });
    test("counts what there is", async () => {
      const { queue, send, receiveOne } = await open();
      for (const body of ["received", "buried", "visible", "visible"]) await send(body);
      await send("delayed", { delayMs: MAX_DELAY_MS });
      await receiveOne();
      await queue.bury(await receiveOne(), "why not");
      expect(await queue.countMessages()).toEqual({ visible: 2, delayed: 1, inFlight: 1, buried: 1 });
    });
    test("brings what is in the lanes asked for, and from all of them when none is named", async () => {
      const { queue, send, drain, receiveOne } = await open(LANES);
      for (const lane of LANES) await Promise.all(times(4, (index) => send(`${lane} ${index}`, { lane })));
      expect((await drain({ lanes: ["low"] })).toSorted()).toEqual(times(4, (index) => `low ${index}`));
      const back = await receiveOne({ lanes: ["high"] });
      expect(back.body).toMatch(/^high /);
      await queue.hide(back, 0);
      expect((await drain()).toSorted()).toEqual([...times(4, (i) => `high ${i}`), ...times(4, (i) => `normal ${i}`)]);
      expect(await queue.countMessages()).toEqual(EMPTY);
    });
    test("starves no lane while another is full", async () => {
      const { send, receive } = await open(LANES);
      await Promise.all(LANES.flatMap((lane) => times(12, () => send(lane, { lane }))));
      const first = (await Promise.all(times(12, () => receive({ max: 1 })))).flat().map(({ body }) => body);
      for (const lane of LANES) expect(first).toContain(lane);
      expect(first.filter((lane) => lane === "high").length).toBeGreaterThan(first.filter((lane) => lane === "low").length);
    });
    test("wakes who waits for any lane", async () => {
      const { send, receiveOne } = await open(LANES);
      const waiting = receiveOne();
      await pause(300);
      await send("a", { lane: "low" });
      expect(await waiting).toMatchObject({ body: "a" });
    });
    test("brings messages of lanes that share a queue", async () => {
      const { send, drain } = await open(["normal"]);
      for (const lane of LANES) await send(lane, { lane, tenant: "t" });
      expect((await drain()).toSorted()).toEqual(["high", "low", "normal"]);
    });
  });
}
