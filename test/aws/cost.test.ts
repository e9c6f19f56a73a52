/**
 * What Rookery costs, unit by unit: the real client and worker on the emulator. Each bill is spelled out, so that a
 * request too many says which it is; the design's targets follow from them (`npm run bench:cost` has the rest).
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowOf } from "../../bench/cost/report.ts";
import { type Plan, Research } from "../../bench/cost/research.ts";
import { type Cost, itemCost, PLAN, stepCost } from "../../bench/cost/scenarios.ts";
import { type CostWorld, createCostWorld } from "../../bench/cost/world.ts";
import { type Bill, nameOf } from "../../src/adapters/metering/bill.ts";
import { DAY_MS, MINUTE_MS } from "../../src/domain/limits.ts";
import { endpoint } from "./clients.ts";

const ONE = { batch: 1, inlineSteps: 1 } as const;
/** An invocation, and its message. */
const DELIVERY = { "request ReceiveMessage": 1, "request DeleteMessageBatch": 1, "invocation Lambda": 1 };
const SENT = { "request SendMessageBatch": 1 };
/** LEASE and HEAD; the live range before and after. */
const STEP = { ...DELIVERY, "write table": 2, "read table": 2 };

/** Lambda's time is no request. */
function unitsOf(bill: Bill): Record<string, number> {
  return Object.fromEntries(bill.filter(({ unit }) => unit !== "gbSecond").map((line) => [nameOf(line), line.count]));
}

describe.skipIf(endpoint === null)("with a state of 0.7 KB", () => {
  let world: CostWorld;
  beforeAll(async () => {
    world = await createCostWorld(endpoint ?? "");
  });
  afterAll(() => world.close());

  const cost = async (act: () => Promise<unknown>) => unitsOf(await world.cost(act));
  const step = () => cost(() => world.work(1, ONE));
  const enqueued = async (plan: Partial<Plan> = {}, options: { key?: string } = {}) => {
    let workId = "";
    const bill = await cost(async () => {
      workId = (await world.client.enqueue(Research, { ...PLAN, ...plan }, options)).workId;
    });
    return { workId, bill };
  };

  test("an enqueue writes alarm and request, each with its index entry, and sends a hint", async () => {
    const { bill } = await enqueued();
    expect(bill).toEqual({ ...SENT, "write table": 2, "write index due": 1, "write index list": 1 });
    // The end: LEASE and HEAD with its list entry; ITEM and LEASE told when they expire; the alarm taken away.
    expect(await step()).toEqual({ ...DELIVERY, "write table": 5, "write index due": 1, "write index list": 1, "read table": 5 });
  });

  test("with a key, it takes a write more, and its end one and a read", async () => {
    const { bill } = await enqueued({}, { key: "the ferries" });
    expect(bill).toEqual({ ...SENT, "write table": 3, "write index due": 1, "write index list": 1 });
    expect(await step()).toEqual({ ...DELIVERY, "write table": 6, "write index due": 1, "write index list": 1, "read table": 6 });
  });

  test("a step with a hop takes two writes and two reads", async () => {
    await enqueued({ steps: 4 });
    for (let n = 1; n < 4; n++) {
      expect(await step()).toEqual({ ...STEP, ...SENT });
      world.pass(PLAN.delayMs);
    }
    await step();
  });

  test("a hop for want of time takes as much", async () => {
    await enqueued({ steps: 3, inline: 3 });
    // What is left of it once a step is to be stopped at its end in time: less than another step may take.
    const shortly = { ...ONE, ms: 8_200 };
    for (let n = 1; n < 3; n++) expect(await cost(() => world.work(1, shortly))).toEqual({ ...STEP, ...SENT });
    await step();
  });

  test("ten steps inline take eleven writes and two reads", async () => {
    await enqueued({ steps: 21, inline: 10 });
    for (let n = 0; n < 2; n++) {
      expect(await cost(() => world.work(1, { batch: 1, inlineSteps: 10 }))).toEqual({ ...STEP, ...SENT, "write table": 11 });
      world.pass(PLAN.delayMs);
    }
    await step();
  });

  test("a batch of ten takes one delivery", async () => {
    for (let n = 0; n < 10; n++) await enqueued({ steps: 2 });
    const { "request SendMessageBatch": sends = 0, ...bill } = await cost(() => world.work(10, { batch: 10, inlineSteps: 1 }));
    expect({ ...bill, "request ReceiveMessage": 1 }).toEqual({ ...DELIVERY, "write table": 20, "read table": 20 });
    expect(sends).toBeLessThanOrEqual(10);
    world.pass(PLAN.delayMs);
    await world.work(10, { batch: 10, inlineSteps: 1 });
  });

  test("a long sleep takes its step, and two looks of the sweeper, each of which moves the alarm", async () => {
    const { workId } = await enqueued({ steps: 2, delayMs: DAY_MS });
    // No hint: the alarm has it.
    expect(await step()).toEqual(STEP);
    const idle = await cost(() => world.sweep());
    expect(idle).toEqual({ "read index due": 16 });
    // The shard's turn: a read and two writes. The item: the alarm and the live range, and the alarm's new instant.
    const ring = { "read index due": 16.5, "read table": 3, "write table": 3, "write index due": 2 };
    world.pass(6 * MINUTE_MS);
    expect(await cost(() => world.sweep())).toEqual(ring);
    world.pass(DAY_MS - 20 * MINUTE_MS);
    expect(await cost(() => world.sweep())).toEqual({ ...ring, ...SENT });
    world.pass(14 * MINUTE_MS);
    await step();
    expect((await world.client.status(workId)).status).toBe("completed");
  });

  test("an effect takes two writes and a read besides", async () => {
    await enqueued({ steps: 2, effects: true });
    expect(await step()).toEqual({ ...STEP, ...SENT, "write table": 4, "read table": 3 });
    world.pass(PLAN.delayMs);
    await step();
  });

  test("a signal takes three writes and as many reads to send, with the alarm moved, and two reads besides its step", async () => {
    const { workId } = await enqueued({ steps: 2, rest: "signal" });
    expect(await step()).toEqual(STEP);
    const answer = { to: "who", text: "me" };
    expect(await cost(() => world.client.signal(Research, workId, "answer", answer))).toEqual({
      ...SENT,
      "write table": 3,
      "write index due": 2,
      "read table": 3,
    });
    const { "read table": reads } = await step();
    expect(reads).toBe(5 + 2);
  });

  test("an item says what it has used until it was saved", async () => {
    const { workId } = await enqueued({ steps: 2 });
    await step();
    // The receipt, the live range, the lease.
    const used = { writes: 1, reads: 1, requests: 1, puts: 0, gets: 0 };
    expect((await world.client.status(workId)).units).toEqual({ ...used, dollars: (0.625 + 0.125 + 0.4) / 1_000_000 });
    world.pass(PLAN.delayMs);
    await step();
    // HEAD, the look after it, the hint, the deletion, and our own look. Then a receipt, the live range, the lease.
    expect((await world.client.status(workId)).units).toMatchObject({ ...used, writes: 3, reads: 4, requests: 4 });
  });

  test("a state of 1 KB, deflated, leaves room in its one KB for the journal", async () => {
    const { bill } = await stepCost(world, { bytes: 1_000, inline: 10, batch: 1, rests: 6 });
    // A lease for ten steps, and segments.
    expect(unitsOf(bill)["write table"]).toBeLessThan(1.25);
  });

  test("a state of 10 KB is written to S3 at each step, and read when the item comes back", async () => {
    await enqueued({ bytes: 10_240, steps: 11, inline: 5 });
    const inline = { batch: 1, inlineSteps: 5 };
    expect(await cost(() => world.work(1, inline))).toMatchObject({ "put PutObject": 5 });
    world.pass(PLAN.delayMs);
    expect(await cost(() => world.work(1, inline))).toMatchObject({ "put PutObject": 5, "get GetObject": 1 });
    world.pass(PLAN.delayMs);
    await step();
  });

  test("a million cost no more than the design says: steps with their share of the journal, and items", async () => {
    const dollars = (cost: Cost) => rowOf("", "", cost).dollars;
    const usual = { bytes: PLAN.bytes, batch: 1 };
    expect(dollars(await stepCost(world, { ...usual, inline: 10, rests: 7 }))).toBeLessThanOrEqual(1);
    const hop = await stepCost(world, { ...usual, inline: 1, rests: 60 });
    expect(dollars(hop)).toBeLessThanOrEqual(3.1);
    expect(unitsOf(hop.bill)["write table"]).toBeGreaterThan(2);
    expect(dollars(await itemCost(world, hop, null))).toBeLessThanOrEqual(6.2);
    expect(dollars(await itemCost(world, hop, "the bridges"))).toBeLessThanOrEqual(7.5);
  });
});
