import { createTestRig, runStep, type TestRig } from "rookery/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Agent, createAgent } from "./engine.ts";
import { type MailServer, startMailServer } from "./mail-server.ts";
import { createScriptedModel } from "./model.ts";

const DAY_MS = 86_400_000;
const goal = "Tell Ada about rooks";
let mail: MailServer;
let agent: ReturnType<typeof createAgent>;
beforeEach(async () => {
  mail = await startMailServer();
  agent = createAgent({ model: createScriptedModel(), mailUrl: mail.url });
});
afterEach(() => mail.close());

async function untilItAsks(rig: TestRig): Promise<string> {
  const { workId } = await rig.enqueue(Agent, { goal });
  await rig.settle();
  expect(await rig.status(workId)).toMatchObject({ status: "waiting", step: "act", waitsFor: { signals: ["approval"] } });
  expect(mail.sent()).toEqual([]);
  return workId;
}

test("sends an email once somebody has said yes", async () => {
  await using rig = createTestRig({ engines: [agent] });
  const workId = await untilItAsks(rig);
  await rig.signal(Agent, workId, "approval", { yes: true });
  const end = await rig.result(Agent, workId, { timeoutMs: 0 });
  expect(end).toMatchObject({
    status: "completed",
    result: { ok: true, answer: "I have told Ada that rooks nest in colonies." },
  });
  expect(mail.sent()).toEqual([{ to: "ada@example.org", text: "Rooks nest in colonies." }]);
  expect((await rig.status(workId)).meters).toEqual({ tokens: 180 });
});

test.each(["before", "after"] as const)("a crash %s the email sends it once", async (when) => {
  await using rig = createTestRig({ engines: [agent] });
  const workId = await untilItAsks(rig);
  rig.crashNext({ effect: "email-1", when });
  await rig.signal(Agent, workId, "approval", { yes: true });
  const end = await rig.result(Agent, workId, { timeoutMs: DAY_MS });
  expect(rig.crashed).toHaveLength(1);
  expect(end).toMatchObject({ status: "completed", result: { ok: true } });
  expect(mail.sent()).toHaveLength(1);
});

test("sends nothing after a no, nor after a day", async () => {
  await using rig = createTestRig({ engines: [agent] });
  const [refused, forgotten] = [await untilItAsks(rig), await untilItAsks(rig)];
  await rig.signal(Agent, refused, "approval", { yes: false });
  expect(await rig.result(Agent, refused, { timeoutMs: 0 })).toMatchObject({ result: { answer: "somebody said no" } });
  expect(await rig.result(Agent, forgotten, { timeoutMs: DAY_MS })).toMatchObject({
    result: { answer: "nobody said yes or no" },
  });
  expect(mail.sent()).toEqual([]);
});

test("a step asks the model with what was said, and streams what it answers", async () => {
  const run = await runStep(agent, { payload: { goal }, signals: [{ name: "steer", payload: { text: "Be brief" } }] });
  expect(run).toMatchObject({ kind: "next", at: "act", output: "Let me look that up. ", meters: { tokens: 60 } });
  expect(run.appended).toMatchObject([
    { role: "user", text: goal },
    { role: "user", text: "Be brief" },
    { role: "assistant", calls: [{ tool: "search" }] },
  ]);
});
