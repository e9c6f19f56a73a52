import { expect, test } from "vitest";
import { tough } from "./engines.ts";
import { openSite } from "./support.ts";

test("processes that write at the same time lose nothing and repeat nothing", async () => {
  await using site = openSite();
  const workers = [site.worker(["--processes", "2"]), site.worker(["--processes", "1"])];
  const ids: string[] = [];
  for (let i = 0; i < 60; i++) ids.push(await site.enqueue(tough, { steps: 5, stepMs: 1 }));
  for (const id of ids) {
    expect((await site.end(id)).status).toBe("completed");
    expect(site.executions(id).map(({ version, attempt }) => `${version}.${attempt}`)).toEqual([
      "0.1",
      "1.1",
      "2.1",
      "3.1",
      "4.1",
    ]);
  }
  for (const worker of workers) worker.signal("SIGTERM");
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0]);
});
