import { createTestRig, runStep, type TestRig } from "rookery/testing";
import { expect, test } from "vitest";
import { lookUp } from "./corpus.ts";
import { createResearch, type LookUp, Research } from "./engine.ts";
import { createScriptedModel } from "./model.ts";

const HOUR_MS = 3_600_000;
const question = "How do rooks live?";
const answer =
  "Rooks eat worms and grubs, which they dig out of fields. In winter rooks eat grain. " +
  "Rooks nest in colonies, high up in old trees. " +
  "Rooks court with bows, and stay together for life. Rooks share food with their mates, and with friends.";
const sources = ["fields.txt", "pairs.txt", "trees.txt"];

function research(look: LookUp = lookUp) {
  return createResearch({ model: createScriptedModel(), lookUp: look });
}
async function treeOf(rig: TestRig, workId: string): Promise<string[]> {
  const { entries } = await rig.children(workId);
  const below = await Promise.all(entries.map(({ workId: id }) => treeOf(rig, id)));
  return [...entries.map(({ key, item }) => `${key} ${item?.status}`), ...below.flat()].sort();
}

test("divides, looks up, combines, and writes a report", async () => {
  await using rig = createTestRig({ engines: [research()] });
  const { workId } = await rig.enqueue(Research, { question, depth: 2 });
  expect(await rig.result(Research, workId, { timeoutMs: 0 })).toEqual({ status: "completed", result: { answer, sources } });
  expect(await treeOf(rig, workId)).toEqual(["1", "2", "3", "3.1", "3.2"].map((path) => `${path} completed`));
  expect(await rig.artifacts(workId)).toMatchObject([{ name: "report.md", mediaType: "text/markdown" }]);
  expect((await rig.status(workId)).meters).toEqual({ tokens: 100 });
});

test.each([1, 2, 3, 5, 8])("crash number %i changes nothing, and nothing is looked up twice once it is remembered", async (n) => {
  const asked: string[] = [];
  const engine = research((one) => {
    asked.push(one);
    return lookUp(one);
  });
  await using rig = createTestRig({ engines: [engine] });
  for (let i = 0; i < n; i++) rig.crashNext(i % 2 === 0 ? "before-commit" : "after-commit");
  const { workId } = await rig.enqueue(Research, { question, depth: 2 });
  const end = await rig.result(Research, workId, { timeoutMs: HOUR_MS });
  expect(rig.crashed).toHaveLength(n);
  expect(end).toEqual({ status: "completed", result: { answer, sources } });
  expect(await treeOf(rig, workId)).toHaveLength(5);
  expect(new Set(asked).size).toBe(asked.length);
});

test("a cancel goes down the tree", async () => {
  const slow: LookUp = (one, abortSignal) =>
    one.includes("food") || one.includes("court")
      ? new Promise((_resolve, reject) => abortSignal.addEventListener("abort", () => reject(abortSignal.reason)))
      : lookUp(one);
  await using rig = createTestRig({ engines: [research(slow)], ifStepHangs: "leave", realTimeoutMs: 50 });
  const { workId } = await rig.enqueue(Research, { question, depth: 2 });
  await rig.settle();
  const done = ["1 completed", "2 completed"];
  expect(await treeOf(rig, workId)).toEqual([...done, "3 waiting", "3.1 running", "3.2 running"]);
  await rig.cancel(workId);
  await rig.advance(60_000);
  expect((await rig.status(workId)).status).toBe("cancelled");
  expect(await treeOf(rig, workId)).toEqual([...done, "3 cancelled", "3.1 cancelled", "3.2 cancelled"]);
});

test("a part that fails is a gap in the answer", async () => {
  const engine = research(async (one) => {
    if (one.includes("nest")) throw new TypeError("the library is closed");
    return lookUp(one);
  });
  await using rig = createTestRig({ engines: [engine] });
  const { workId } = await rig.enqueue(Research, { question, depth: 1 });
  const end = await rig.result(Research, workId, { timeoutMs: HOUR_MS });
  expect(end).toMatchObject({ status: "completed", result: { sources: ["fields.txt"] } });
});

test("a step asks at most three questions, one level further down", async () => {
  const run = await runStep(research(), { payload: { question, depth: 3, path: "2" } });
  expect(run).toMatchObject({ kind: "waitFor", group: "parts", at: "combine", output: "asking 3 questions\n" });
  expect(run.started.map(({ payload }) => payload)).toEqual([
    { question: "What do rooks eat?", depth: 2, path: "2.1" },
    { question: "Where do rooks nest?", depth: 2, path: "2.2" },
    { question: "How do rooks get on with each other?", depth: 2, path: "2.3" },
  ]);
});
