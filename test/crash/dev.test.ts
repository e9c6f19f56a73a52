import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { defineContract } from "../../src/index.ts";
import { openSite, until } from "./support.ts";

const Saved = defineContract({ id: "saved", payload: z.object({ ledger: z.string() }), result: z.null() });

const CONFIG = `
import { defineConfig } from ${JSON.stringify(import.meta.resolve("../../src/index.ts"))};
import { saved } from "./saved.ts";
export default defineConfig({ engines: [saved] });
`;
/** Its steps sign with the `tag` of the code that they were executed by. */
const engineCode = (tag: string) => `
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from ${JSON.stringify(import.meta.resolve("zod"))};
import { defineContract, defineEngine } from ${JSON.stringify(import.meta.resolve("../../src/index.ts"))};
const Saved = defineContract({ id: "saved", payload: z.object({ ledger: z.string() }), result: z.null() });
export const saved = defineEngine(Saved, {
  version: 1,
  state: z.object({}),
  init: {},
  async step(state, ctx) {
    appendFileSync(ctx.payload.ledger, JSON.stringify({ workId: ctx.workId, version: ctx.step, attempt: ctx.attempt, pid: process.pid, tag: "${tag}" }) + "\\n");
    await sleep(50);
    return ctx.next({});
  },
});
`;

test("dev takes up what is saved, works on while it is broken, and repeats no step", async () => {
  await using site = openSite();
  const folder = join(site.folder, "project");
  const save = (text: string) => writeFileSync(join(folder, "saved.ts"), text);
  mkdirSync(folder);
  writeFileSync(join(folder, "rookery.config.ts"), CONFIG);
  save(engineCode("first"));
  const { workId } = await site.store.enqueue(Saved, { ledger: site.ledger });
  const dev = site.start(["dev"], { cwd: folder });
  const stepsBy = (tag: string) => site.executions().filter((line) => "tag" in line && line.tag === tag).length;
  await until("the first code works", () => stepsBy("first") > 2);

  save(engineCode("second"));
  await until("the second code works", () => stepsBy("second") > 2);

  save("export const saved = {;");
  await until("the mistake is shown", () => dev.output().includes("SyntaxError"));
  await until("it is said who works on", () => dev.output().includes("work on"));
  expect(dev.output().indexOf("SyntaxError")).toBeLessThan(dev.output().indexOf("work on"));
  const before = stepsBy("second");
  await until("the second code works on", () => stepsBy("second") > before + 2);

  save(engineCode("third"));
  await until("the third code works", () => stepsBy("third") > 2);
  dev.signal("SIGINT");
  expect(await dev.ended).toBe(0);
  const executions = site.executions();
  expect(executions.map(({ version, attempt }) => `${version}.${attempt}`)).toEqual(executions.map((_, i) => `${i}.1`));
  expect((await site.store.status(workId)).version).toBe(executions.length);
});

test("dev that starts with broken code waits until it is mended", async () => {
  await using site = openSite();
  const folder = join(site.folder, "project");
  mkdirSync(folder);
  writeFileSync(join(folder, "rookery.config.ts"), CONFIG);
  writeFileSync(join(folder, "saved.ts"), "export const saved = {;");
  const dev = site.start(["dev"], { cwd: folder });
  await until("the mistake is shown", () => dev.output().includes("waiting for a change"));
  await site.store.enqueue(Saved, { ledger: site.ledger });
  writeFileSync(join(folder, "saved.ts"), engineCode("mended"));
  await until("it works", () => site.executions().length > 0);
  dev.signal("SIGTERM");
  expect(await dev.ended).toBe(0);
});
