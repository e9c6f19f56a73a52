/** A batch within one invocation: what is finished, what comes back, and that nobody pays for a bad neighbour. */
import { expect, test } from "vitest";
import type { Message } from "../../src/ports/work-queue.ts";
import { type BatchEnd, workBatch } from "../../src/runtime/batch.ts";
import type { Deps } from "../../src/runtime/deps.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import { createWorld, type World } from "../support/world.ts";
import { counter, engineOf, enqueue, type Step } from "./builders.ts";
import { never, watched } from "./faults.ts";

const INVOCATION_MS = 60_000;
/** Longer than an invocation, as a queue's must be. */
const QUEUE_VISIBILITY_MS = 70_000;

async function receive(deps: Deps, max = 10): Promise<readonly Message[]> {
  const { signal } = new AbortController();
  return deps.queue.receive({ lanes: null, max, waitMs: 0, visibilityMs: QUEUE_VISIBILITY_MS, abortSignal: signal });
}
interface Invoked extends BatchEnd {
  readonly tookMs: number;
}
/** As Lambda does: what is finished is deleted with the batch, unless the invocation fails. */
async function invoke(
  world: World,
  step: Step,
  { name = "lambda", max = 10, fails = false, ms = INVOCATION_MS } = {},
): Promise<Invoked> {
  const deps = world.process(name);
  const messages = await receive(deps, max);
  const startedAtMs = world.clock.nowMs();
  let end: BatchEnd | null = null;
  void workBatch(deps, createEngines([engineOf(step)]), messages, { endsAtMs: startedAtMs + ms }).then((given) => {
    end = given;
  });
  await world.settle();
  while (end === null) await world.advance(100);
  const { finished } = end as BatchEnd;
  if (!fails) await Promise.all(finished.map((message) => deps.queue.remove(message)));
  return { ...(end as BatchEnd), tookMs: world.clock.nowMs() - startedAtMs };
}
const slowly = (world: World, ms: number) => new Promise<void>((resolve) => void world.clock.after(ms, resolve));
const statuses = async (world: World) => (await world.client.list()).entries.map(({ status }) => status);

test("good ones end, beside one with a programmer's error", async () => {
  const world = createWorld();
  for (let n = 0; n < 10; n++) await enqueue(world, n);
  const end = await invoke(world, async (state, ctx) => {
    if (ctx.payload === 3) throw new TypeError("x is not a function");
    return Number(state) === 4 ? ctx.complete(ctx.payload) : ctx.next(Number(state) + 1);
  });
  expect(end).toMatchObject({ returned: [], abandoned: [] });
  expect((await statuses(world)).toSorted()).toEqual([...Array(9).fill("completed"), "dead_lettered"]);
  expect([...world.broker.entries]).toEqual([]);
});

test("a step that would outlast the invocation is stopped before its end, and that is a failed attempt on record", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  const { tookMs, returned, abandoned } = await invoke(world, async (_state, ctx) => {
    await new Promise((_, reject) => ctx.abortSignal.addEventListener("abort", () => reject(ctx.abortSignal.reason)));
    return ctx.complete(null);
  });
  expect(tookMs).toBeLessThan(INVOCATION_MS - 3_000);
  expect({ returned, abandoned }).toEqual({ returned: [], abandoned: [] });
  expect(await world.client.status(workId)).toMatchObject({
    status: "sleeping",
    retrying: true,
    error: { name: "StepTimeoutError" },
  });
});

test("one that does not heed its signal is abandoned, on record, and its neighbours are finished", async () => {
  const world = createWorld();
  const bad = await enqueue(world, "hangs");
  for (let n = 0; n < 9; n++) await enqueue(world, n);
  const { tookMs, returned, abandoned } = await invoke(world, async (_state, ctx) =>
    ctx.payload === "hangs" ? new Promise(() => undefined) : ctx.complete(null),
  );
  expect(tookMs).toBeLessThan(INVOCATION_MS);
  expect({ returned, abandoned }).toEqual({ returned: [], abandoned: [bad] });
  expect(await world.client.status(bad)).toMatchObject({ status: "sleeping", attempt: 1, error: { name: "StepTimeoutError" } });
  expect((await statuses(world)).filter((status) => status === "completed")).toHaveLength(9);
});

test("no step begins that would have less than half of the invocation's time", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  const { tookMs } = await invoke(world, async (state, ctx) => {
    await slowly(world, 9_000);
    return Number(state) === 9 ? ctx.complete(null) : ctx.next(Number(state) + 1);
  });
  // (60 s − 8 s to finish) / 2 = 26 s: the third step ends at 27 s, and the fourth is for another invocation.
  expect(await world.client.status(workId)).toMatchObject({ status: "queued", version: 3 });
  expect(tookMs).toBeLessThan(29_000);
  expect(world.broker.entries.size).toBe(1);
});
test("nor one that would not fit by the slowest so far", async () => {
  const world = createWorld();
  const workId = await enqueue(world);
  await invoke(world, async (state, ctx) => {
    await slowly(world, 20_000);
    return ctx.next(Number(state) + 1);
  });
  expect(await world.client.status(workId)).toMatchObject({ status: "queued", version: 1 });
});

test("a worker that dies takes its batch with it; then the suspects run alone and last, and only the killer is charged", async () => {
  const world = createWorld();
  const killer = await enqueue(world, "kills");
  for (let n = 0; n < 4; n++) await enqueue(world, n);
  const running = new Set<string>();
  const company: number[] = [];
  let died = 0;
  const step: Step = async (_state, ctx) => {
    running.add(ctx.workId);
    if (ctx.payload === "kills") {
      company.push(running.size);
      died += 1;
      return new Promise(() => undefined);
    }
    await slowly(world, 500);
    running.delete(ctx.workId);
    return ctx.complete(null);
  };
  // Each death is that of the whole sandbox: its batch never ends.
  for (let n = 0; n < 12; n++) {
    let dead = false;
    const deps = world.process(`lambda-${n}`, { intercept: async (_call, run) => (dead ? never() : run()) });
    const messages = await receive(deps);
    running.clear();
    const before = died;
    let ended = false;
    const working = workBatch(deps, createEngines([engineOf(step, { limits: { crashes: 2 } })]), messages, {
      endsAtMs: world.clock.nowMs() + INVOCATION_MS,
    }).then(async ({ finished }) => {
      ended = true;
      await Promise.all(finished.map((message) => deps.queue.remove(message)));
    });
    void working;
    await world.settle();
    for (let waited = 0; !ended && died === before && waited < INVOCATION_MS; waited += 100) await world.advance(100);
    dead = !ended;
    await world.advance(QUEUE_VISIBILITY_MS, 1_000);
  }
  expect((await statuses(world)).toSorted()).toEqual([...Array(4).fill("completed"), "dead_lettered"]);
  expect(await world.client.status(killer)).toMatchObject({ cause: { kind: "crashed" } });
  // In company at first, and alone ever after.
  expect(company.slice(1)).toEqual(Array(company.length - 1).fill(1));
});

test("what came back once has its visibility cut at once; what is new, at the first heartbeat, and is then deleted at once", async () => {
  const world = createWorld();
  await enqueue(world);
  const seen = watched();
  const deps = world.process("lambda", { intercept: seen.intercept });
  const calls = () => seen.calls.filter(({ port }) => port === "queue").map(({ method, args }) => [method, ...args.slice(1)]);
  const [message] = await receive(deps);
  if (message === undefined) throw new Error("no message");
  const go = async (one: Message, ms: number) => {
    seen.calls.length = 0;
    let ended: BatchEnd | null = null;
    const engine = engineOf(async (_state, ctx) => {
      await slowly(world, ms);
      return ctx.next(null, { delayMs: 1 });
    });
    void workBatch(deps, createEngines([engine]), [one], { endsAtMs: world.clock.nowMs() + INVOCATION_MS }).then((end) => {
      ended = end;
    });
    await world.settle();
    while (ended === null) await world.advance(100);
    return calls().map(([method]) => method);
  };
  expect(await go(message, 1_000)).toEqual(["send"]);
  await world.advance(10);
  const [second] = await receive(deps);
  expect(await go(second as Message, 3_000)).toEqual(["hide", "send", "remove"]);
  await world.advance(10);
  const [third] = await receive(deps);
  expect(await go({ ...(third as Message), receiveCount: 2 }, 100)).toEqual(["hide", "send", "remove"]);
});

test("what is still there when half the time is gone goes back unseen", async () => {
  const world = createWorld();
  await enqueue(world);
  const deps = world.process("lambda");
  const messages = await receive(deps);
  const end = await workBatch(deps, createEngines([counter(1)]), messages, { endsAtMs: world.clock.nowMs() + 5_000 });
  expect(end.returned).toEqual(messages);
  expect(await statuses(world)).toEqual(["queued"]);
});
