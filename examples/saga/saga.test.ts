import { createTestRig } from "rookery/testing";
import { expect, test } from "vitest";
import { createTrip, Trip } from "./engine.ts";
import { createOffice } from "./office.ts";

const HOUR_MS = 3_600_000;

test("books every leg once", async () => {
  const office = createOffice();
  await using rig = createTestRig({ engines: [createTrip(office)] });
  const { workId } = await rig.enqueue(Trip, { who: "Ada" });
  await rig.settle();
  const ids = ["hotel-1", "flight-2", "car-3"];
  expect(await rig.result(Trip, workId, { timeoutMs: 0 })).toEqual({ status: "completed", result: { ids } });
  expect(office.booked()).toEqual(ids);
});

test.each(["before", "after"] as const)("a crash %s a booking books nothing twice", async (when) => {
  const office = createOffice();
  await using rig = createTestRig({ engines: [createTrip(office)] });
  rig.crashNext({ effect: "book", when });
  rig.crashNext("after-commit");
  rig.crashNext({ effect: "book", when });
  const { workId } = await rig.enqueue(Trip, { who: "Ada" });
  const end = await rig.result(Trip, workId, { timeoutMs: HOUR_MS });
  expect(rig.crashed).toHaveLength(3);
  expect(end).toEqual({ status: "completed", result: { ids: office.booked() } });
  expect(office.booked()).toHaveLength(3);
});

test("what was booked is given back when a leg is sold out", async () => {
  const office = createOffice(["car"]);
  await using rig = createTestRig({ engines: [createTrip(office)] });
  const { workId } = await rig.enqueue(Trip, { who: "Ada" });
  const end = await rig.result(Trip, workId, { timeoutMs: 24 * HOUR_MS });
  expect(end).toMatchObject({ status: "dead_lettered" });
  expect(office.booked()).toEqual([]);
});
