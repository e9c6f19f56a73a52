import { APICallError, type ModelMessage, RetryError } from "ai";
import { expect, test } from "vitest";
import { z } from "zod";
import { classifyModelError, readMessages, type StoredMessage, storedMessage, storeMessages } from "../../src/ai.ts";
import { defineContract, defineEngine } from "../../src/index.ts";
import { createTestRig } from "../../src/testing.ts";

const MESSAGES: ModelMessage[] = [
  {
    role: "user",
    content: [
      { type: "text", text: "What is this?" },
      { type: "file", mediaType: "image/png", data: { type: "data", data: new Uint8Array([0, 200, 255]) } },
      { type: "file", mediaType: "image/png", data: { type: "url", url: new URL("https://a.example/b.png") } },
    ],
  },
  {
    role: "assistant",
    content: [{ type: "tool-call", toolCallId: "a", toolName: "look", input: { $type: "date", value: "x" } }],
  },
  {
    role: "tool",
    content: [
      { type: "tool-result", toolCallId: "a", toolName: "look", output: { type: "json", value: { seen: [1, null, "a"] } } },
    ],
  },
];
const Chat = defineContract({ id: "chat", payload: z.null(), result: z.null() });

/** An engine that appends these to its log. */
function chatOf(messages: readonly ModelMessage[], bad: Record<string, unknown> = {}) {
  return defineEngine(Chat, {
    version: 1,
    state: z.object({}),
    log: storedMessage,
    init: {},
    step: async (_state, ctx) => ctx.complete(null, { append: storeMessages([...messages, ...Object.values(bad).map(saying)]) }),
  });
}
function saying(input: unknown): ModelMessage {
  return { role: "assistant", content: [{ type: "tool-call", toolCallId: "b", toolName: "look", input }] };
}

test("messages come back from an engine's log as they were, bytes and URLs too", async () => {
  await using rig = createTestRig({ engines: [chatOf(MESSAGES)] });
  const { workId } = await rig.enqueue(Chat, null);
  expect((await rig.result(Chat, workId, { timeoutMs: 1_000 })).status).toBe("completed");
  expect(readMessages(await rig.log(workId))).toEqual(MESSAGES);
});

test("a message that cannot be stored is refused with its path", async () => {
  await using rig = createTestRig({ engines: [chatOf([], { bad: { seen: new Map() } })] });
  const { workId } = await rig.enqueue(Chat, null);
  const end = await rig.result(Chat, workId, { timeoutMs: 1_000 });
  expect("error" in end ? end.error.message : end.status).toMatch(/\$\.content\[0\]\.input\.seen, got an instance of Map/);
});

test("a log takes nothing but messages", () => {
  const check = (value: unknown) => storedMessage["~standard"].validate(value);
  expect(check({ role: "user", content: "a" })).toEqual({ value: { role: "user", content: "a" } });
  for (const bad of ["a", { role: "robot", content: "a" }, { role: "user" } satisfies Partial<StoredMessage>])
    expect(check(bad)).toHaveProperty("issues");
});

test("what the AI SDK throws says whether another attempt is of use", () => {
  const failed = (statusCode: number) => new APICallError({ message: "x", url: "u", requestBodyValues: {}, statusCode });
  expect([429, 500, 401, 400].map((status) => classifyModelError(failed(status)))).toEqual([
    "transient",
    "transient",
    "permission",
    "validation",
  ]);
  expect(classifyModelError(new RetryError({ message: "x", reason: "maxRetriesExceeded", errors: [failed(503)] }))).toBe(
    "transient",
  );
  expect(classifyModelError(new TypeError("x"))).toBeUndefined();
});
