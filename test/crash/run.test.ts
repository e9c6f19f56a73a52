/** `rookery run`: one item, driven in a process of its own. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { frail, hasty, tough } from "./engines.ts";
import { Crowd } from "./family-engines.ts";
import { kill, openSite, until } from "./support.ts";

const FAMILY = fileURLToPath(new URL("./family-engines.ts", import.meta.url));

const runItem = (id: string, ...more: string[]) => ["run", "--id", id, ...more];

describe.concurrent("run", () => {
  test("goes on in another process when a step ends its own", async () => {
    await using site = openSite();
    const id = await site.enqueue(tough, { steps: 3, misdeed: "exit" });
    expect(await site.rookery(runItem(id)).ended).toBe(0);
    expect(await site.story(id)).toEqual(["taken_over 1", "step 2", "step 1", "step 1", "ended"]);
    // Its process did nothing else, so even the first death counts.
    const events = await Array.fromAsync(site.store.events(id));
    expect(events.filter((event) => event.kind === "taken_over" && event.alone)).toHaveLength(1);
  });

  test("gives up on an item that ends every process", async () => {
    await using site = openSite();
    const id = await site.enqueue(frail, { misdeed: "exit", badAttempts: 99 });
    expect(await site.rookery(runItem(id)).ended).toBe(1);
    expect(await site.store.status(id)).toMatchObject({ status: "dead_lettered", cause: { kind: "crashed" } });
    expect(site.executions()).toHaveLength(3);
  });

  test("replaces a process whose step does not heed its abort signal", async () => {
    await using site = openSite({ abandonMs: 100 });
    const id = await site.enqueue(hasty, { steps: 2, misdeed: "hang" });
    expect(await site.rookery(runItem(id)).ended).toBe(0);
    expect(await site.story(id)).toEqual(["failed 1", "step 2", "step 1", "ended"]);
  });

  test("stops after the steps that were asked for, and goes on where it was", async () => {
    await using site = openSite();
    const id = await site.enqueue(tough, { steps: 5, delayMs: 20 });
    await site.rookery(runItem(id, "--steps", "3")).ended;
    expect(await site.store.status(id)).toMatchObject({ version: 3, attempt: 0 });
    expect(await site.rookery(runItem(id)).ended).toBe(0);
    expect((await site.store.status(id)).status).toBe("completed");
    expect(site.executions().map(({ version }) => version)).toEqual([0, 1, 2, 3, 4]);
  });

  test("waits for whoever works on the item", async () => {
    await using site = openSite();
    const id = await site.enqueue(tough, { steps: 3, stepMs: 500 });
    site.worker(["--processes", "1"]);
    await until("the worker has it", () => site.executions().length === 1);
    expect(await site.rookery(runItem(id)).ended).toBe(0);
    expect(await site.story(id)).toEqual(["step 1", "step 1", "step 1", "ended"]);
    expect(site.executions()).toHaveLength(3);
  });

  test("gives the step back at Ctrl-C, and leaves the item to the workers", async () => {
    await using site = openSite();
    const id = await site.enqueue(tough, { steps: 2, misdeed: "sleep", badStep: 1 });
    const program = site.rookery(runItem(id, "--grace", "100ms"));
    await until("the long step has begun", () => site.executions().length === 2);
    program.signal("SIGINT");
    await program.ended;
    expect(await site.story(id)).toEqual(["step 1", "given_back 1"]);
    site.worker(["--processes", "1"]);
    await until("a worker has it", () => site.executions().length === 3);
    expect(site.executions().at(-1)?.attempt).toBe(1);
  });

  test("works on a fan-out by itself, also when its process is killed in between", async () => {
    await using site = openSite();
    const payload = { count: 300, page: 100, ledger: join(site.folder, "memory") };
    const { workId } = await site.store.enqueue(Crowd, payload);
    const program = site.start(["--engines", FAMILY, ...runItem(workId)]);
    await until("some have ended", async () => {
      const [group] = await site.store.groups(workId);
      return group !== undefined && group.total === 300 && group.succeeded >= 30;
    });
    for (const pid of program.readyPids()) kill(pid, "SIGKILL");
    expect(await program.ended).toBe(0);
    // One in fifty ends badly: 0, 50, … 250.
    expect(await site.store.resultJson(workId)).toEqual({ told: [[294, 6]], results: 300, sum: 44_100, bad: 6 });
    expect(program.readyPids()).toHaveLength(2);
  });
});
