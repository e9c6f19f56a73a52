/** Callback tokens: made in a step, and used from outside by whoever was given one. */
import { expect, test } from "vitest";
import { z } from "zod";
import { defineContract } from "../../src/domain/contract.ts";
import { defineEngine } from "../../src/domain/engine.ts";
import { InvalidArgumentError, RefusedError, SchemaError, UnknownCallbackError } from "../../src/domain/errors.ts";
import { createWorld, type World } from "../support/world.ts";

const Approval = defineContract({
  id: "approval",
  payload: z.object({ expiresMs: z.number(), failures: z.number() }),
  result: z.json(),
  signals: { approved: z.object({ by: z.string() }), refused: z.object({ why: z.string() }) },
});
const Other = defineContract({ id: "other", payload: z.json(), result: z.json(), signals: { approved: z.json() } });
const tokens: string[][] = [];
const approval = defineEngine(Approval, {
  version: 1,
  state: z.object({ asked: z.boolean() }),
  init: { asked: false },
  retry: { unknown: { attempts: 3, minMs: 1, maxMs: 1 } },
  async step(state, ctx) {
    if (!state.asked) {
      const { expiresMs, failures } = ctx.payload;
      const ask = (name: string) => ctx.callbackToken(name, { expiresMs });
      tokens.push([await ask("approved"), await ask("refused"), await ask("approved")]);
      if (ctx.attempt <= failures) throw new Error("not yet");
      return ctx.waitFor({ asked: true }, { signals: ["approved", "refused"] });
    }
    return ctx.complete(ctx.wake.kind === "signal" ? [ctx.wake.signal.name, ctx.wake.signal.payload] : ctx.wake.kind);
  },
});

const HOUR_MS = 3_600_000;

interface Asked {
  readonly workId: string;
  readonly approved: string;
  readonly refused: string;
}
async function asked(world: World, payload: { expiresMs?: number; failures?: number } = {}): Promise<Asked> {
  tokens.length = 0;
  const { workId } = await world.client.enqueue(Approval, { expiresMs: HOUR_MS, failures: 0, ...payload });
  await world.reach(workId, "waiting");
  const [approved = "", refused = ""] = tokens.at(-1) ?? [];
  return { workId, approved, refused };
}
function startWorld(): World {
  const world = createWorld();
  world.work([approval]);
  return world;
}

test("a token becomes the signal that it was made for", async () => {
  const world = startWorld();
  const { workId, approved } = await asked(world);
  expect(await world.client.callback(Approval, approved, { by: "Ada" })).toEqual({ accepted: true, status: "waiting" });
  await world.end(workId);
  expect(await world.client.resultJson(workId)).toEqual(["approved", { by: "Ada" }]);
});

test("a token is the same on every attempt of its step, and in it, and its own for each signal, step and item", async () => {
  const world = startWorld();
  const { approved, refused } = await asked(world, { failures: 2 });
  expect(tokens).toEqual(Array.from({ length: 3 }, () => [approved, refused, approved]));
  expect(approved).not.toBe(refused);
  const secrets = [approved, refused, (await asked(world)).approved].map((token) => token.split("-").at(-1));
  expect(new Set(secrets).size).toBe(3);
  // 160 random bits, in letters that need no quoting in a URL.
  for (const secret of secrets) expect(secret).toMatch(/^[0-9a-f]{40}$/);
  expect(encodeURIComponent(approved)).toBe(approved);
});

test("a step that is tried again after its token has expired gets one that can be used", async () => {
  const world = createWorld();
  let broken = true;
  const engine = defineEngine(Approval, {
    version: 1,
    state: z.number(),
    init: 0,
    retry: { unknown: { attempts: 1 } },
    async step(_, ctx) {
      tokens.push([await ctx.callbackToken("approved", { expiresMs: 1_000 })]);
      if (broken) throw new Error("broken");
      return ctx.waitFor(0, { signals: ["approved"] });
    },
  });
  tokens.length = 0;
  world.work([engine]);
  const { workId } = await world.client.enqueue(Approval, { expiresMs: 0, failures: 0 });
  await world.end(workId);
  await world.pass(5_000);
  broken = false;
  await world.client.redrive(workId);
  await world.reach(workId, "waiting");
  const [[old = ""] = [], [fresh = ""] = []] = tokens;
  expect(fresh).not.toBe(old);
  await expect(world.client.callback(Approval, old, { by: "Ada" })).rejects.toThrow(UnknownCallbackError);
  expect(await world.client.callback(Approval, fresh, { by: "Ada" })).toMatchObject({ accepted: true });
});

test("a repeat gets the answer of the first time, before and after the item's end", async () => {
  const world = startWorld();
  const { workId, approved } = await asked(world);
  for (let i = 0; i < 2; i++)
    expect(await world.client.callback(Approval, approved, { by: "Ada" })).toMatchObject({ accepted: true });
  await world.end(workId);
  await world.pass(2 * HOUR_MS);
  expect(await world.client.callback(Approval, approved, { by: "Ada" })).toEqual({ accepted: true, status: "completed" });
  expect((await world.events(workId)).filter(({ kind }) => kind === "woken")).toHaveLength(1);
});

test("a token that is used is refused for another payload, before and after the item's end", async () => {
  const world = startWorld();
  const { workId, approved } = await asked(world);
  await world.client.callback(Approval, approved, { by: "Ada" });
  const again = () => world.client.callback(Approval, approved, { by: "Eve" });
  await expect(again()).rejects.toThrow(RefusedError);
  await world.end(workId);
  await expect(again()).rejects.toThrow(
    `cannot call back work item ${workId}: expected a token that is not used yet, got one that is used with another payload`,
  );
  expect(await world.client.resultJson(workId)).toEqual(["approved", { by: "Ada" }]);
});

test("a token that nobody used before the item's end is not accepted any more", async () => {
  const world = startWorld();
  const { workId, approved, refused } = await asked(world);
  await world.client.callback(Approval, approved, { by: "Ada" });
  await world.end(workId);
  expect(await world.client.callback(Approval, refused, { why: "late" })).toEqual({ accepted: false, status: "completed" });
});

test("a token that has expired is refused, and nothing is lost", async () => {
  const world = startWorld();
  const { workId, approved } = await asked(world, { expiresMs: 1_000 });
  await world.pass(999);
  await expect(world.client.callback(Approval, approved, { by: "Ada" })).resolves.toMatchObject({ accepted: true });
  const other = await asked(world, { expiresMs: 1_000 });
  await world.pass(1_000);
  await expect(world.client.callback(Approval, other.approved, { by: "Ada" })).rejects.toThrow(
    `cannot call back work item ${other.workId}: expected a token that has not expired, got one that is expired`,
  );
  expect((await world.client.status(other.workId)).status).toBe("waiting");
  expect((await world.client.status(workId)).status).toBe("completed");
});

test("a payload that does not fit is refused, and the token can be used still", async () => {
  const world = startWorld();
  const { approved } = await asked(world);
  const wrong: unknown = { by: 7 };
  await expect(world.client.callback(Approval, approved, wrong as never)).rejects.toThrow(SchemaError);
  expect(await world.client.callback(Approval, approved, { by: "Ada" })).toMatchObject({ accepted: true });
});

test("the contract of another engine is refused", async () => {
  const world = startWorld();
  const { workId, approved } = await asked(world);
  await expect(world.client.callback(Other, approved, 1)).rejects.toThrow(
    `cannot call back work item ${workId}: expected an item of engine other, got one that is of another engine`,
  );
});

test("what is no token is refused without telling what it was; unknown ones are told in the same words", async () => {
  const world = startWorld();
  const { workId, approved } = await asked(world);
  for (const text of ["", "token", approved.slice(0, -1), `${approved}0`, approved.toUpperCase(), ` ${approved}`]) {
    const error: unknown = await world.client.callback(Approval, text, { by: "Ada" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(String(error)).not.toContain(approved.slice(-20, -1));
  }
  const secret = approved.slice(-40);
  const wrong = `${secret.startsWith("0") ? "1" : "0"}${secret.slice(1)}`;
  const unknown = [
    `rk1-${workId}-0-${wrong}`,
    `rk1-${workId}-1-${secret}`,
    `rk1-${"0".repeat(20)}-0-${secret}`,
    `rk1-${"0".repeat(20)}-0-${wrong}`,
  ];
  const words = await Promise.all(
    unknown.map((token) => world.client.callback(Approval, token, { by: 7 } as never).catch((error: unknown) => error)),
  );
  for (const error of words) expect(error).toBeInstanceOf(UnknownCallbackError);
  expect(new Set(words.map(String)).size).toBe(1);
});

test("a signal that the contract has not, and a time that is none, are refused", async () => {
  const world = createWorld();
  const thrown: unknown[] = [];
  const engine = defineEngine(Approval, {
    version: 1,
    state: z.number(),
    init: 0,
    async step(_, ctx) {
      const tries: [string, number][] = [
        ["unheard of", 1],
        ["approved", 0],
        ["approved", -1],
        ["approved", Number.NaN],
        ["approved", Number.POSITIVE_INFINITY],
      ];
      for (const [name, expiresMs] of tries)
        thrown.push(await ctx.callbackToken(name, { expiresMs }).catch((error: unknown) => error));
      return ctx.complete(null);
    },
  });
  world.work([engine]);
  const { workId } = await world.client.enqueue(Approval, { expiresMs: 0, failures: 0 });
  await world.end(workId);
  expect(thrown).toEqual(Array.from({ length: 5 }, () => expect.any(InvalidArgumentError)));
  expect(String(thrown[0])).toContain("expected one of: approved, refused");
});
