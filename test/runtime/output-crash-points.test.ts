/** A writing step whose worker dies in any of its port calls: who drops what is replaced has the committed text. */
import { expect, test } from "vitest";
import type { Engine } from "../../src/domain/engine.ts";
import { pause } from "../../src/runtime/deps.ts";
import { type Reading, reading } from "../support/output.ts";
import { createWorld, type World } from "../support/world.ts";
import { engineOf, enqueue } from "./builders.ts";
import { crashAt, failAt, nameOf, watched } from "./faults.ts";

/**
 * Text of every attempt is its own, and goes to the log, too. One step fails once; one writes in its first attempt only, so that whoever takes it
 * over has nothing to say; the last one fails for good, and recover writes under its version.
 */
function journey(world: World, name: string): Engine {
  return engineOf(
    async (state, ctx) => {
      const words = state === 1 && ctx.attempt > 1 ? [] : ["a", "b"];
      let text = "";
      for (const word of words) {
        const chunk = `${word}:${name} ${ctx.step}.${ctx.attempt} `;
        ctx.write(chunk);
        text += chunk;
        await pause(world.clock, 80);
      }
      if (state === 0 && ctx.attempt === 1) throw new Error("once is not enough");
      if (state === 2) throw new TypeError("for good");
      return ctx.next(Number(state) + 1, { append: [text] });
    },
    {
      retry: { unknown: { attempts: 9, minMs: 10, maxMs: 20 } },
      recover: async (_state, _cause, ctx) => {
        const text = `r:${name} ${ctx.step}.${ctx.attempt} `;
        ctx.write(text);
        return ctx.complete(null, { append: [text] });
      },
    },
  );
}

async function expectCommitted(world: World, workId: string, live: Reading): Promise<void> {
  await world.end(workId, 3 * 60_000);
  const later = reading(world.client.output(workId));
  await world.pass(200);
  await Promise.all([live.done, later.done]);
  // The log is committed with the steps, so it says which text was.
  const text = (await world.client.log(workId)).join("");
  expect(later.text()).toBe(text);
  expect(live.text()).toBe(text);
  expect(live.events.at(-1)).toMatchObject({ kind: "end", text: "completed" });
  // From anywhere on, by another reader.
  for (const from of [1, Math.floor(live.events.length / 2)]) {
    const rest = reading(
      world.client.output(workId, { after: live.events[from]?.cursor ?? null }),
      live.events.slice(0, from + 1),
    );
    await world.pass(200);
    await rest.done;
    expect(rest.text()).toBe(text);
  }
}

async function countedCalls(): Promise<ReturnType<typeof watched>["calls"]> {
  const world = createWorld();
  const fault = watched();
  world.work([journey(world, "first")], { intercept: fault.intercept });
  const workId = await enqueue(world);
  await expectCommitted(world, workId, reading(world.client.output(workId)));
  return fault.calls;
}
const clean = await countedCalls();
const callName = (n: number): string => nameOf(clean[n] ?? { port: "", method: "", args: [] });

test("the journey writes chunks of every step and of recover", () => {
  const written = clean.map(nameOf).filter((name) => name.startsWith("records.write output/"));
  for (const part of ["/000000000/", "/000000001/", "/000000002/", ".r000000001/"])
    expect(written.some((name) => name.includes(part))).toBe(true);
});

test.each([
  ["before", true],
  ["after", true],
  ["after", false],
] as const)("a death %s any call leaves the committed text (noticed at once: %s)", async (when, known) => {
  for (let n = 0; n < clean.length; n++) {
    const world = createWorld();
    const fault = crashAt(n, when, () => known && world.machine.end("first"));
    world.work([journey(world, "first")], { name: "first", intercept: fault.intercept });
    const workId = await enqueue(world);
    const live = reading(world.client.output(workId));
    for (let i = 0; i < 20 && !fault.happened(); i++) await world.pass(500);
    world.work([journey(world, "second")], { name: "second" });
    await expectCommitted(world, workId, live).catch((error: unknown) => {
      throw new Error(`crash ${when} call ${n}, ${callName(n)}`, { cause: error });
    });
  }
});

test.each(["before", "after"] as const)(
  "a call that is not answered once leaves the committed text (%s its effect)",
  async (when) => {
    for (let n = 0; n < clean.length; n++) {
      const world = createWorld({ patienceMs: 0 });
      const fault = failAt(n, when);
      world.work([journey(world, "first")], { intercept: fault.intercept });
      const workId = await enqueue(world);
      const live = reading(world.client.output(workId));
      await expectCommitted(world, workId, live).catch((error: unknown) => {
        throw new Error(`no answer ${when} call ${n}, ${callName(n)}`, { cause: error });
      });
    }
  },
);
