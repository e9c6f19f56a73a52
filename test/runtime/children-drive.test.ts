/** `rookery run` on a parent or on a child: only that one is worked on here, and the others have their hints. */
import { expect, test } from "vitest";
import type { Engine } from "../../src/domain/engine.ts";
import { parseWorkId } from "../../src/domain/ids.ts";
import { type Driven, drive } from "../../src/runtime/drive.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import { createWorld, type World } from "../support/world.ts";
import { childOf, enqueueParent, waiting } from "./family.ts";
import { watched } from "./faults.ts";

function driveIn(world: World, engines: readonly Engine[], id: string, deps = world.process("driver")): Promise<Driven> {
  const options = { untilVersion: null, graceMs: 1_000, onAbandoned: () => undefined };
  return drive(deps, createEngines(engines), parseWorkId(id), new AbortController().signal, options);
}

test("a parent that is driven has its children worked on by others, at once", async () => {
  const world = createWorld();
  const parent = waiting([{ end: "ok" }, { end: "ok", afterMs: 1_000 }]);
  const id = await enqueueParent(world);
  world.loseMessages();
  const driven = driveIn(world, [parent], id);
  world.work([childOf(world)]);
  await world.pass(10_000);
  expect(await world.client.status(id)).toMatchObject({ status: "completed" });
  expect(await driven).toBe("ended");
});

test("a child that is driven waits for its turn, and tells its parent and the next ones", async () => {
  const world = createWorld();
  const child = childOf(world);
  const parent = waiting([{ end: "ok", afterMs: 5_000 }, { end: "ok" }, { end: "ok" }], "all", { limit: 1 });
  world.work([child, parent]);
  const id = await enqueueParent(world);
  await world.reach(id, "waiting");
  const second = (await world.client.children(id, { group: "g" })).entries[1]?.workId ?? "";
  const fault = watched();
  const driven = driveIn(world, [child], second, world.process("driver", { intercept: fault.intercept }));
  await world.pass(3_000);
  expect((await world.client.status(second)).status).toBe("queued");
  expect(fault.calls.length).toBeLessThan(100);
  await world.pass(10_000);
  expect(await driven).toBe("ended");
  expect(await world.client.status(id)).toMatchObject({ status: "completed" });
  expect(child.atWork.most).toBe(1);
});
