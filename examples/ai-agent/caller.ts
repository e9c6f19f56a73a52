/** Asks for a large refund, reads along, and approves it: `npx node caller.ts`, with `npx rookery worker` beside it. */
import { setTimeout as sleep } from "node:timers/promises";
import { pendingApprovals } from "rookery/ai";
import { openEmbedded } from "rookery/embedded";
import { Support } from "./contract.ts";

const rookery = openEmbedded({ home: ".rookery" });
const { workId } = await rookery.enqueue(Support, { prompt: process.argv[2] ?? "Please refund order 170." });
console.log(workId);

const approved = approve();
for await (const { kind, text } of rookery.output(workId)) {
  if (kind === "chunk") process.stdout.write(text);
}
await approved;
const end = await rookery.result(Support, workId, { timeoutMs: 0 });
console.log(end.status === "completed" ? `\n(${end.result.turns} turns)` : `\n(${end.status})`);
rookery.close();

/** A person would look at each before that. */
async function approve(): Promise<void> {
  const said = new Set<string>();
  while ((await rookery.status(workId)).endedAtMs === null) {
    for (const { toolCallId, toolName, input } of pendingApprovals(await rookery.log(workId))) {
      // It is pending until the agent has read the answer.
      if (said.has(toolCallId)) continue;
      said.add(toolCallId);
      console.log(`\n[approved: ${toolName} ${JSON.stringify(input)}]`);
      await rookery.signal(Support, workId, "approval", { toolCallId, approved: true }, { id: toolCallId });
    }
    await sleep(100);
  }
}
