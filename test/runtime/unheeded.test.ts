/** What a step began and does not wait for is refused when its attempt is over, and ends nothing else. */
import { expect, test } from "vitest";
import { pause } from "../../src/runtime/deps.ts";
import { createWorld } from "../support/world.ts";
import { type AnyCtx, engineOf, enqueue } from "./builders.ts";

async function* slowly(wait: () => Promise<void>): AsyncGenerator<Uint8Array> {
  await wait();
  yield new Uint8Array(1);
}
const begun: [string, (ctx: AnyCtx, wait: () => Promise<void>) => unknown][] = [
  ["a memo", (ctx, wait) => ctx.once("k", () => wait().then(() => 1))],
  ["an artifact", (ctx, wait) => ctx.artifacts.put("a", slowly(wait))],
  ["a token of no signal", (ctx) => ctx.callbackToken("nobody", { expiresMs: 1 })],
];

// That nothing is left to the process is what the test runner looks for.
test.each(begun)("%s", async (_name, begin) => {
  const world = createWorld();
  const workId = await enqueue(world);
  const engine = engineOf(async (_state, ctx) => {
    begin(ctx, () => pause(world.clock, 50));
    return ctx.complete("done");
  });
  world.work([engine]);
  await world.end(workId);
  await world.pass(1_000);
  expect(await world.client.artifacts(workId)).toEqual([]);
  expect((await world.records(workId)).some(({ sort }) => sort.startsWith("once/"))).toBe(false);
});
