/** What keeps the number of calls under way within bounds. */
import { expect, test } from "vitest";
import { createGate, inBatches } from "../../src/runtime/batches.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("a gate lets so many in at once, the others in the order of their coming, and nobody is lost by an error", async () => {
  const gate = createGate(3);
  const order: number[] = [];
  let [inside, most] = [0, 0];
  const all = Array.from({ length: 20 }, (_, i) =>
    gate(async () => {
      order.push(i);
      most = Math.max(most, ++inside);
      await turn();
      inside -= 1;
      if (i % 7 === 0) throw new Error(String(i));
      return i;
    }),
  );
  const settled = await Promise.allSettled(all);
  expect(most).toBe(3);
  expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect(settled.filter(({ status }) => status === "rejected")).toHaveLength(3);
  expect(await gate(async () => "open")).toBe("open");
});

test("batches follow one another", async () => {
  const seen: string[] = [];
  await inBatches([1, 2, 3, 4, 5], 2, async (n) => {
    seen.push(`${n} in`);
    await turn();
    seen.push(`${n} out`);
  });
  expect(seen).toEqual(["1 in", "2 in", "1 out", "2 out", "3 in", "4 in", "3 out", "4 out", "5 in", "5 out"]);
});
