/** The sweep of a deployment, where something else is wrong: alarms ring all the same. */
import { expect, test } from "vitest";
import { shardOf } from "../../src/domain/ids.ts";
import { drainDeadLetters } from "../../src/runtime/dead-letters.ts";
import { sweepShards } from "../../src/runtime/shard-sweep.ts";
import { createWorld, type World } from "../support/world.ts";
import { counter, enqueue } from "./builders.ts";

const MINUTE_MS = 60_000;
const invocation = (world: World) => ({ endsAtMs: world.clock.nowMs() + 55_000, elsewhere: async () => undefined });

async function takeTurn(world: World, workId: string, untilMs: number): Promise<void> {
  const place = { partition: `SWEEP/${shardOf(`test/${workId}`)}`, sort: "TURN" };
  const draft = { ...place, body: { v: 1, until: untilMs }, data: null, writeId: "w", due: null, listed: null };
  await world.deps.store.write(draft, "absent");
}
/** Its hint is lost, and its alarm is due. */
async function forgotten(world: World): Promise<string> {
  const workId = await enqueue(world);
  world.loseMessages();
  world.clock.advance(6 * MINUTE_MS);
  return workId;
}

test("a shard is left to whoever's turn it is", async () => {
  const world = createWorld();
  const workId = await forgotten(world);
  await takeTurn(world, workId, world.clock.nowMs() + 30_000);
  expect(await sweepShards(world.deps, invocation(world))).toMatchObject({ hinted: 0 });
  world.clock.advance(30_000);
  expect(await sweepShards(world.deps, invocation(world))).toMatchObject({ hinted: 1 });
});

test("a turn that was taken under a clock far ahead holds up nobody", async () => {
  const world = createWorld();
  const workId = await forgotten(world);
  await takeTurn(world, workId, world.clock.nowMs() + 400 * 24 * 60 * MINUTE_MS);
  expect(await sweepShards(world.deps, invocation(world))).toMatchObject({ hinted: 1 });
  world.work([counter(1)]);
  await world.end(workId, 1_000);
});

test("a shard that cannot be handed on is swept all the same", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  const shard = shardOf(`test/${workId}`);
  for (let more = 0; more < 60; more++) {
    const [partition, atMs] = [`other/${String(more).padStart(20, "0")}`, world.clock.nowMs()];
    const draft = { partition, sort: "LIVE/DUE", body: { v: 1, why: "enqueue", at: atMs }, due: { shard, atMs } };
    await world.deps.store.write({ ...draft, data: null, writeId: "w", listed: null }, "absent");
  }
  world.loseMessages();
  world.clock.advance(6 * MINUTE_MS);
  const elsewhere = () => Promise.reject(new Error("may not invoke"));
  expect(await sweepShards(world.deps, { ...invocation(world), elsewhere })).toMatchObject({ looked: 61, hinted: 1 });
});

test("dead letters that cannot be had are logged, and left for the next sweep", async () => {
  const world = createWorld();
  const letters = { receive: () => Promise.reject(new Error("out of reach")), remove: () => Promise.resolve() };
  const drained = await drainDeadLetters(world.deps, letters, world.clock.nowMs() + 1_000);
  expect(drained).toEqual({ rung: 0, recorded: 0 });
  expect(world.logger.entries).toMatchObject([{ level: "error", fields: { error: "out of reach" } }]);
});
