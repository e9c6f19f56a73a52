/** Crashes around an effect. */
import { expect, test } from "vitest";
import { z } from "zod";
import { MINUTE_MS } from "../../src/domain/limits.ts";
import { defineContract, defineEngine, type Effect } from "../../src/index.ts";
import { createTestRig } from "../../src/testing.ts";

const Order = defineContract({ id: "order", payload: z.object({ cents: z.number() }), result: z.string() });

/** A bank that knows its payments by their keys. */
function createBank() {
  const paid = new Map<string, number>();
  const calls: string[] = [];
  const pay: Effect<{ cents: number }, string> = {
    run: async ({ cents }, { idempotencyKey }) => {
      calls.push("run");
      paid.set(idempotencyKey, cents);
      return `receipt for ${cents}`;
    },
    ifInDoubt: async ({ cents }, { idempotencyKey }) => {
      calls.push("asked");
      return paid.has(idempotencyKey) ? { happened: true, result: `receipt for ${cents}, found` } : { happened: false };
    },
  };
  const order = defineEngine(Order, {
    version: 1,
    state: z.null(),
    init: null,
    step: async (_state, ctx) => ctx.complete(await ctx.effect("pay", { cents: ctx.payload.cents }, pay)),
  });
  return { paid, calls, order };
}

test("a crash before an effect has run leaves it in doubt, and it is run once", async () => {
  const bank = createBank();
  await using rig = createTestRig({ engines: [bank.order] });
  rig.crashNext({ effect: "pay", when: "before" });
  const { workId } = await rig.enqueue(Order, { cents: 5 });
  await rig.settle();
  expect(rig.crashed).toEqual([{ at: { effect: "pay", when: "before" }, workId, process: "worker-1" }]);
  expect(await rig.result(Order, workId, { timeoutMs: 5 * MINUTE_MS })).toEqual({ status: "completed", result: "receipt for 5" });
  expect(bank.calls).toEqual(["asked", "run"]);
});

test("a crash after an effect has run leaves it in doubt, and it is not run again", async () => {
  const bank = createBank();
  await using rig = createTestRig({ engines: [bank.order] });
  rig.crashNext({ effect: "pay", when: "after" });
  const { workId } = await rig.enqueue(Order, { cents: 5 });
  await rig.advance(5 * MINUTE_MS);
  expect(rig.crashed).toHaveLength(1);
  expect(await rig.result(Order, workId, { timeoutMs: 0 })).toEqual({ status: "completed", result: "receipt for 5, found" });
  expect(bank.calls).toEqual(["run", "asked"]);
  expect(bank.paid.size).toBe(1);
});

test("settle waits for an effect that its step does not wait for", async () => {
  let over = false;
  const slow: Effect<null, null> = {
    run: async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      over = true;
      return null;
    },
    ifInDoubt: "park",
  };
  const order = defineEngine(Order, {
    version: 1,
    state: z.null(),
    init: null,
    step: async (_state, ctx) => {
      void ctx.effect("slow", null, slow);
      return ctx.complete("done");
    },
  });
  await using rig = createTestRig({ engines: [order] });
  const { workId } = await rig.enqueue(Order, { cents: 5 });
  await rig.settle();
  expect(over).toBe(true);
  expect((await rig.status(workId)).status).toBe("completed");
});

test("a crash at another effect does not happen", async () => {
  const bank = createBank();
  await using rig = createTestRig({ engines: [bank.order] });
  rig.crashNext({ effect: "refund", when: "after" });
  const { workId } = await rig.enqueue(Order, { cents: 5 });
  await rig.settle();
  expect(rig.crashed).toEqual([]);
  expect((await rig.status(workId)).status).toBe("completed");
});
