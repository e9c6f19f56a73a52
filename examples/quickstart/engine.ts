import { defineContract, defineEngine } from "rookery";
import { z } from "zod";

/** What callers see: what goes in, and what comes out. */
export const Briefing = defineContract({
  id: "briefing",
  payload: z.object({ topics: z.array(z.string()).min(1) }),
  result: z.object({ sections: z.number(), report: z.string() }),
});

/** Writes a section a step, then puts them together. */
export const briefing = defineEngine(Briefing, {
  version: 1,
  state: z.object({ written: z.number() }),
  log: z.object({ topic: z.string(), text: z.string() }),
  init: { written: 0 },
  async step({ written }, ctx) {
    const topic = ctx.payload.topics[written];
    if (topic === undefined) {
      const sections = await ctx.readLog();
      const text = sections.map((section) => `## ${section.topic}\n\n${section.text}\n`).join("\n");
      const report = await ctx.artifacts.put("briefing.md", text, { mediaType: "text/markdown" });
      return ctx.complete({ sections: sections.length, report: report.digest });
    }
    // Remembered once it has answered, so a crash after it does not pay for it again.
    const text = await ctx.once("write", () => write(topic, ctx.abortSignal));
    return ctx.next({ written: written + 1 }, { at: `section ${written + 2}`, append: [{ topic, text }], delayMs: 500 });
  },
});

/** Stands for a model. Pass the signal on: it fires when the attempt is over. */
async function write(topic: string, abortSignal: AbortSignal): Promise<string> {
  abortSignal.throwIfAborted();
  return `What there is to say about ${topic}.`;
}
