/** Steps that harm the process they run in. None may lose the item, wedge the worker, or be charged to a neighbour. */
import { describe, expect, test } from "vitest";
import { frail, hasty, tough } from "./engines.ts";
import { isAlive, openSite, until } from "./support.ts";

const ONE_PROCESS = ["--processes", "1"];

describe.concurrent("a step that", () => {
  test("calls process.exit is tried again in another process", async () => {
    await using site = openSite();
    const id = await site.enqueue(tough, { steps: 3, misdeed: "exit", badStep: 1 });
    const worker = site.worker(ONE_PROCESS);
    expect((await site.end(id)).status).toBe("completed");
    expect(await site.story(id)).toEqual(["step 1", "taken_over 1", "step 2", "step 1", "ended"]);
    expect(worker.log()).toContainEqual(expect.objectContaining({ message: "worker process died: it is replaced", code: 3 }));
    expect(new Set(site.executions().map(({ pid }) => pid)).size).toBe(2);
  });

  test("leaves a rejected promise alone is tried again in another process, and the log says what it was", async () => {
    await using site = openSite();
    const id = await site.enqueue(tough, { steps: 2, misdeed: "stray" });
    const worker = site.worker(ONE_PROCESS);
    expect((await site.end(id)).status).toBe("completed");
    expect(await site.story(id)).toEqual(["taken_over 1", "step 2", "step 1", "ended"]);
    const message = expect.stringMatching(/^a promise that nobody awaited was rejected: it ends this worker process/);
    expect(worker.log()).toContainEqual(expect.objectContaining({ level: "error", message, error: "nobody looked" }));
  });

  test("spins is noticed by its process's silence, killed and tried again", async () => {
    await using site = openSite();
    const id = await site.enqueue(tough, { steps: 2, misdeed: "spin" });
    const worker = site.worker([...ONE_PROCESS, "--silence", "2s"]);
    expect((await site.end(id)).status).toBe("completed");
    expect(await site.story(id)).toEqual(["taken_over 1", "step 2", "step 1", "ended"]);
    const [spun] = site.executions();
    expect(worker.log()).toContainEqual(expect.objectContaining({ pid: spun?.pid, forMs: expect.any(Number) }));
    expect(worker.log()).toContainEqual(expect.objectContaining({ pid: spun?.pid, signal: "SIGKILL" }));
  });

  test.each(["hang", "deaf"] as const)(
    "does not heed its abort signal (%s) costs its process, and nobody else anything",
    async (misdeed) => {
      await using site = openSite({ abandonMs: 100 });
      const [id, neighbour] = [
        await site.enqueue(hasty, { steps: 2, misdeed }),
        await site.enqueue(tough, { steps: 12, stepMs: 100 }),
      ];
      const worker = site.worker(ONE_PROCESS);
      expect((await site.end(id)).status).toBe("completed");
      expect((await site.end(neighbour)).status).toBe("completed");
      expect(await site.story(id)).toEqual(["failed 1", "step 2", "step 1", "ended"]);
      expect(await site.story(neighbour)).toEqual([...Array.from({ length: 12 }, () => "step 1"), "ended"]);
      expect(site.executions(neighbour)).toHaveLength(12);
      const [bad] = site.executions(id);
      await until("the process is gone", () => !isAlive(bad?.pid ?? 0));
      expect(worker.log()).toContainEqual(
        expect.objectContaining({ message: expect.stringContaining("does not heed"), workId: id }),
      );
      expect(site.executions().filter(({ late }) => late)).toEqual([]);
    },
  );

  test("kills every process it runs in ends dead-lettered, and its neighbours are not charged", async () => {
    await using site = openSite();
    const neighbours = await Promise.all([1, 2, 3].map(() => site.enqueue(frail, { steps: 3, stepMs: 200 })));
    const id = await site.enqueue(frail, { steps: 2, misdeed: "exit", badStep: 1, badAttempts: 99 });
    const worker = site.worker([...ONE_PROCESS, "--concurrency", "4"]);
    const end = await site.end(id);
    expect(end).toMatchObject({ status: "dead_lettered", cause: { kind: "crashed" }, version: 1 });
    for (const neighbour of neighbours) {
      expect((await site.end(neighbour)).status).toBe("completed");
      const events = await Array.fromAsync(site.store.events(neighbour));
      expect(events.filter((event) => event.kind === "taken_over" && event.alone)).toEqual([]);
    }
    // In company once at the most, and then alone until its limit of two deaths is passed.
    const deaths = site.executions(id).filter(({ version }) => version === 1);
    expect(deaths.map(({ attempt }) => attempt)).toEqual(deaths.map((_, i) => i + 1));
    expect([3, 4]).toContain(deaths.length);
    expect(worker.readyPids().length).toBeGreaterThan(deaths.length);
  });
});
