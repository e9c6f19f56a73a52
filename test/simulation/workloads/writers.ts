/** Logs, artifacts and output streams, some of it large: nothing is lost, doubled or out of order. */
import { z } from "zod";
import { defineContract, defineEngine } from "../../../src/index.ts";
import { between, expectEqual, type Workload } from "./workload.ts";

const Writer = defineContract({
  id: "writer",
  payload: z.object({ steps: z.number(), bytes: z.number(), streams: z.boolean(), files: z.boolean() }),
  result: z.object({ log: z.array(z.number()), text: z.string() }),
});

const STATE = z.number();
const LOG = z.object({ n: z.number(), pad: z.string() });

export const writers: Workload = (_theatre, draw) => {
  const wanted = {
    steps: between(draw, 2, 14),
    bytes: [1, 200, 3_000][between(draw, 0, 2)] ?? 1,
    streams: draw() < 0.6,
    files: draw() < 0.4,
  };
  const got: { log: readonly number[]; text: string; output: string; artifacts: readonly string[] } = {
    ...{ log: [], text: "" },
    ...{ output: "", artifacts: [] },
  };
  return {
    engines: ({ sleep, draw: chance }) => [
      defineEngine(Writer, {
        version: 1,
        state: STATE,
        init: 0,
        log: LOG,
        retry: { unknown: { attempts: 1_000 }, transient: { attempts: 1_000 } },
        limits: { crashes: 1_000 },
        step: async (n, ctx) => {
          const { steps, bytes, streams, files } = ctx.payload;
          if (streams) {
            ctx.write(`${n}`);
            if (chance() < 0.3) await sleep(chance() * 1_000);
            ctx.write(",");
          }
          if (files) await ctx.artifacts.put(`file-${n}`, `content ${n}`);
          if (chance() < 0.1) throw new Error("now and then");
          const append = [{ n, pad: "z".repeat(bytes) }];
          if (n + 1 < steps) return ctx.next(n + 1, { append });
          let text = "";
          if (files) for await (const chunk of ctx.artifacts.read("file-0")) text += new TextDecoder().decode(chunk);
          return ctx.complete({ log: (await ctx.readLog()).map((entry) => entry.n), text }, { append });
        },
      }),
    ],
    callers: [
      {
        name: "reader",
        act: async (caller) => {
          const { workId } = await caller.call((client) => client.enqueue(Writer, wanted, { key: "writer" }));
          for (;;) {
            const ended = await caller.call((client) => client.result(Writer, workId, { timeoutMs: 0 }));
            if (ended.status === "completed") {
              Object.assign(got, ended.result);
              break;
            }
            if (ended.status !== "open") throw new Error(`the writer ended ${ended.status}`);
            await caller.sleep(20_000);
          }
          got.artifacts = (await caller.call((client) => client.artifacts(workId))).map(({ name }) => name);
          got.output = await caller.call(async (client) => {
            const steps = new Map<number, string>();
            for await (const { step, kind, text } of client.output(workId)) {
              if (kind === "replaced") steps.delete(step);
              if (kind === "chunk") steps.set(step, (steps.get(step) ?? "") + text);
            }
            return [...steps.values()].join("");
          });
        },
      },
    ],
    check: () => {
      const numbers = Array.from({ length: wanted.steps }, (_, n) => n);
      expectEqual("the log", got.log, numbers.slice(0, -1));
      expectEqual("the text of an artifact", got.text, wanted.files ? "content 0" : "");
      expectEqual("the output", got.output, wanted.streams ? numbers.map((n) => `${n},`).join("") : "");
      expectEqual("the artifacts", got.artifacts, wanted.files ? numbers.map((n) => `file-${n}`) : []);
    },
  };
};
