import { describe, expect, test } from "vitest";
import { createMemoryBlobStore } from "../../src/adapters/memory/blob-store.ts";
import type { Intercept, PortCall } from "../../src/adapters/memory/intercept.ts";
import { createMemoryLogger } from "../../src/adapters/memory/logger.ts";
import { createSeededRandom } from "../../src/adapters/memory/random.ts";
import { createMemoryRecordStore } from "../../src/adapters/memory/record-store.ts";
import { createSystemRandom } from "../../src/adapters/node/random.ts";
import { collect, times } from "../contract/fixture.ts";

const draft = { partition: "p", sort: "s", body: {}, data: null, writeId: "w", due: null, listed: null };
const crash = new Error("crashed");

describe("a simulator between caller and port", () => {
  test("sees every call with its arguments", async () => {
    const calls: PortCall[] = [];
    const watch: Intercept = (call, run) => {
      calls.push(call);
      return run();
    };
    const store = createMemoryRecordStore({ intercept: watch });
    expect(await store.write(draft, "absent")).toEqual({ ok: true, revision: 1 });
    await store.due(1, 2, 3);
    expect(calls).toEqual([
      { port: "records", method: "write", args: [draft, "absent"] },
      { port: "records", method: "due", args: [1, 2, 3] },
    ]);
    expect(store.blockBytes).toBe(4_096);
  });
  test("crashes before a call: nothing was done", async () => {
    let crashing = true;
    const store = createMemoryRecordStore({ intercept: (_call, run) => (crashing ? Promise.reject(crash) : run()) });
    await expect(store.write(draft, "absent")).rejects.toThrow(crash);
    crashing = false;
    expect(await store.read("p")).toEqual([]);
  });
  test("loses an answer: it was done", async () => {
    let losing = true;
    const lose: Intercept = async (_call, run) => {
      const answer = await run();
      if (losing) throw crash;
      return answer;
    };
    const store = createMemoryRecordStore({ intercept: lose });
    await expect(store.write(draft, "absent")).rejects.toThrow(crash);
    losing = false;
    expect(await store.read("p")).toHaveLength(1);
  });
  test("gets between a reader and a stream", async () => {
    let crashing = false;
    const store = createMemoryBlobStore({ intercept: (_call, run) => (crashing ? Promise.reject(crash) : run()) });
    const { digest } = await store.put("o/w", Uint8Array.of(1, 2, 3));
    expect([...(await collect(store.get("o/w", digest)))]).toEqual([1, 2, 3]);
    crashing = true;
    await expect(collect(store.get("o/w", digest))).rejects.toThrow(crash);
  });
});

test("the logger keeps what was logged", () => {
  const logger = createMemoryLogger();
  logger.warn("late", { ms: 5 });
  logger.info("done");
  expect(logger.entries).toEqual([
    { level: "warn", message: "late", fields: { ms: 5 } },
    { level: "info", message: "done", fields: {} },
  ]);
});

describe("random values", () => {
  test("of one seed are the same, of another not", () => {
    const values = (seed: number) => times(20, createSeededRandom(seed).fraction);
    expect(values(7)).toEqual(values(7));
    expect(values(7)).not.toEqual(values(8));
  });
  test.each([
    ["seeded", createSeededRandom(3)],
    ["of the system", createSystemRandom()],
  ])("that are %s fill their range", (_name, random) => {
    const fractions = times(2_000, random.fraction);
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...fractions)).toBeLessThan(1);
    for (let tenth = 0; tenth < 10; tenth++) {
      const count = fractions.filter((value) => Math.floor(value * 10) === tenth).length;
      expect(count).toBeGreaterThan(100);
    }
    expect(random.bytes(0)).toHaveLength(0);
    expect(random.bytes(16)).toHaveLength(16);
    expect(new Set(random.bytes(2_000)).size).toBeGreaterThan(200);
  });
});
