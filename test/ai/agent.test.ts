/** An agent as an engine, on the real runtime: its log is the conversation. */
import { tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { agentContract, type DurableAgentSettings, durableAgent, pendingApprovals } from "../../src/ai.ts";
import { DidNotHappen, defineEngine } from "../../src/index.ts";
import { createTestRig, type TestRig } from "../../src/testing.ts";
import { type Line, type ScriptedModel, scriptedModel } from "./scripted-model.ts";

const Clerk = agentContract("clerk");

function createOffice(meanwhile: () => Promise<unknown> = async () => undefined) {
  const refunds: number[] = [];
  const tools = {
    refund: tool({
      inputSchema: z.object({ cents: z.number() }),
      execute: async ({ cents }) => {
        refunds.push(cents);
        await meanwhile();
        return { paid: cents };
      },
    }),
  };
  return { refunds, tools };
}
type Tools = ReturnType<typeof createOffice>["tools"];
type More = Partial<DurableAgentSettings<Tools>>;

function open(model: ScriptedModel, tools: Tools, more: More = {}): TestRig {
  return createTestRig({
    engines: [defineEngine(Clerk, durableAgent({ model, tools, ifInDoubt: "rerun", maxRetries: 0, ...more }))],
  });
}
const calling = (id: string, cents: number) => ({ id, tool: "refund", input: { cents } });
const lines =
  (...said: readonly Line[]) =>
  (n: number): Line =>
    said[n] ?? "Nothing more.";
const rolesOf = async (rig: TestRig, id: string) => (await rig.log(id)).map((message) => (message as { role: string }).role);

describe("a durable agent", () => {
  test("takes a turn a step, and ends with the model's last words", async () => {
    const { refunds, tools } = createOffice();
    const model = scriptedModel(lines({ text: "One moment.", calls: [calling("a", 5), calling("b", 7)] }, "Paid."));
    await using rig = open(model, tools, { instructions: "Be kind." });
    const { workId } = await rig.enqueue(Clerk, { prompt: "Refund me." });
    expect(await rig.result(Clerk, workId, { timeoutMs: 1_000 })).toEqual({
      status: "completed",
      result: { text: "Paid.", finishReason: "stop", turns: 2 },
    });
    expect(refunds.sort()).toEqual([5, 7]);
    expect(await rolesOf(rig, workId)).toEqual(["user", "assistant", "tool", "assistant"]);
    const status = await rig.status(workId);
    expect(status).toMatchObject({ version: 2, meters: { inputTokens: 20, outputTokens: 6 } });
    const written = await Array.fromAsync(rig.output(workId), ({ kind, text }) => (kind === "chunk" ? text : ""));
    expect(written.join("")).toBe("One moment.\n\nPaid.");
    expect(model.asked[0]?.prompt.map(({ role }) => role)).toEqual(["system", "user"]);
    expect(model.asked[1]?.prompt.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool"]);
  });

  test.each(["before", "after"] as const)("survives a crash %s a tool call, without asking the model again", async (when) => {
    const { refunds, tools } = createOffice();
    const model = scriptedModel((n, { prompt }) =>
      prompt.some(({ role }) => role === "tool") ? "Paid." : { calls: [calling(`id${n}`, 5)] },
    );
    await using rig = open(model, tools);
    rig.crashNext({ effect: "tool/refund/id0", when });
    const { workId } = await rig.enqueue(Clerk, { prompt: "Refund me." });
    expect(await rig.result(Clerk, workId, { timeoutMs: 600_000 })).toMatchObject({
      status: "completed",
      result: { text: "Paid." },
    });
    expect(rig.crashed).toHaveLength(1);
    expect(model.asked).toHaveLength(2);
    expect(refunds).toEqual(when === "before" ? [5] : [5, 5]);
  });

  test("waits for the approval of a call, and makes the call when it has it", async () => {
    const { refunds, tools } = createOffice();
    const model = scriptedModel(lines({ calls: [calling("a", 5), calling("b", 900)] }, "Paid both."));
    await using rig = open(model, tools, {
      toolApproval: { refund: ({ cents }) => (cents > 100 ? "user-approval" : undefined) },
    });
    const { workId } = await rig.enqueue(Clerk, { prompt: "Refund me." });
    await rig.settle();
    expect(await rig.status(workId)).toMatchObject({ status: "waiting", step: "approve refund" });
    expect(refunds).toEqual([5]);
    expect(pendingApprovals(await rig.log(workId))).toEqual([
      { toolCallId: "b", toolName: "refund", input: { cents: 900 }, reason: null },
    ]);
    await rig.signal(Clerk, workId, "approval", { toolCallId: "of another call", approved: true });
    await rig.settle();
    expect((await rig.status(workId)).status).toBe("waiting");
    await rig.signal(Clerk, workId, "approval", { toolCallId: "b", approved: true });
    expect(await rig.result(Clerk, workId, { timeoutMs: 1_000 })).toMatchObject({ result: { text: "Paid both.", turns: 2 } });
    expect(refunds).toEqual([5, 900]);
    expect(pendingApprovals(await rig.log(workId))).toEqual([]);
  });

  test("crashes in an approved call, and makes it as `ifInDoubt` says", async () => {
    const { refunds, tools } = createOffice();
    const model = scriptedModel(lines({ calls: [calling("a", 900)] }, "Paid."));
    await using rig = open(model, tools, {
      toolApproval: { refund: "user-approval" },
      ifInDoubt: { refund: async ({ cents }) => ({ happened: true, result: { paid: cents } }) },
    });
    const { workId } = await rig.enqueue(Clerk, { prompt: "Refund me." });
    await rig.settle();
    rig.crashNext({ effect: "tool/refund/a", when: "after" });
    await rig.signal(Clerk, workId, "approval", { toolCallId: "a", approved: true });
    expect(await rig.result(Clerk, workId, { timeoutMs: 600_000 })).toMatchObject({ result: { text: "Paid." } });
    expect(rig.crashed).toHaveLength(1);
    expect(refunds).toEqual([900]);
  });

  test("waits for each of several approvals, and tells the model what was denied and why", async () => {
    const { refunds, tools } = createOffice();
    const model = scriptedModel(lines({ calls: [calling("a", 1), calling("b", 2)] }, "Paid one."));
    await using rig = open(model, tools, { toolApproval: { refund: "user-approval" } });
    const { workId } = await rig.enqueue(Clerk, { prompt: "Refund me." });
    await rig.settle();
    await rig.signal(Clerk, workId, "approval", { toolCallId: "b", approved: false, reason: "too much" });
    await rig.settle();
    expect(pendingApprovals(await rig.log(workId)).map(({ toolCallId }) => toolCallId)).toEqual(["a"]);
    await rig.signal(Clerk, workId, "approval", { toolCallId: "a", approved: true });
    expect(await rig.result(Clerk, workId, { timeoutMs: 1_000 })).toMatchObject({ result: { text: "Paid one." } });
    expect(refunds).toEqual([1]);
    expect(JSON.stringify(model.asked.at(-1)?.prompt)).toContain("too much");
  });

  test("denies a call that nobody has approved in time", async () => {
    const { refunds, tools } = createOffice();
    const model = scriptedModel(lines({ calls: [calling("a", 1)] }, "Then not."));
    await using rig = open(model, tools, { toolApproval: { refund: "user-approval" }, approvalTimeoutMs: 60_000 });
    const { workId } = await rig.enqueue(Clerk, { prompt: "Refund me." });
    await rig.advance(59_000);
    expect((await rig.status(workId)).status).toBe("waiting");
    expect(await rig.result(Clerk, workId, { timeoutMs: 60_000 })).toMatchObject({ result: { text: "Then not." } });
    expect(refunds).toEqual([]);
  });

  test("hears what is sent to it after its turn, the last one too", async () => {
    const { tools } = createOffice();
    const model = scriptedModel(lines({ calls: [calling("a", 5)] }, "Paid.", "You are welcome."));
    await using rig = open(model, tools);
    const { workId } = await rig.enqueue(
      Clerk,
      { prompt: "Refund me." },
      { signal: { name: "message", payload: { text: "Hurry." } } },
    );
    expect(await rig.result(Clerk, workId, { timeoutMs: 1_000 })).toMatchObject({ result: { text: "Paid.", turns: 2 } });
    expect(await rolesOf(rig, workId)).toEqual(["user", "assistant", "tool", "user", "assistant"]);

    const thanked = await rig.enqueue(
      Clerk,
      { prompt: "Refund me." },
      { signal: { name: "message", payload: { text: "Thanks." } } },
    );
    expect(await rig.result(Clerk, thanked.workId, { timeoutMs: 1_000 })).toMatchObject({
      result: { text: "Nothing more.", turns: 2 },
    });
  });

  test("a message that comes before a turn is repeated does not change the turn", async () => {
    const { refunds, tools } = createOffice(() =>
      rig.signal(Clerk, { contract: Clerk, key: "k" }, "message", { text: "Hurry." }, { id: "m" }),
    );
    const model = scriptedModel(lines({ calls: [calling("a", 5)] }, "Paid."));
    await using rig = open(model, tools);
    rig.crashNext({ effect: "tool/refund/a", when: "after" });
    const { workId } = await rig.enqueue(Clerk, { prompt: "Refund me." }, { key: "k" });
    expect(await rig.result(Clerk, workId, { timeoutMs: 600_000 })).toMatchObject({
      status: "completed",
      result: { text: "Paid.", turns: 2 },
    });
    expect(rig.crashed).toHaveLength(1);
    expect(refunds).toEqual([5, 5]);
    expect(await rolesOf(rig, workId)).toEqual(["user", "assistant", "tool", "user", "assistant"]);
  });

  test("stops after so many turns", async () => {
    const { refunds, tools } = createOffice();
    const model = scriptedModel((n) => ({ text: "Again.", calls: [calling(`id${n}`, n)] }));
    await using rig = open(model, tools, { maxTurns: 3 });
    const { workId } = await rig.enqueue(Clerk, { prompt: "Refund me." });
    expect(await rig.result(Clerk, workId, { timeoutMs: 1_000 })).toMatchObject({
      result: { text: "Again.", finishReason: "max-turns", turns: 3 },
    });
    expect(refunds).toEqual([0, 1, 2]);
  });

  test("tries again when the model fails, by what its error says", async () => {
    const { tools } = createOffice();
    const errors: unknown[] = [];
    const model = scriptedModel((n) => {
      if (n === 0) throw new Error("overloaded");
      return "Hello.";
    });
    await using rig = open(model, tools, { onError: ({ error }) => void errors.push(error) });
    const { workId } = await rig.enqueue(Clerk, { prompt: "Hi." });
    expect(await rig.result(Clerk, workId, { timeoutMs: 60_000 })).toMatchObject({ result: { text: "Hello." } });
    expect((await Array.fromAsync(rig.events(workId))).map(({ kind }) => kind)).toContain("failed");
    expect(errors.map(String)).toEqual(["Error: overloaded"]);
  });

  test("tries its step again when a call surely did not happen and the model is not to be told", async () => {
    let calls = 0;
    const { refunds, tools } = createOffice(async () => {
      if (calls++ === 0) throw new DidNotHappen("closed");
    });
    const model = scriptedModel(lines({ calls: [calling("a", 5)] }, "Paid."));
    await using rig = open(model, tools, { isAnswer: () => false });
    const { workId } = await rig.enqueue(Clerk, { prompt: "Refund me." });
    expect(await rig.result(Clerk, workId, { timeoutMs: 60_000 })).toMatchObject({ result: { text: "Paid.", turns: 2 } });
    expect(refunds).toEqual([5, 5]);
    expect(model.asked).toHaveLength(2);
  });

  test("is parked when a call is in doubt and a person is to say", async () => {
    const { tools } = createOffice();
    const model = scriptedModel(lines({ calls: [calling("a", 5)] }));
    await using rig = open(model, tools, { ifInDoubt: "park" });
    rig.crashNext({ effect: "tool/refund/a", when: "after" });
    const { workId } = await rig.enqueue(Clerk, { prompt: "Refund me." });
    await rig.advance(120_000);
    expect((await rig.status(workId)).status).toBe("paused");
    expect(model.asked).toHaveLength(1);
  });
});
