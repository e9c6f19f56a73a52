/** The checker itself: it finds what is wrong, and nothing else. */
import { describe, expect, test } from "vitest";
import { createSeededRandom } from "../../src/adapters/memory/random.ts";
import { createMemoryRecordStore } from "../../src/adapters/memory/record-store.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { RecordStore, StoredRecord } from "../../src/ports/record-store.ts";
import type { Deps } from "../../src/runtime/deps.ts";
import { put } from "../../src/runtime/records.ts";
import { DEFAULT_SETTINGS } from "../../src/runtime/settings.ts";
import { createEnvironment } from "../../src/testing/environment.ts";
import { type Answer, type Ask, askedAgain, createRecorder, type Operation, runClient, type Seen } from "./history.ts";
import { findFlaw, isLinearizable } from "./linearizable.ts";
import { slowly } from "./slowly.ts";

const at = (startedAt: number, endedAt: number | null, ask: Ask, answer: Answer | null): Operation => ({
  client: "c",
  key: "k",
  startedAt,
  endedAt,
  ask,
  answer,
});
const write = (writeId: string, expected: number | "absent"): Ask => ({ kind: "write", writeId, expected });
const saw = (record: Seen): Answer => ({ kind: "saw", record });
const done = (revision: number | null): Answer => ({ kind: "done", revision });
const missed = (current: Seen): Answer => ({ kind: "missed", current });
const read: Ask = { kind: "read" };
const one = { revision: 1, writeId: "a" };
const two = { revision: 2, writeId: "b" };

describe("a history", () => {
  test.each<[string, Operation[]]>([
    ["of nothing", []],
    ["of a write and a read after it", [at(1, 2, write("a", "absent"), done(1)), at(3, 4, read, saw(one))]],
    [
      "of a read beside a write, which sees it or not",
      [at(1, 9, write("a", "absent"), done(1)), at(2, 3, read, saw(null)), at(4, 5, read, saw(one))],
    ],
    ["of two writes of which one misses", [at(1, 9, write("a", "absent"), done(1)), at(2, 8, write("b", "absent"), missed(one))]],
    [
      "of a write without an end that is seen late",
      [at(1, null, write("a", "absent"), null), at(2, 3, read, saw(null)), at(4, 5, read, saw(one))],
    ],
    ["of a write without an end that nobody sees", [at(1, null, write("a", "absent"), null), at(2, 3, read, saw(null))]],
    [
      "of a remove and another life",
      [
        at(1, 2, write("a", "absent"), done(1)),
        at(3, 4, { kind: "remove", expected: 1 }, done(null)),
        at(5, 6, write("b", "absent"), done(1)),
      ],
    ],
  ])("%s is linearizable", (_name, history) => {
    expect(isLinearizable(history)).toBe(true);
  });

  test.each<[string, Operation[]]>([
    ["in which a write that ended is not seen", [at(1, 2, write("a", "absent"), done(1)), at(3, 4, read, saw(null))]],
    ["in which a read goes back", [at(1, 9, write("a", "absent"), done(1)), at(2, 3, read, saw(one)), at(4, 5, read, saw(null))]],
    ["in which two have won", [at(1, 9, write("a", "absent"), done(1)), at(2, 8, write("b", "absent"), done(1))]],
    [
      "in which an update is lost",
      [at(1, 2, write("a", "absent"), done(1)), at(3, 6, write("b", 1), done(2)), at(4, 5, write("c", 1), done(2))],
    ],
    ["in which something is seen that nobody wrote", [at(1, 2, read, saw(one))]],
    ["in which a write is seen before it began", [at(1, 2, read, saw(one)), at(3, 4, write("a", "absent"), done(1))]],
    [
      "in which a write without an end is seen, and then is not",
      [at(1, null, write("a", "absent"), null), at(2, 3, read, saw(one)), at(4, 5, read, saw(null))],
    ],
    [
      "in which a write without an end is seen before it began",
      [at(1, 2, read, saw(one)), at(3, null, write("a", "absent"), null)],
    ],
    [
      "in which a write whose answer is not known is seen too late",
      [at(1, 2, write("a", "absent"), null), at(3, 4, read, saw(null)), at(5, 6, read, saw(one))],
    ],
    [
      "in which a write that missed is there",
      [at(1, 2, write("a", "absent"), done(1)), at(3, 4, write("b", 1), missed(one)), at(5, 6, read, saw(two))],
    ],
    [
      "in which a remove that was done was not",
      [at(1, 2, write("a", "absent"), done(1)), at(3, 4, { kind: "remove", expected: 1 }, done(null)), at(5, 6, read, saw(one))],
    ],
    ["in which a revision is left out", [at(1, 2, write("a", "absent"), done(1)), at(3, 4, write("b", 1), done(3))]],
  ])("%s is not linearizable", (_name, history) => {
    expect(isLinearizable(history)).toBe(false);
  });
});

/** Whoever waits goes on at once. */
const AT_ONCE: Clock = {
  nowMs: () => 0,
  after: (_delayMs, callback) => {
    const timer = setImmediate(callback);
    return () => clearImmediate(timer);
  },
};

type Break = (store: RecordStore, isTurn: () => boolean) => RecordStore;
const cached = new Map<string, readonly StoredRecord[]>();
const BREAKS: { readonly [name: string]: Break } = {
  "reads what was there before": (store, isTurn) => ({
    ...store,
    read: async (partition, ...rest) => {
      const before = cached.get(partition);
      if (before !== undefined && isTurn()) return before;
      const records = await store.read(partition, ...rest);
      cached.set(partition, records);
      return records;
    },
  }),
  "does not look at the condition": (store, isTurn) => ({
    ...store,
    write: async (record, expected) => {
      const written = await store.write(record, expected);
      return written.ok || written.current === null || !isTurn() ? written : store.write(record, written.current.revision);
    },
  }),
  "says that it has written, and has not": (store, isTurn) => ({
    ...store,
    write: async (record, expected) => {
      if (isTurn() && expected !== "absent") return { ok: true, revision: expected + 1 };
      return store.write(record, expected);
    },
  }),
  "takes its own write for another's": (store, isTurn) => ({
    ...store,
    write: async (record, expected) => {
      const written = await store.write(record, expected);
      return written.ok && isTurn() ? { ok: false, current: { ...record, revision: written.revision } } : written;
    },
  }),
  "removes whatever the revision": (store, isTurn) => ({
    ...store,
    remove: async (key, expected) => {
      const removed = await store.remove(key, expected);
      if (removed.ok || removed.current === null || !isTurn()) return removed;
      return store.remove(key, removed.current.revision);
    },
  }),
};

async function historyOf(seed: number, makeStore: (random: () => number) => RecordStore): Promise<Operation[]> {
  const recorder = createRecorder();
  const { fraction: random } = createSeededRandom(seed);
  const store = makeStore(random);
  const partition = `history ${seed}`;
  const client = (name: string) =>
    runClient({
      name,
      store,
      recorder,
      partition,
      keys: ["a", "b"],
      operations: 30,
      random,
      put: (draft, expected, writeId) => store.write({ ...draft, writeId }, expected),
    });
  await Promise.all(["p", "q", "r"].map(client));
  return recorder.operations();
}

describe("a store", () => {
  test.each(Object.entries(BREAKS))("that %s is found out", async (_name, broken) => {
    let found = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const history = await historyOf(seed, (random) =>
        broken(slowly(createMemoryRecordStore(), random, 0), () => random() < 0.3),
      );
      if (findFlaw(history) !== null) found += 1;
    }
    expect(found).toBeGreaterThanOrEqual(3);
  });

  test("in memory is linearizable where the runtime asks again for answers that were lost", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { fraction: random } = createSeededRandom(seed);
      const recorder = createRecorder();
      const losing = slowly(createMemoryRecordStore(), random, 0.2);
      const { depsOf } = createEnvironment({ settings: { ...DEFAULT_SETTINGS, patienceMs: 3_000 } });
      const run = (name: string): Promise<void> => {
        let writeId = "";
        const deps: Deps = { ...depsOf(name), clock: AT_ONCE, store: losing, nonce: () => writeId };
        return runClient({
          ...{ name, recorder, random, partition: `history ${seed}`, keys: ["a", "b"], operations: 30, removes: false },
          store: losing,
          put: (draft, expected, id) => {
            writeId = id;
            return put(deps, draft, expected);
          },
        });
      };
      await Promise.all(["p", "q", "r"].map(run));
      const history = recorder.operations().map((operation) => {
        const { ask } = operation;
        return ask.kind === "write" ? { ...operation, ask: { ...ask, writeId: `0.${ask.writeId}` } } : operation;
      });
      expect(findFlaw(askedAgain(history)), `no order explains what the clients of seed ${seed} were told`).toBeNull();
    }
  });

  test("in memory is linearizable, with answers that are lost", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const lost = seed % 2 === 0 ? 0.15 : 0;
      const history = await historyOf(seed, (random) => slowly(createMemoryRecordStore(), random, lost));
      expect(findFlaw(history), `no order explains what the clients of seed ${seed} were told`).toBeNull();
    }
  });
});
