/** How soon the first word of a step is seen by a reader in another process. */
import { fileURLToPath } from "node:url";
import { openSite } from "../test/crash/support.ts";
import { talker } from "../test/crash/talker.ts";
import { quantile } from "./support.ts";

const TALKER = fileURLToPath(new URL("../test/crash/talker.ts", import.meta.url));
const STEPS = 50;
const WORD_MS = 20;

export async function stream(): Promise<object> {
  await using site = openSite();
  site.start(["--engines", TALKER, "worker", "--processes", "1"]);
  const { workId } = await site.store.enqueue(talker, { steps: STEPS, wordMs: WORD_MS });
  const seenAfterMs: number[] = [];
  for await (const { text } of site.store.output(workId)) {
    const first = /^\d+\.\d+\.0@(\d+)/.exec(text);
    if (first !== null) seenAfterMs.push(Date.now() - Number(first[1]));
  }
  const sorted = seenAfterMs.toSorted((a, b) => a - b);
  return {
    steps: STEPS,
    seen: sorted.length,
    seenAtLeast: STEPS,
    firstWordP50Ms: quantile(sorted, 0.5),
    firstWordMaxMs: sorted.at(-1) ?? 0,
    firstWordMaxMsAtMost: 300,
  };
}
