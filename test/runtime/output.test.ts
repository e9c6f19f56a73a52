/** What a step writes while it runs, and what its readers get of it. */
import { expect, test } from "vitest";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import { CtxRevokedError, InvalidArgumentError, UnknownWorkItemError } from "../../src/domain/errors.ts";
import { outputKey } from "../../src/domain/keys.ts";
import { createClient } from "../../src/runtime/client.ts";
import { pause } from "../../src/runtime/deps.ts";
import { committedText, type Reading, reading, told } from "../support/output.ts";
import { createWorld, type World } from "../support/world.ts";
import { type AnyCtx, engineOf, enqueue } from "./builders.ts";
import { freezer, outage } from "./faults.ts";

/** Everything, as a reader that begins now gets it. */
async function readAll(world: World, workId: string, after: string | null = null): Promise<Reading> {
  const all = reading(world.client.output(workId, { after }));
  await world.pass(1_000);
  await all.done;
  return all;
}
async function chunks(world: World, workId: string): Promise<string[]> {
  const records = await world.records(workId);
  return records.filter(({ sort }) => sort.startsWith("output/")).map(({ sort }) => sort);
}
/** A step that says `words` and fails, as often as it is told, before it says them to the end. */
function failing(times: number, words = "one "): (state: unknown, ctx: AnyCtx) => Promise<ReturnType<AnyCtx["complete"]>> {
  return async (_, ctx) => {
    ctx.write(`${words}${ctx.attempt}`);
    if (ctx.attempt <= times) throw new Error("not yet");
    return ctx.complete(null);
  };
}
const quick = { unknown: { attempts: 3, minMs: 10, maxMs: 20 } };

test("text is read in the order of its writing, and the end says how it ended", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  const live = reading(world.client.output(workId));
  world.work([
    engineOf(async (state, ctx) => {
      ctx.write(`step ${state}: `);
      await pause(world.clock, 300);
      ctx.write("said");
      ctx.write(" more.\n");
      return state === 0 ? ctx.next(1) : ctx.complete(null);
    }),
  ]);
  await world.end(workId);
  await world.pass(500);
  await live.done;
  expect(live.events.map(told)).toEqual([
    "chunk 0.1 step 0: ",
    "chunk 0.1 said more.\n",
    "chunk 1.1 step 1: ",
    "chunk 1.1 said more.\n",
    "end 2.1 completed",
  ]);
  expect((await readAll(world, workId)).events).toEqual(live.events);
});

test("the first chunk is on record at once, the next ones are gathered", async () => {
  const world = createWorld();
  const given = Promise.withResolvers<AnyCtx>();
  const over = Promise.withResolvers<void>();
  world.work([
    engineOf(async (_, ctx) => {
      given.resolve(ctx);
      await over.promise;
      return ctx.complete(null);
    }),
  ]);
  const workId = await enqueue(world);
  await world.settle();
  const ctx = await given.promise;
  const counted = async (): Promise<number> => {
    await world.settle();
    return (await chunks(world, workId)).length;
  };
  ctx.write("a");
  ctx.write("b");
  expect(await counted()).toBe(1);
  for (let i = 0; i < 50; i++) ctx.write("c");
  expect(await counted()).toBe(1);
  await world.pass(100);
  expect(await counted()).toBe(2);
  ctx.write("d".repeat(9_000));
  expect(await counted()).toBe(3);
  ctx.write("e");
  over.resolve();
  await world.end(workId);
  expect(await counted()).toBe(4);
  expect(world.clock.nextTimerInMs()).toBeGreaterThan(100);
});

test("a long text is cut into records of which none splits a character", async () => {
  const world = createWorld();
  const text = `${"x".repeat(65_535)}😀${"é日😀".repeat(30_000)}`;
  world.work([
    engineOf(async (_, ctx) => {
      ctx.write(text);
      // Half a pair now, the other half a record later.
      ctx.write("<\ud83d");
      await pause(world.clock, 500);
      ctx.write("\ude00>");
      return ctx.complete(null);
    }),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  const { events } = await readAll(world, workId);
  expect(committedText(events)).toBe(`${text}<😀>`);
  for (const event of events) {
    expect(event.text.length).toBeLessThanOrEqual(65_536);
    expect(event.text.isWellFormed()).toBe(true);
  }
  expect(events.length).toBeGreaterThan(3);
});

test("what is no text is refused, and so is what comes after the step has ended", async () => {
  const world = createWorld();
  const thrown: unknown[] = [];
  let late: Promise<void> = Promise.resolve();
  world.work([
    engineOf(async (_, ctx) => {
      const wrong: unknown = 7;
      try {
        ctx.write(wrong as string);
      } catch (error) {
        thrown.push(error);
      }
      ctx.write("");
      late = pause(world.clock, 1_000).then(() => ctx.write("late"));
      late.catch((error: unknown) => thrown.push(error));
      return ctx.complete(null);
    }),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  await world.pass(2_000);
  expect(thrown).toEqual([expect.any(InvalidArgumentError), expect.any(CtxRevokedError)]);
  expect(await chunks(world, workId)).toEqual([]);
});

test("nothing more is written for a step that ran on after its attempt had ended", async () => {
  const world = createWorld();
  world.work([
    engineOf(
      async (_, ctx) => {
        if (ctx.attempt > 1) return ctx.complete(null);
        await pause(world.clock, 5_960);
        ctx.write("in time");
        await pause(world.clock, 20);
        ctx.write("gathered, but too late");
        await pause(world.clock, 60_000);
        return ctx.complete(null);
      },
      { limits: { stepMs: 1_000 }, retry: { transient: { attempts: 2, minMs: 1, maxMs: 1 } } },
    ),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  await world.pass(1_000);
  expect(await chunks(world, workId)).toEqual([outputKey(0, 1, 1, 0), outputKey(0, 2, 2, 0)]);
  expect((await readAll(world, workId)).events.map(told)).toEqual(["chunk 0.1 in time", "replaced 0.2", "end 1.2 completed"]);
});

test("text of a failed attempt is replaced by that of the next", async () => {
  const world = createWorld();
  world.work([engineOf(failing(2), { retry: quick })]);
  const workId = await enqueue(world);
  await world.end(workId);
  const { events } = await readAll(world, workId);
  expect(events.map(told)).toEqual([
    "chunk 0.1 one 1",
    "replaced 0.2",
    "chunk 0.2 one 2",
    "replaced 0.3",
    "chunk 0.3 one 3",
    "end 1.3 completed",
  ]);
});

test("an attempt that writes nothing replaces what an earlier one wrote", async () => {
  const world = createWorld();
  world.work([
    engineOf(
      async (state, ctx) => {
        if (state === 1) return ctx.complete(null);
        if (ctx.attempt > 1) return ctx.next(1);
        ctx.write("gone");
        throw new Error("not yet");
      },
      { retry: quick },
    ),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect((await readAll(world, workId)).events.map(told)).toEqual(["chunk 0.1 gone", "replaced 0.2", "end 2.2 completed"]);
});

test.each([
  ["dead_lettered", "throws"],
  ["failed", "says so"],
] as const)("text of a step that never commits is dropped at the end (%s: it %s)", async (status, how) => {
  const world = createWorld();
  world.work([
    engineOf(
      async (state, ctx) => {
        ctx.write(`${state} `);
        if (state === 0) return ctx.next(1);
        if (how === "says so") return ctx.fail(new Error("no"));
        throw new Error("no");
      },
      { retry: { unknown: { attempts: 1 } } },
    ),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  const all = await readAll(world, workId);
  expect(all.events.map(told)).toEqual(["chunk 0.1 0 ", "chunk 1.1 1 ", "replaced 1.1", `end 1.1 ${status}`]);
  expect(all.text()).toBe("0 ");
});

test.each([true, false])("the first step of recover replaces what the failed step wrote (writing itself: %s)", async (writes) => {
  const world = createWorld();
  world.work([
    engineOf(failing(9), {
      retry: quick,
      recover: async (_state, _cause, ctx) => {
        if (writes) ctx.write("mended");
        return ctx.complete(null);
      },
    }),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  const all = await readAll(world, workId);
  expect(all.text()).toBe(writes ? "mended" : "");
  expect(all.events.slice(-3).map(told)).toEqual(
    writes ? ["replaced 0.1", "chunk 0.1 mended", "end 1.1 completed"] : ["chunk 0.3 one 3", "replaced 0.1", "end 1.1 completed"],
  );
});

test("text of an attempt that was given back is replaced", async () => {
  const world = createWorld();
  const engine = engineOf(async (_, ctx) => {
    ctx.write(`in ${ctx.attempt}`);
    if ((await world.client.status(ctx.workId)).holder?.process.includes("first") === true) {
      await pause(world.clock, 60_000, ctx.abortSignal);
      throw new Error("stopped");
    }
    return ctx.complete(null);
  });
  const first = world.work([engine], { name: "first", graceMs: 0 });
  const workId = await enqueue(world);
  await world.pass(500);
  await first.stop();
  world.work([engine], { name: "second" });
  await world.end(workId);
  expect((await readAll(world, workId)).events.map(told)).toEqual([
    "chunk 0.1 in 1",
    "replaced 0.1",
    "chunk 0.1 in 1",
    "end 1.1 completed",
  ]);
});

test("a worker that was taken over and writes on is not read", async () => {
  const world = createWorld();
  const frozen = freezer();
  // The process stops as it writes its second chunk, and goes on when the item has ended.
  const intercept: Intercept = (call, run) => {
    if (call.method === "write" && JSON.stringify(call.args[0]).includes(outputKey(0, 1, 1, 1))) frozen.freeze();
    return frozen.intercept(call, run);
  };
  const slow = engineOf(async (_, ctx) => {
    ctx.write("lost");
    await pause(world.clock, 500);
    ctx.write("late");
    await pause(world.clock, 60_000);
    return ctx.complete(null);
  });
  const first = world.work([slow], { name: "first", intercept });
  const workId = await enqueue(world);
  const live = reading(world.client.output(workId));
  await world.pass(1_000);
  first.die();
  world.work([engineOf(async (_, ctx) => ctx.complete(null))], { name: "second" });
  await world.end(workId);
  await world.pass(500);
  await live.done;
  frozen.thaw();
  await world.settle();
  expect(await chunks(world, workId)).toContain(outputKey(0, 1, 1, 1));
  expect(live.events.map(told)).toEqual(["chunk 0.1 lost", "replaced 0.2", "end 1.2 completed"]);
  expect((await readAll(world, workId)).text()).toBe("");
});

test("what a late worker writes first of all is not read either", async () => {
  const world = createWorld();
  const frozen = freezer();
  const intercept: Intercept = (call, run) => {
    if (call.method === "write" && JSON.stringify(call.args[0]).includes("output/")) frozen.freeze();
    return frozen.intercept(call, run);
  };
  const first = world.work([engineOf(failing(0))], { name: "first", intercept });
  const workId = await enqueue(world);
  await world.pass(1_000);
  first.die();
  world.work([engineOf(async (_, ctx) => ctx.complete(null))], { name: "second" });
  await world.end(workId);
  frozen.thaw();
  await world.settle();
  expect(await chunks(world, workId)).toHaveLength(2);
  expect((await readAll(world, workId)).text()).toBe("");
});

test("a reader goes on from any cursor, elsewhere and later", async () => {
  const world = createWorld();
  world.work([
    engineOf(
      async (state, ctx) => {
        const words = ["a", "b", "c"].map((word) => `${word}${ctx.step}.${ctx.attempt} `);
        for (const word of words) {
          ctx.write(word);
          await pause(world.clock, 200);
        }
        if (ctx.attempt === 1) throw new Error("not yet");
        return state === 1 ? ctx.fail(new Error("no")) : ctx.next(1);
      },
      { retry: quick },
    ),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  const { events } = await readAll(world, workId);
  expect(events.filter(({ kind }) => kind === "replaced")).toHaveLength(3);
  for (const [i, { cursor }] of events.entries()) {
    const rest = await readAll(world, workId, cursor);
    expect(rest.events, cursor).toEqual(i === events.length - 1 ? events.slice(-1) : events.slice(i + 1));
  }
});

test("a reader whose attempt was replaced meanwhile is told", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  const stop = new AbortController();
  const before = reading(world.client.output(workId, { abortSignal: stop.signal }));
  world.work([
    engineOf(
      async (_, ctx) => {
        ctx.write(`${ctx.attempt}`);
        await pause(world.clock, 1_000);
        if (ctx.attempt === 1) throw new Error("not yet");
        return ctx.complete(null);
      },
      { retry: quick },
    ),
  ]);
  await world.pass(500);
  stop.abort();
  await before.done;
  expect(before.events.map(told)).toEqual(["chunk 0.1 1"]);
  await world.end(workId);
  const rest = await readAll(world, workId, before.events[0]?.cursor ?? null);
  expect(rest.events.map(told)).toEqual(["replaced 0.2", "chunk 0.2 2", "end 1.2 completed"]);
});

test("an item that was redriven goes on for a new reader, from the cursor of its end too", async () => {
  const world = createWorld();
  let broken = true;
  world.work([
    engineOf(
      async (_, ctx) => {
        ctx.write(broken ? "bad" : "good");
        if (broken) throw new Error("broken");
        return ctx.complete(null);
      },
      { retry: { unknown: { attempts: 1 } } },
    ),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  const first = await readAll(world, workId);
  expect(first.events.map(told)).toEqual(["chunk 0.1 bad", "replaced 0.1", "end 0.1 dead_lettered"]);
  broken = false;
  await world.client.redrive(workId);
  await world.end(workId);
  const rest = await readAll(world, workId, first.events.at(-1)?.cursor);
  expect(rest.events.map(told)).toEqual(["chunk 0.1 good", "end 1.1 completed"]);
  expect((await readAll(world, workId)).text()).toBe("good");
});

test("a reader that is at the end while it is redriven does not take it for the end", async () => {
  const world = createWorld();
  let broken = true;
  world.work([
    engineOf(
      async (_, ctx) => {
        ctx.write(broken ? "bad" : "good");
        if (broken) throw new Error("broken");
        return ctx.complete(null);
      },
      { retry: { unknown: { attempts: 1 } } },
    ),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  const iterator = world.client.output(workId)[Symbol.asyncIterator]();
  const next = async () => (await iterator.next()).value;
  const first = await next();
  broken = false;
  await world.client.redrive(workId);
  await world.end(workId);
  const rest = [await next(), await next(), await next()];
  expect([first, ...rest].map(told)).toEqual(["chunk 0.1 bad", "replaced 0.1", "chunk 0.1 good", "end 1.1 completed"]);
});

test("a chunk that cannot be written fails the attempt, and the next one replaces it", async () => {
  const world = createWorld({ patienceMs: 0 });
  const fault = outage((call) => call.method === "write" && JSON.stringify(call.args[0]).includes("output/"));
  world.work(
    [
      engineOf(async (_, ctx) => {
        ctx.write("begun ");
        await pause(world.clock, 200);
        fault.on = ctx.attempt === 1;
        ctx.write("and ended");
        await pause(world.clock, 200);
        fault.on = false;
        return ctx.complete(null);
      }),
    ],
    { intercept: fault.intercept },
  );
  const workId = await enqueue(world);
  await world.end(workId);
  expect(fault.failed).toBe(1);
  const all = await readAll(world, workId);
  expect(all.text()).toBe("begun and ended");
  expect(all.events.map(told)[1]).toBe("replaced 0.2");
});

test("with patience nothing is lost or told twice", async () => {
  const world = createWorld({ patienceMs: 5_000 });
  const fault = outage((call) => call.method === "write" && JSON.stringify(call.args[0]).includes("output/"));
  world.work([engineOf(failing(0))], { intercept: fault.intercept });
  fault.on = true;
  const workId = await enqueue(world);
  await world.pass(1_000);
  fault.on = false;
  await world.end(workId);
  expect(fault.failed).toBeGreaterThan(0);
  expect((await readAll(world, workId)).events.map(told)).toEqual(["chunk 0.1 one 1", "end 1.1 completed"]);
});

test("a stream ends at once and without an error when its reader has enough", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  const stop = new AbortController();
  const one = reading(world.client.output(workId, { abortSignal: stop.signal }));
  const other = world.client.output(workId)[Symbol.asyncIterator]();
  const waiting = other.next();
  await world.settle();
  stop.abort();
  await one.done;
  await other.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(world.clock.nextTimerInMs()).toBeNull();
  const late = reading(world.client.output(workId, { abortSignal: stop.signal }));
  await late.done;
  expect([...one.events, ...late.events]).toEqual([]);
});

test("what names nothing is refused: an unknown item, a cursor of no stream", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  await expect(reading(world.client.output("nobody")).done).rejects.toThrow(UnknownWorkItemError);
  for (const after of ["", "12", "1-0-0-0-0-x", `${"9".repeat(400)}`])
    expect(() => world.client.output(workId, { after })).toThrow(InvalidArgumentError);
});

test("a long stream is read in pages", async () => {
  const world = createWorld();
  world.work([
    engineOf(async (state, ctx) => {
      for (let i = 0; i < 30; i++) {
        ctx.write(`${state}.${i} `);
        await pause(world.clock, 70);
      }
      return Number(state) < 8 ? ctx.next(Number(state) + 1) : ctx.complete(null);
    }),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  const limits: unknown[] = [];
  const deps = world.process("reader", {
    intercept: (call, run) => {
      if (call.method === "read") limits.push(call.args[2]);
      return run();
    },
  });
  const all = reading(createClient(deps).output(workId));
  await world.pass(100);
  await all.done;
  const words = Array.from({ length: 9 }, (_, state) => Array.from({ length: 30 }, (_, i) => `${state}.${i} `)).flat();
  expect(all.events).toHaveLength(words.length + 1);
  expect(all.text()).toBe(words.join(""));
  expect(limits.filter((limit) => limit === 100).length).toBeGreaterThan(2);
});

test("a read that misses what was written during it loses nothing", async () => {
  const world = createWorld();
  world.work([engineOf(failing(1), { retry: quick })]);
  const workId = await enqueue(world);
  await world.end(workId);
  // A store may go through a range while others write to it: the first read sees the second attempt, and not the first.
  let reads = 0;
  const deps = world.process("reader", {
    intercept: async (call, run) => {
      const found = await run();
      if (call.method !== "read" || !JSON.stringify(call.args[1]).includes("output") || !Array.isArray(found) || ++reads > 1)
        return found;
      found.shift();
      return found;
    },
  });
  const all = reading(createClient(deps).output(workId));
  await world.pass(100);
  await all.done;
  expect(all.events.map(told)).toEqual(["chunk 0.1 one 1", "replaced 0.2", "chunk 0.2 one 2", "end 1.2 completed"]);
});
