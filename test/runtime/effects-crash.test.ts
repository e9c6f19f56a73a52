/** A worker that dies in any of its port calls around an effect, over a real outside system that counts (G4, G6). */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../../src/domain/engine.ts";
import { EFFECT_MS } from "../../src/domain/limits.ts";
import type { ItemStatus } from "../../src/runtime/inspect.ts";
import { createWorld } from "../support/world.ts";
import { enqueue } from "./builders.ts";
import { anEffect, type IfInDoubt, type Outside, oneStep, startOutside, waitFor } from "./effect-builders.ts";
import { crashAt, type Fault, failAt, nameOf, watched } from "./faults.ts";

let outside: Outside;
beforeAll(async () => {
  outside = await startOutside();
});
afterAll(() => outside.close());

const CHOICES = {
  rerun: () => "rerun",
  park: () => "park",
  "a truthful asker": () => async (_input, fence) => outside.did(fence),
} satisfies Record<string, () => IfInDoubt>;

function engineOf(ifInDoubt: IfInDoubt): Engine {
  return oneStep(
    async (ctx) =>
      ctx.effect(
        "charge",
        { cents: 5 },
        anEffect(async (_input, fence) => outside.do(fence), { ifInDoubt }),
      ),
    {
      retry: { transient: { attempts: 3, minMs: 10, maxMs: 10 } },
    },
  );
}

/** The calls of an undisturbed run. */
async function clean(ifInDoubt: IfInDoubt): Promise<Fault["calls"]> {
  const world = createWorld();
  waitFor(world, outside);
  const fault = watched();
  world.work([engineOf(ifInDoubt)], { intercept: fault.intercept });
  await world.end(await enqueue(world));
  await world.settle();
  return [...fault.calls];
}

interface Deaths {
  readonly choice: keyof typeof CHOICES;
  /** A worker each, one after the other; the last one of all has none. */
  readonly faults: readonly Fault[];
  /** The others know when one has died. */
  readonly known: boolean;
}
const isOver = ({ status }: ItemStatus): boolean => status === "completed" || status === "paused";
/** What the world comes to: a parked effect is resolved truthfully. `happened`: how often it did. */
async function ending({ choice, faults, known }: Deaths): Promise<{ ended: string; happened: number }> {
  // Every world has the same ids.
  outside.counts.clear();
  const world = createWorld();
  waitFor(world, outside);
  const engine = engineOf(CHOICES[choice]());
  const workId = await enqueue(world);
  for (const [i, fault] of faults.entries()) {
    const worker = world.work([engine], { name: `worker-${i}`, intercept: fault.intercept });
    while (!fault.happened() && !isOver(await world.client.status(workId))) await world.pass(500);
    // One that has not died by then is not to die later, in the middle of what a person has resolved.
    if (!fault.happened()) await worker.stop();
    else if (known) world.machine.end(`worker-${i}`);
  }
  world.work([engine], { name: "last" });
  const startMs = world.clock.nowMs();
  const key = `${workId}/0/charge`;
  const count = () => outside.counts.get(key) ?? 0;
  const { status } = await world.reach(workId, ["completed", "paused", "dead_lettered"], 10 * 60_000);
  // A death that is noticed is not waited out.
  if (known) expect(world.clock.nowMs() - startMs).toBeLessThan(EFFECT_MS / 2);
  const result = `done ${key}`;
  const before = count();
  if (status === "paused") {
    await world.client.resolve(workId, "charge", before > 0 ? { happened: true, result } : { happened: false });
    await world.reach(workId, "completed", 5 * 60_000);
  }
  expect(await world.client.resultJson(workId)).toBe(result);
  expect((await world.client.effects(workId)).map(({ state }) => state)).toEqual(["confirmed"]);
  return { ended: status === "paused" ? `parked with ${before}` : status, happened: count() };
}

async function atEvery(
  calls: Fault["calls"],
  faultAt: (n: number) => Fault,
  check: (fault: Fault) => Promise<void>,
): Promise<void> {
  for (let n = 0; n < calls.length; n++) {
    await check(faultAt(n)).catch((error: unknown) => {
      throw new Error(`call ${n}, ${nameOf(calls[n] ?? { port: "", method: "", args: [] })}`, { cause: error });
    });
  }
}
function expectKept(choice: keyof typeof CHOICES, happened: number, deaths = 1): void {
  expect(happened).toBeGreaterThanOrEqual(1);
  expect(happened).toBeLessThanOrEqual(choice === "rerun" ? 1 + deaths : 1);
}

const BOTH = ["before", "after"] as const;
const NAMES = ["rerun", "park", "a truthful asker"] as const;
const KNOWN = { "that is noticed": true, "of which nobody knows": false };
const CALLS = 60;

describe.each(NAMES)("with %s", (choice) => {
  for (const [notice, known] of Object.entries(KNOWN)) {
    test.each(BOTH)(`a death ${notice}, %s any call, keeps the promise`, async (when) => {
      const calls = await clean(CHOICES[choice]());
      expect(calls.map(nameOf).filter((name) => name.startsWith("records.write effect/"))).toHaveLength(2);
      const ends = new Set<string>();
      const faultAt = (n: number) => crashAt(n, when, () => undefined);
      await atEvery(calls, faultAt, async (fault) => {
        const { ended, happened } = await ending({ choice, faults: [fault], known });
        ends.add(ended);
        expectKept(choice, happened);
      });
      // Deaths before the outside was called and after it are among them.
      const parked = choice !== "park" ? [] : when === "before" ? ["parked with 0", "parked with 1"] : ["parked with 0"];
      expect([...ends].sort()).toEqual(["completed", ...parked]);
    });
  }

  test.each(BOTH)("a second death, %s any call of the one that takes over, keeps the promise", async (when) => {
    const calls = await clean(CHOICES[choice]());
    const writes = calls.flatMap((call, n) => (nameOf(call).startsWith("records.write effect/") ? [n] : []));
    for (const first of writes) {
      for (let n = 0, happened = true; happened && n < CALLS; n++) {
        const faults = [
          crashAt(first, first === writes[0] ? "after" : "before", () => undefined),
          crashAt(n, when, () => undefined),
        ];
        const end = await ending({ choice, faults, known: true }).catch((error: unknown) => {
          throw new Error(`after call ${first}, ${when} call ${n}`, { cause: error });
        });
        expectKept(choice, end.happened, 2);
        happened = faults[1]?.happened() ?? false;
        expect(n).toBeLessThan(CALLS - 1);
      }
    }
  });

  test.each(BOTH)("a store that cannot be reached once, %s any call had its effect, does no harm", async (when) => {
    const calls = await clean(CHOICES[choice]());
    const faultAt = (n: number) => failAt(n, when);
    await atEvery(calls, faultAt, async (fault) => {
      outside.counts.clear();
      const world = createWorld();
      waitFor(world, outside);
      world.work([engineOf(CHOICES[choice]())], { intercept: fault.intercept });
      const workId = await enqueue(world);
      const { status } = await world.reach(workId, ["completed", "paused", "dead_lettered"], 5 * 60_000);
      if (status === "paused") await world.client.resolve(workId, "charge", { happened: outside.counts.size > 0, result: 1 });
      await world.reach(workId, "completed", 5 * 60_000);
      expectKept(choice, outside.counts.get(`${workId}/0/charge`) ?? 0);
    });
  });
});
