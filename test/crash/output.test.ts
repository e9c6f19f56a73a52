/** Output streams of real processes, read from another one. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { OutputEvent } from "../../src/index.ts";
import { committedText, reading } from "../support/output.ts";
import { kill, openSite, until } from "./support.ts";
import { talker } from "./talker.ts";

const TALKER = fileURLToPath(new URL("./talker.ts", import.meta.url));
const KILLS = process.env["ROOKERY_SOAK"] === "1" ? 20 : 1;
const STEPS = 8;
const WORD_MS = 30;
const SEEN_WITHIN_MS = 300;

test("a worker killed in mid-sentence leaves readers with exactly the committed text, each first word seen at once", async () => {
  await using site = openSite();
  const worker = site.start(["--engines", TALKER, "worker", "--processes", "1"]);
  const { workId } = await site.store.enqueue(talker, { steps: STEPS, wordMs: WORD_MS });
  const events: OutputEvent[] = [];
  const seenAfterMs: number[] = [];
  const all = (async () => {
    for await (const event of site.store.output(workId)) {
      events.push(event);
      const first = /^\d+\.\d+\.0@(\d+)/.exec(event.text);
      if (first !== null) seenAfterMs.push(Date.now() - Number(first[1]));
    }
  })();
  for (let i = 1; i <= KILLS; i++) {
    const heard = (): number => events.filter(({ step, attempt }) => step === 0 && attempt === i).length;
    await until(`attempt ${i} in mid-sentence`, () => heard() > 1);
    const pid = worker.readyPids().at(-1);
    if (pid === undefined) throw new Error("no worker process said that it is ready");
    kill(pid, "SIGKILL");
  }
  await site.end(workId);
  await all;
  const said = await site.store.resultJson(workId);
  expect(committedText(events)).toBe(said);
  expect(events.filter(({ kind }) => kind === "replaced")).toHaveLength(KILLS);
  // One that begins at the end, and one that went away in the middle of what was lost.
  const before = events.slice(
    0,
    events.findIndex(({ kind }) => kind === "replaced"),
  );
  const later = reading(site.store.output(workId));
  const rest = reading(site.store.output(workId, { after: before.at(-1)?.cursor ?? null }), before);
  await Promise.all([later.done, rest.done]);
  expect([later.text(), rest.text()]).toEqual([said, said]);
  expect(seenAfterMs).toHaveLength(KILLS + STEPS);
  // Most of them: a machine that is busy with something else may hold up one.
  expect(seenAfterMs.toSorted((a, b) => a - b)[STEPS - 2], seenAfterMs.join(" ")).toBeLessThan(SEEN_WITHIN_MS);
});
