/** Keys, lives and the end of memory (G5); what the sweeper does about it, and about what it cannot read. */
import { expect, test } from "vitest";
import { itemPartition, keyPartition, parseNamespace, parseWorkId, shardOf } from "../../src/domain/ids.ts";
import { createClient } from "../../src/runtime/client.ts";
import { sweep } from "../../src/runtime/sweep.ts";
import { sha256 } from "../../src/wire/digest.ts";
import { createWorld, type World } from "../support/world.ts";
import { counter, engineOf, enqueue, kinds, Work } from "./builders.ts";
import { draftOf, nameOf, never } from "./faults.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const rich = engineOf(async (state, ctx) => {
  await ctx.artifacts.put("report", `of ${ctx.workId}`);
  await ctx.once("memo", async () => 1);
  const append = [String(ctx.payload)];
  return ctx.step === 1 ? ctx.complete("x".repeat(9_000), { append }) : ctx.next({ before: state }, { append });
});
const recordsOf = (world: World, key: string) => world.deps.store.read(keyPartition(parseNamespace("test"), "work", sha256(key)));

test("an item is remembered until the instant that its answers name, then forgotten, and collected a day later", async () => {
  const world = createWorld({ retentionMs: 10 * DAY_MS });
  world.work([rich]);
  const { workId } = await world.client.enqueue(Work, "p", { key: "k" });
  await world.end(workId);
  const untilMs = world.clock.nowMs() + 10 * DAY_MS;
  await world.pass(1_000);
  const again = await world.client.enqueue(Work, "p", { key: "k" });
  expect(again).toEqual({ workId, created: false, accepted: true, rememberedUntilAtMs: untilMs });
  expect((await recordsOf(world, "k"))[0]?.body["remembered"]).toBe(untilMs);
  await world.advance(untilMs - MINUTE_MS - world.clock.nowMs(), DAY_MS / 4);
  expect((await world.client.enqueue(Work, "p", { key: "k" })).workId).toBe(workId);
  expect((await Array.fromAsync((await world.client.artifact(workId, "report")).content)).length).toBe(1);
  await world.advance(3 * MINUTE_MS, MINUTE_MS);
  const [ref] = await world.client.artifacts(workId);
  expect(await world.deps.blobs.head(`test/${workId}`, ref?.digest ?? "")).toBeNull();
  expect((await world.client.status(workId)).status).toBe("completed");
  await world.advance(DAY_MS, DAY_MS / 24);
  expect(await world.records(workId)).toEqual([]);
  expect(await recordsOf(world, "k")).toEqual([]);
  expect((await world.client.list()).entries).toEqual([]);
  const fresh = await world.client.enqueue(Work, "another payload", { key: "k" });
  expect(fresh.created).toBe(true);
  expect(fresh.workId).not.toBe(workId);
});

test("a key is free again as soon as its item need not be remembered, collected or not", async () => {
  const world = createWorld({ retentionMs: DAY_MS });
  const worker = world.work([rich]);
  const { workId } = await world.client.enqueue(Work, "p", { key: "k" });
  await world.end(workId);
  await worker.stop();
  world.clock.advance(DAY_MS);
  const fresh = await world.client.enqueue(Work, "q", { key: "k" });
  expect(fresh).toMatchObject({ created: true });
  await world.advance(3 * DAY_MS, DAY_MS / 8);
  expect(await world.records(workId)).toEqual([]);
  expect((await world.client.status({ contract: Work, key: "k" })).workId).toBe(fresh.workId);
});

test("`ifEnded: again` is a new work id, in which nothing of the old life is seen", async () => {
  const world = createWorld();
  world.work([rich]);
  const first = await world.client.enqueue(Work, "p", { key: "k" });
  expect(await world.client.enqueue(Work, "p", { key: "k", ifEnded: "again" })).toEqual({ ...first, created: false });
  await world.end(first.workId);
  expect((await world.client.enqueue(Work, "p", { key: "k" })).created).toBe(false);
  const second = await world.client.enqueue(Work, "another", { key: "k", ifEnded: "again" });
  expect(second.created).toBe(true);
  expect(second.workId).not.toBe(first.workId);
  expect(await world.client.status(second.workId)).toMatchObject({
    version: 0,
    logEntries: 0,
    artifacts: 0,
    meters: {},
    status: "queued",
  });
  await world.end(second.workId);
  expect(await world.client.log(second.workId)).toEqual(["another", "another"]);
  expect(await world.client.log(first.workId)).toEqual(["p", "p"]);
  expect((await world.client.status({ contract: Work, key: "k" })).workId).toBe(second.workId);
  await expect(world.client.enqueue(Work, "p", { key: "k" })).rejects.toThrow("with another payload");
});

test("a failed item is remembered too, and a redrive begins its memory anew", async () => {
  const world = createWorld({ retentionMs: DAY_MS });
  world.work([engineOf(async (_state, ctx) => (ctx.wake.kind === "go" ? ctx.fail(new Error("no")) : ctx.complete("yes")))]);
  const { workId } = await world.client.enqueue(Work, 1, { key: "k" });
  await world.end(workId);
  await world.advance(DAY_MS - 10 * MINUTE_MS, MINUTE_MS * 30);
  await world.client.redrive(workId);
  await world.reach(workId, "completed", 10_000);
  const untilMs = world.clock.nowMs() + DAY_MS;
  await world.advance(DAY_MS - MINUTE_MS, 30 * MINUTE_MS);
  expect(await world.client.enqueue(Work, 1, { key: "k" })).toEqual({
    workId,
    created: false,
    accepted: true,
    rememberedUntilAtMs: untilMs,
  });
  await world.advance(2 * DAY_MS, 30 * MINUTE_MS);
  expect(await world.records(workId)).toEqual([]);
});

test("an open item is never forgotten", async () => {
  const world = createWorld({ retentionMs: DAY_MS });
  const { workId } = await world.client.enqueue(Work, 1, { key: "k" });
  await world.client.pause(workId);
  world.work([counter(1)]);
  await world.reach(workId, "paused");
  await world.advance(400 * DAY_MS, DAY_MS);
  expect(await world.client.enqueue(Work, 1, { key: "k" })).toEqual({
    workId,
    created: false,
    accepted: true,
    rememberedUntilAtMs: null,
  });
});

test.each([
  ["blobs.put", false],
  ["records.write LIVE/ITEM", false],
  ["blobs.put", true],
  ["records.write LIVE/ITEM", true],
])(
  "an enqueue that came to its end after %s leaves nothing behind for long (a store that collects: %s)",
  async (last, collects) => {
    const world = createWorld({}, { collects });
    const text = "x".repeat(9_000);
    let gone = false;
    let owner = "";
    const caller = world.process("caller", {
      intercept: async (call, run) => {
        if (gone) return never();
        const draft = draftOf(call);
        if (draft.sort === "LIVE/DUE") owner = draft.partition;
        gone = nameOf(call) === last;
        return call.method === "put" || !gone ? run() : never();
      },
    });
    void createClient(caller).enqueue(Work, text);
    await world.settle();
    expect(gone).toBe(true);
    expect(await world.deps.blobs.head(owner, sha256(JSON.stringify(text)))).not.toBeNull();
    await world.advance(2 * DAY_MS, 10 * MINUTE_MS);
    expect(await world.deps.blobs.head(owner, sha256(JSON.stringify(text)))).toBeNull();
    expect(await world.deps.store.read(owner)).toEqual([]);
  },
);

const broken = async (world: World, workId: string): Promise<void> => {
  world.loseMessages();
  await world.tamper(workId, "LIVE/ITEM", { body: { garbage: true } });
};

test("the sweeper moves on past a record that nobody can read, logs it, and does the rest", async () => {
  const world = createWorld();
  const [bad, good] = [await enqueue(world, 1), await enqueue(world, 2)];
  await broken(world, bad);
  world.work([counter(1)]);
  await world.advance(6 * MINUTE_MS, MINUTE_MS);
  expect((await world.client.status(good)).status).toBe("completed");
  const logged = world.logger.entries.filter((entry) => entry.message === "alarm not handled");
  expect(logged).toHaveLength(1);
  expect(logged[0]?.fields).toMatchObject({ partition: `test/${bad}`, error: expect.stringContaining("cannot be decoded") });
  await world.advance(10 * MINUTE_MS, MINUTE_MS);
  expect(world.logger.entries.filter((entry) => entry.message === "alarm not handled")).toHaveLength(2);
});

/** Alarms that fall into the same shard, by other items' partitions. */
async function crowd(world: World, workId: string, namespace: string, body: { [name: string]: number | string }): Promise<void> {
  const shard = shardOf(`test/${workId}`);
  for (let i = 0; i < 250; i++) {
    const partition = itemPartition(
      parseNamespace(namespace),
      parseWorkId(`000000000000000000${String(i).padStart(3, "0")}`.slice(-20)),
    );
    const draft = { partition, sort: "LIVE/DUE", body, data: null, writeId: "w", due: { shard, atMs: 5 }, listed: null };
    await world.deps.store.write(draft, "absent");
  }
}

test("alarms of another namespace that nobody sweeps do not stand in the way", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  world.loseMessages();
  await crowd(world, workId, "abandoned", { v: 1, why: "enqueue", at: 5 });
  world.work([counter(1)]);
  await world.end(workId, 7 * MINUTE_MS);
});

test("alarms of a newer release, which cannot be moved, neither stand in the way nor hold up the sweep", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  world.loseMessages();
  await crowd(world, workId, "test", { v: 99, why: "enqueue", at: 5 });
  world.clock.advance(6 * MINUTE_MS);
  const { failed, hinted } = await sweep(world.deps);
  expect([failed, hinted]).toEqual([250, 1]);
});

test.each(["LIVE/ITEM", "LIVE/HEAD", "LIVE/LEASE", "LIVE/DUE"])(
  "a %s of a newer release is left alone, and its item goes on when it can be read",
  async (sort) => {
    const world = createWorld();
    const worker = world.work([
      engineOf(async (_state, ctx) => (ctx.step === 1 ? ctx.complete(1) : ctx.next(1, { delayMs: MINUTE_MS }))),
    ]);
    const workId = await enqueue(world);
    await world.reach(workId, "sleeping");
    const [record] = (await world.records(workId)).filter((one) => one.sort === sort);
    await world.tamper(workId, sort, { body: { ...record?.body, v: 99, news: true } });
    const before = await world.records(workId);
    await world.advance(30 * MINUTE_MS, MINUTE_MS / 4);
    const unchanged = (records: typeof before) => records.filter((one) => one.sort !== "LIVE/DUE").map(({ body }) => body);
    expect(unchanged(await world.records(workId))).toEqual(unchanged(before));
    await expect(world.client.status(workId)).rejects.toThrow("a newer release wrote it");
    expect(world.broker.buried).toEqual([]);
    await world.tamper(workId, sort, { body: record?.body ?? {} });
    await world.end(workId, 60 * MINUTE_MS);
    expect(await kinds(world, workId)).toEqual(["step", "step", "ended"]);
    expect(worker.abandoned).toEqual([]);
  },
);

test("a sweep takes no step and writes no HEAD", async () => {
  const world = createWorld();
  const writes: string[] = [];
  const ids = [await enqueue(world, 1), await enqueue(world, 2)];
  world.loseMessages();
  world.clock.advance(6 * MINUTE_MS);
  const deps = world.process("sweeper", {
    intercept: (call, run) => {
      const [first] = call.args;
      if (call.method === "write") writes.push(String(Reflect.get(Object(first), "sort")));
      return run();
    },
  });
  expect(await sweep(deps)).toEqual({ looked: 2, hinted: 2, forgotten: 0, collected: 0, failed: 0 });
  expect(writes).toEqual(["LIVE/DUE", "LIVE/DUE"]);
  expect(await sweep(deps)).toMatchObject({ looked: 0 });
  for (const workId of ids)
    expect(((await world.client.status(workId)).alarmAtMs ?? 0) - world.clock.nowMs()).toBeGreaterThanOrEqual(10 * MINUTE_MS);
});
