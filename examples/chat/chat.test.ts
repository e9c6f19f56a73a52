import { createTestRig, type TestRig } from "rookery/testing";
import { expect, test } from "vitest";
import { Chat, createChat } from "./engine.ts";
import { createScriptedModel } from "./model.ts";

const DAY_MS = 86_400_000;
const chat = createChat(createScriptedModel());

async function say(rig: TestRig, text: string): Promise<string> {
  const signal = { name: "message" as const, payload: { text } };
  const { workId } = await rig.enqueue(Chat, { user: "ada" }, { key: "ada", ifEnded: "again", signal });
  return workId;
}

test("answers every message with the conversation before it, whatever crashes", async () => {
  await using rig = createTestRig({ engines: [chat] });
  const workId = await say(rig, "Hello");
  await rig.settle();
  rig.crashNext("before-commit");
  await say(rig, "And again");
  await rig.advance(DAY_MS);
  expect(rig.crashed).toHaveLength(1);
  expect(await rig.log(workId)).toEqual([
    { role: "user", content: "Hello" },
    { role: "assistant", content: "You have said 1 thing so far." },
    { role: "user", content: "And again" },
    { role: "assistant", content: "You have said 2 things so far." },
  ]);
});

test("streams what it says", async () => {
  await using rig = createTestRig({ engines: [chat] });
  const workId = await say(rig, "Hello");
  let text = "";
  const reading = (async () => {
    for await (const part of rig.output(workId)) text += part.text;
  })();
  await rig.settle();
  expect(text).toBe("You have said 1 thing so far.");
  await rig.advance(14 * DAY_MS);
  await reading;
});

test("ends after two weeks of silence, and begins anew", async () => {
  await using rig = createTestRig({ engines: [chat] });
  const first = await say(rig, "Hello");
  expect(await rig.result(Chat, first, { timeoutMs: 20 * DAY_MS })).toEqual({ status: "completed", result: null });
  const second = await say(rig, "Me again");
  await rig.settle();
  expect(second).not.toBe(first);
  expect(await rig.status(second)).toMatchObject({ status: "waiting", logEntries: 2 });
});
