/** An output stream as server-sent events: what a browser reads of it. */
import { expect, test } from "vitest";
import { SchemaError } from "../../src/domain/errors.ts";
import { toEventStream } from "../../src/index.ts";
import { pause } from "../../src/runtime/deps.ts";
import type { OutputEvent } from "../../src/runtime/output-reader.ts";
import { createWorld } from "../support/world.ts";
import { engineOf, enqueue } from "./builders.ts";

/** As the specification of EventSource reads a stream. */
function parsed(text: string): { id: string | null; event: string; data: unknown }[] {
  const blocks = text.split("\n\n");
  expect(blocks.pop()).toBe("");
  return blocks.map((block) => {
    const fields = new Map(
      block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
    );
    return { id: fields.get("id") ?? null, event: fields.get("event") ?? "", data: JSON.parse(fields.get("data") ?? "null") };
  });
}
const world = createWorld();
world.work([
  engineOf(async (_, ctx) => {
    ctx.write("line one\nline two\r\n\ndata: not a field 😀");
    await pause(world.clock, 200);
    ctx.write("more");
    return ctx.complete(null);
  }),
]);

test("every event has its cursor as id, its kind as event, and the rest as JSON on one line", async () => {
  const workId = await enqueue(world);
  const response = toEventStream(world.client.output(workId));
  const text = response.text();
  await world.end(workId);
  await world.pass(300);
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toEqual({
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  });
  const events = parsed(await text);
  expect(events.map(({ event, data }) => ({ event, data }))).toEqual([
    { event: "chunk", data: { step: 0, attempt: 1, text: "line one\nline two\r\n\ndata: not a field 😀" } },
    { event: "chunk", data: { step: 0, attempt: 1, text: "more" } },
    { event: "end", data: { step: 1, attempt: 1, text: "completed" } },
  ]);
  // A browser that lost its connection sends what it got last.
  const headers = new Headers({ "last-event-id": events[0]?.id ?? "" });
  const rest = toEventStream(world.client.output(workId, { after: headers.get("last-event-id") })).text();
  await world.pass(100);
  expect(parsed(await rest)).toEqual(events.slice(1));
  const fresh = toEventStream(world.client.output(workId, { after: new Headers().get("last-event-id") })).text();
  await world.pass(100);
  expect(parsed(await fresh)).toEqual(events);
});

test("cancelling the response ends the reader, even one that waits", async () => {
  const quiet = createWorld();
  const workId = await enqueue(quiet);
  const response = toEventStream(quiet.client.output(workId));
  await quiet.settle();
  expect(quiet.clock.nextTimerInMs()).not.toBeNull();
  await response.body?.cancel();
  await quiet.settle();
  expect(quiet.clock.nextTimerInMs()).toBeNull();
});

test.each([
  [
    "one of ours says what it is",
    new SchemaError("payload", "$: no"),
    { code: "schema", message: "payload does not match its schema: $: no" },
  ],
  ["another one tells nothing", new Error("password: 123"), { code: "internal", message: "the stream broke off" }],
])("an error ends the stream with an event: %s", async (_, error, data) => {
  async function* broken(): AsyncGenerator<OutputEvent> {
    yield { cursor: "c", step: 0, attempt: 1, kind: "chunk", text: "a" };
    throw error;
  }
  const [chunk, ...rest] = parsed(await toEventStream(broken()).text());
  expect(chunk?.event).toBe("chunk");
  expect(rest).toEqual([{ id: null, event: "error", data }]);
});
