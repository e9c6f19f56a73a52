/** Logs, memos, artifacts, journals: storage in proportion, and nothing lost or invented. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import type { JournalPolicy } from "../../src/domain/engine.ts";
import { createClient } from "../../src/runtime/client.ts";
import { createWorld, type World } from "../support/world.ts";
import { type AnyCtx, counter, engineOf, enqueue, kinds } from "./builders.ts";
import { freezer, nameOf } from "./faults.ts";

/** What a store would keep: bodies as JSON, and data. */
async function storedBytes(world: World, workId: string): Promise<number> {
  const records = await world.records(workId);
  return records.reduce((sum, { body, data, sort }) => sum + JSON.stringify(body).length + (data?.length ?? 0) + sort.length, 0);
}
/** Text that does not compress. */
function noise(seed: number, chars: number): string {
  let text = "";
  for (let i = 0; text.length < chars; i++) text += createHash("sha256").update(`${seed}/${i}`).digest("base64");
  return text.slice(0, chars);
}
async function read(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(content));
}

test("a conversation of 1,000 turns of 3 KB stores 3 MB, and its last turns are read alone", async () => {
  const world = createWorld();
  world.work([
    engineOf(async (state, ctx) => {
      const append = [{ turn: ctx.step, text: noise(ctx.step, 3_000) }];
      return ctx.step === 999 ? ctx.complete("done", { append }) : ctx.next(Number(state) + 1, { append });
    }),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(await storedBytes(world, workId)).toBeLessThan(3_300_000);
  expect((await world.records(workId)).length).toBeLessThan(500);
  let records = 0;
  const counting: Intercept = async (_call, run) => {
    const answer = await run();
    records += Array.isArray(answer) ? answer.length : 0;
    return answer;
  };
  const last = await createClient(world.process("reader", { intercept: counting })).log(workId, { last: 50 });
  expect(last.map((entry) => Reflect.get(Object(entry), "turn"))).toEqual(Array.from({ length: 50 }, (_, i) => 950 + i));
  expect(records).toBeLessThanOrEqual(40);
  const all = await world.client.log(workId);
  expect(all).toEqual(Array.from({ length: 1_000 }, (_, turn) => ({ turn, text: noise(turn, 3_000) })));
});

test("`readLog` gives a step what was committed, in order, and no more than it asks for", async () => {
  const world = createWorld();
  const seen: unknown[] = [];
  world.work([
    engineOf(async (_state, ctx) => {
      seen.push(await ctx.readLog({ last: 2 }), (await ctx.readLog()).length, await ctx.readLog({ last: 0 }));
      if (ctx.step === 1 && ctx.attempt === 1) throw new Error("what it would have appended is not there");
      return ctx.step === 2 ? ctx.complete(1) : ctx.next(1, { append: [`a${ctx.step}`, `b${ctx.step}`] });
    }),
  ]);
  await world.end(await enqueue(world));
  expect(seen).toEqual([[], 0, [], ["a0", "b0"], 2, [], ["a0", "b0"], 2, [], ["a1", "b1"], 4, []]);
});

test("log entries of any size come back: empty, with line ends, and larger than a segment", async () => {
  const world = createWorld();
  const entries = ["", null, "a\nb\r\n", { "@": "x" }, "@1234", noise(1, 40_000), noise(2, 13_000), 0];
  world.work([engineOf(async (_state, ctx) => ctx.complete(1, { append: entries }))]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(await world.client.log(workId)).toEqual(entries);
  expect(await world.client.log(workId, { last: 3 })).toEqual(entries.slice(-3));
  await expect(world.client.log(workId, { last: -1 })).rejects.toThrow("readLog: last: expected a whole number");
});

test("a memo is run once for all attempts of a step, and comes back as it was stored", async () => {
  const world = createWorld();
  const runs: string[] = [];
  const seen: unknown[] = [];
  world.work([
    engineOf(async (_state, ctx) => {
      for (const key of ["a", "b", "a"]) {
        seen.push(
          await ctx.once(key, async () => {
            runs.push(`${ctx.step}${key}`);
            return { n: runs.length, gone: undefined, big: key === "b" ? noise(3, 10_000) : "" };
          }),
        );
      }
      if (ctx.attempt < 3) throw new Error("again");
      return ctx.step === 1 ? ctx.complete(1) : ctx.next(1);
    }),
  ]);
  await world.end(await enqueue(world));
  expect(runs).toEqual(["0a", "0b", "1a", "1b"]);
  const [a, b] = [
    { n: 1, big: "" },
    { n: 2, big: noise(3, 10_000) },
  ];
  for (let attempt = 0; attempt < 3; attempt++) expect(seen.slice(attempt * 3, attempt * 3 + 3)).toEqual([a, b, a]);
});

test("a memo whose run throws is not stored, and one that is no JSON is refused by its path", async () => {
  const world = createWorld();
  const thrown: string[] = [];
  world.work([
    engineOf(async (_state, ctx) => {
      await ctx.once("fails", () => Promise.reject(new Error("no"))).catch((error: Error) => thrown.push(error.message));
      await ctx.once("dates", async () => ({ at: new Date(0) })).catch((error: Error) => thrown.push(error.message));
      return ctx.complete(await ctx.once("fails", async () => "second time"));
    }),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toBe("second time");
  expect(thrown).toEqual(["no", 'expected plain JSON at ctx.once("dates").at, got an instance of Date']);
});

test("the loser of a race for a memo takes the stored result", async () => {
  const world = createWorld();
  const ice = freezer();
  const results: unknown[] = [];
  const engine = (name: string) =>
    engineOf(async (_state, ctx) => {
      results.push(await ctx.once("who", async () => name));
      return ctx.complete(results.at(-1) as string);
    });
  const intercept: Intercept = (call, run) => (nameOf(call).startsWith("records.write once") ? ice.intercept(call, run) : run());
  ice.freeze();
  world.work([engine("slow")], { name: "slow", concurrency: 1, intercept });
  const workId = await enqueue(world);
  await world.settle();
  world.machine.end("slow");
  world.work([engine("quick")]);
  await world.end(workId);
  ice.thaw();
  await world.settle();
  expect(results).toEqual(["quick", "quick"]);
});

test("artifacts of every kind are listed with their step's commit and come back as they were", async () => {
  const world = createWorld();
  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
  }
  const put = async (ctx: AnyCtx): Promise<void> => {
    await ctx.artifacts.put("text", "héllo");
    await ctx.artifacts.put("bytes", bytes, { mediaType: "image/png", metadata: { by: "me" } });
    await ctx.artifacts.put("stream", stream());
    await ctx.artifacts.putJson("json", { b: [1] });
    await ctx.artifacts.put("empty", new Uint8Array());
    for (let i = 0; i < 20; i++) await ctx.artifacts.put("text", `version ${i}`);
  };
  const inside: unknown[] = [];
  world.work([
    engineOf(async (_state, ctx) => {
      if (ctx.step === 1) {
        inside.push((await read(ctx.artifacts.read("text"))).toString(), [
          ...(await read(ctx.artifacts.read("stream", { from: 250, to: 253 }))),
        ]);
        return ctx.complete(1);
      }
      await put(ctx);
      if (ctx.attempt === 1) throw new Error("put again");
      return ctx.next(1);
    }),
  ]);
  const workId = await enqueue(world);
  await world.pass(10);
  expect(await world.client.artifacts(workId)).toEqual([]);
  await world.end(workId);
  const all = await world.client.artifacts(workId);
  expect(all).toHaveLength(25);
  expect((await world.client.status(workId)).artifacts).toBe(25);
  expect(all.slice(0, 4).map((ref) => [ref.name, ref.bytes, ref.mediaType])).toEqual([
    ["text", 6, "text/plain"],
    ["bytes", 300_000, "image/png"],
    ["stream", 300_000, "application/octet-stream"],
    ["json", 23, "application/json"],
  ]);
  expect(all[1]).toMatchObject({ digest: createHash("sha256").update(bytes).digest("hex"), metadata: { by: "me" } });
  expect((await read((await world.client.artifact(workId, "text")).content)).toString()).toBe("version 19");
  expect(Buffer.compare(await read((await world.client.artifact(workId, "stream")).content), Buffer.from(bytes))).toBe(0);
  expect(inside).toEqual(["version 19", [250, 0, 1]]);
});

const states = async (world: World, workId: string) =>
  (await Array.fromAsync(world.client.history(workId))).map(({ version, state }) =>
    state === undefined ? `${version}` : `${version}=${state}`,
  );
test.each<[JournalPolicy, string[], string[]]>([
  ["steps", ["step", "step", "failed", "step", "step", "step", "step", "ended"], ["1", "2", "3", "4", "5", "6=5"]],
  ["full", ["step", "step", "failed", "step", "step", "step", "step", "ended"], ["1=1", "2=2", "3=3", "4=4", "5=5", "6=5"]],
  [{ interval: 2 }, ["step", "step", "failed", "step", "step", "step", "step", "ended"], ["1", "2=2", "3", "4=4", "5", "6=5"]],
  ["compact", ["failed", "step", "ended"], ["3"]],
])("the journal policy %j keeps what it says", async (journal, events, history) => {
  const world = createWorld();
  world.work([
    engineOf(
      async (state, ctx) => {
        if (ctx.step === 2 && ctx.attempt === 1) throw new Error("once");
        return ctx.step === 5 ? ctx.complete(1) : ctx.next(Number(state) + 1);
      },
      { journal },
    ),
  ]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(await kinds(world, workId)).toEqual(events);
  expect(await states(world, workId)).toEqual(history);
});

test("events and history of many steps, sealed in segments, come back in order", async () => {
  const world = createWorld();
  world.work([counter(3_000, { journal: "full" })]);
  const workId = await enqueue(world);
  await world.end(workId);
  const history = await Array.fromAsync(world.client.history(workId));
  expect(history.map((entry) => entry.state).slice(0, -1)).toEqual(Array.from({ length: 2_999 }, (_, i) => i + 1));
  const segments = (await world.records(workId)).filter((record) => record.sort.startsWith("segment/"));
  expect(segments.length).toBeGreaterThan(2);
  expect(segments.length).toBeLessThan(60);
});

test("a state of 50 MB goes to a blob and comes back whole", async () => {
  const world = createWorld();
  const text = noise(7, 1_000).repeat(50_000);
  world.work([engineOf(async (state, ctx) => (ctx.step === 0 ? ctx.next(text) : ctx.complete(state === text)))]);
  const workId = await enqueue(world);
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toBe(true);
  expect(await world.client.state(workId)).toBe(text);
  expect(await storedBytes(world, workId)).toBeLessThan(5_000);
});
