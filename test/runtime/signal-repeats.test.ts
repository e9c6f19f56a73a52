/** The same signal id again. */
import { expect, test } from "vitest";
import { z } from "zod";
import { defineContract } from "../../src/domain/contract.ts";
import { defineEngine, type Outcome } from "../../src/domain/engine.ts";
import { InboxFullError, SignalConflictError } from "../../src/domain/errors.ts";
import type { Json } from "../../src/domain/json.ts";
import { inboxKey } from "../../src/domain/keys.ts";
import { put } from "../../src/runtime/records.ts";
import { encodeSignal } from "../../src/wire/inbox.ts";
import { createWorld } from "../support/world.ts";

const Asking = defineContract({ id: "asking", payload: z.json(), result: z.json(), signals: { answer: z.json() } });
const asking = defineEngine(Asking, {
  version: 1,
  state: z.json(),
  init: null,
  step: async (state, ctx) => (ctx.wake.kind === "go" ? ctx.waitFor(state, { signals: ["answer"] }) : ctx.complete(null)),
});

test("a repeat is answered like the first, and another signal under its id is refused", async () => {
  const world = createWorld();
  world.work([asking]);
  const { workId } = await world.client.enqueue(Asking, null);
  const send = (answer: string) => world.client.signal(Asking, workId, "answer", answer, { id: "once" });
  expect(await send("yes")).toMatchObject({ accepted: true });
  await world.end(workId);
  expect(await send("yes")).toEqual({ accepted: true, status: "completed" });
  await expect(send("no")).rejects.toThrow(SignalConflictError);
});

test("a repeat is answered like the first by an inbox that is full", async () => {
  const world = createWorld();
  const { workId } = await world.client.enqueue(Asking, null);
  const send = (id: string) => world.client.signal(Asking, workId, "answer", 1, { id });
  await send("first");
  for (let n = 1; n < 1_000; n++) {
    const content = encodeSignal({ id: `s${n}`, sentAtMs: n, name: "answer", payload: { kind: "inline", json: "1" } });
    await put(world.deps, { partition: `test/${workId}`, sort: inboxKey(n, `s${n}`), ...content }, "absent");
  }
  await expect(send("second")).rejects.toThrow(InboxFullError);
  expect(await send("first")).toEqual({ accepted: true, status: "queued" });
});

test("a command with the id of a signal is not taken for its repeat", async () => {
  const world = createWorld();
  const step = async (state: Json, ctx: { waitFor(state: Json, what: { signals: "answer"[] }): Outcome }) =>
    ctx.waitFor(state, { signals: ["answer"] });
  world.work([defineEngine(Asking, { version: 1, state: z.json(), init: null, step })]);
  const { workId } = await world.client.enqueue(Asking, null);
  for (const id of ["event-7", "event-8"]) await world.client.signal(Asking, workId, "answer", 1, { id });
  await world.pass(1_000);
  expect(await world.client.status(workId)).toMatchObject({ status: "waiting", version: 3, buffered: 0 });
  await world.client.cancel(workId, "changed my mind", { id: "event-7" });
  expect((await world.end(workId, 1_000)).status).toBe("cancelled");
});
