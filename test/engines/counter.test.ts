import { expect, test } from "vitest";
import { Counter, counter } from "../../src/engines/counter.ts";
import { createWorld } from "../support/world.ts";

test("adds up, a number a step", async () => {
  const world = createWorld();
  world.work([counter]);
  const { workId } = await world.client.enqueue(Counter, { upTo: 4 });
  await world.settle();
  expect(await world.client.result(Counter, workId, { timeoutMs: 0 })).toEqual({ status: "completed", result: { sum: 10 } });
  const steps = await Array.fromAsync(world.client.history(workId), ({ step }) => step);
  expect(steps).toEqual(["step", "add 2", "add 3", "add 4"]);
});

test("waits between steps when it is told to", async () => {
  const world = createWorld();
  world.work([counter]);
  const { workId } = await world.client.enqueue(Counter, { upTo: 3, delayMs: 1_000 });
  await world.settle();
  expect(await world.client.status(workId)).toMatchObject({ status: "sleeping", version: 1, step: "add 2" });
  await world.advance(999);
  expect(await world.client.status(workId)).toMatchObject({ version: 1 });
  await world.advance(1);
  expect(await world.client.status(workId)).toMatchObject({ version: 2 });
  await world.advance(1_000);
  expect(await world.client.resultJson(workId)).toEqual({ sum: 6 });
});

test.each([{ upTo: 0 }, { upTo: 1.5 }, { upTo: "four" }, { upTo: 1e9 }, {}, { upTo: 3, delayMs: -1 }])(
  "refuses %j at the door",
  async (payload) => {
    const { client } = createWorld();
    // What a caller without types may send.
    await expect(client.enqueue(Counter, payload as { upTo: number })).rejects.toMatchObject({ code: "schema" });
  },
);
