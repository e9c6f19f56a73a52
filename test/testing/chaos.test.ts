/** Chaos finds what does not stand a crash, a repeat or a new release, and leaves alone what does. */
import { expect, test } from "vitest";
import { z } from "zod";
import { DidNotHappen, defineContract, defineEngine, type Effect } from "../../src/index.ts";
import { ChaosError, type ChaosOptions, chaos, type TestRig } from "../../src/testing.ts";

const Order = defineContract({ id: "order", payload: z.object({ cents: z.number() }), result: z.string() });
const HOUR_MS = 3_600_000;
const charges: string[] = [];

async function failureOf(options: ChaosOptions): Promise<ChaosError> {
  const error: unknown = await chaos(options).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ChaosError) return error;
  throw new Error(`expected a ChaosError, got ${String(error)}`);
}
/** Orders something, and expects to be charged once. */
async function orderOnce(rig: TestRig): Promise<void> {
  charges.length = 0;
  const { workId } = await rig.enqueue(Order, { cents: 500 });
  expect(await rig.result(Order, workId, { timeoutMs: 24 * HOUR_MS })).toMatchObject({ status: "completed" });
  expect(charges).toHaveLength(1);
}
const engineWith = (charge: Effect<number, string> | null) =>
  defineEngine(Order, {
    version: 1,
    state: z.object({ paid: z.boolean() }),
    init: { paid: false },
    async step({ paid }, ctx) {
      if (paid) return ctx.complete("sent");
      if (charge === null) charges.push(ctx.workId);
      else await ctx.effect("charge", ctx.payload.cents, charge);
      return ctx.next({ paid: true });
    },
  });
/** Whether there is a charge of that key, as a payment service tells. */
const truthful: Effect<number, string> = {
  async run(_cents, { idempotencyKey }) {
    charges.push(idempotencyKey);
    return idempotencyKey;
  },
  ifInDoubt: async (_cents, { idempotencyKey }) =>
    charges.includes(idempotencyKey) ? { happened: true, result: idempotencyKey } : { happened: false },
};

test("a step that is not safe to repeat is found, and what had been done to it is told", async () => {
  const found = await failureOf({ engines: [engineWith(null)], seeds: 100, scenario: orderOnce });
  expect(found.message).toMatch(/^seed \d+: expected .* to have a length of 1 but got 2/);
  expect(found.injected.join("\n")).toMatch(/order/);
  const again = await failureOf({ engines: [engineWith(null)], seeds: [found.seed], scenario: orderOnce });
  expect(again.message).toBe(found.message);
});

test("an effect that can be asked stands everything", async () => {
  await chaos({ engines: [engineWith(truthful)], seeds: 100, scenario: orderOnce });
});

test("an effect that says it did not happen when it did is named", async () => {
  const forgetful: Effect<number, string> = { ...truthful, ifInDoubt: async () => ({ happened: false }) };
  const scenario: ChaosOptions["scenario"] = async (rig) => {
    const { workId } = await rig.enqueue(Order, { cents: 500 });
    await rig.result(Order, workId, { timeoutMs: 24 * HOUR_MS });
  };
  const found = await failureOf({ engines: [engineWith(forgetful)], seeds: 100, scenario });
  expect(found.message).toContain('effect "charge" of engine order said that it did not happen');
});

test("a state that a new release cannot carry over is found", async () => {
  const Slow = defineContract({ id: "slow", payload: z.object({}), result: z.number() });
  const old = defineEngine(Slow, {
    version: 1,
    state: z.object({ n: z.number() }),
    init: { n: 0 },
    step: async ({ n }, ctx) => (n < 10 ? ctx.next({ n: n + 1 }, { delayMs: 30_000 }) : ctx.complete(n)),
  });
  const next = defineEngine(Slow, {
    version: 2,
    state: z.object({ count: z.number() }),
    init: { count: 0 },
    migrate: (was) => ({ payload: {}, state: z.object({ count: z.number() }).parse(was.state) }),
    step: async ({ count }, ctx) => ctx.complete(count),
  });
  const scenario: ChaosOptions["scenario"] = async (rig) => {
    const { workId } = await rig.enqueue(Slow, {});
    await rig.result(Slow, workId, { timeoutMs: HOUR_MS });
  };
  const found = await failureOf({ engines: [old], upgrade: [next], seeds: 400, scenario });
  expect(found.message).toContain("does not survive the new release: migrate failed");
  expect(found.injected).toEqual([expect.stringContaining("the next release was deployed")]);
});

test("what fails without any fault is said to", async () => {
  const broken: Effect<number, string> = {
    ...truthful,
    run: async () => {
      throw new DidNotHappen("closed", { cause: new TypeError("a bug") });
    },
  };
  const found = await failureOf({ engines: [engineWith(broken)], seeds: 3, scenario: orderOnce });
  expect(found).toMatchObject({ injected: [] });
  expect(found.message).toContain("nothing: it is so without any fault");
});

test("a rig of chaos settles, crashes and deploys as any other, and waits for real time", async () => {
  const seen: string[] = [];
  const engine = defineEngine(Order, {
    version: 1,
    state: z.object({}),
    init: {},
    async step(_state, ctx) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return ctx.complete(`after attempt ${ctx.attempt}`);
    },
  });
  await chaos({
    engines: [engine],
    seeds: [1],
    async scenario(rig) {
      rig.crashNext("before-commit");
      const { workId } = await rig.enqueue(Order, { cents: 1 });
      await rig.settle();
      expect(rig.crashed).toHaveLength(1);
      const end = await rig.result(Order, workId, { timeoutMs: 0 });
      seen.push(JSON.stringify(end));
      await rig.deploy([engine]);
    },
  });
  // Without faults first.
  expect(seen[0]).toBe(JSON.stringify({ status: "completed", result: "after attempt 2" }));
});

test("seeds are checked", async () => {
  await expect(chaos({ engines: [], seeds: 0, scenario: async () => undefined })).rejects.toThrow(
    "chaos: seeds: expected how many",
  );
});
