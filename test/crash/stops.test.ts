/** Ends that are asked for, and those of the one who would ask. */
import { describe, expect, test } from "vitest";
import { tough } from "./engines.ts";
import { isAlive, kill, openSite, until } from "./support.ts";

const ONE_PROCESS = ["--processes", "1"];

describe.concurrent("a stop", () => {
  test("lets a short step finish", async () => {
    await using site = openSite();
    const id = await site.enqueue(tough, { steps: 50, stepMs: 300 });
    const worker = site.worker(ONE_PROCESS);
    await until("two steps have begun", () => site.executions().length >= 2);
    worker.signal("SIGTERM");
    expect(await worker.ended).toBe(0);
    const item = await site.store.status(id);
    expect(item).toMatchObject({ status: "queued", attempt: 0, version: site.executions().length });
    expect((await site.story(id)).every((event) => event === "step 1")).toBe(true);
  });

  test("gives a long step back, and no attempt is spent", async () => {
    await using site = openSite();
    const id = await site.enqueue(tough, { steps: 2, misdeed: "sleep" });
    const first = site.worker([...ONE_PROCESS, "--grace", "100ms"]);
    await until("the step has begun", () => site.executions().length === 1);
    first.signal("SIGINT");
    expect(await first.ended).toBe(0);
    expect(first.log().at(-1)).toMatchObject({ message: "stopped" });
    expect(await site.store.status(id)).toMatchObject({ status: "queued", version: 0, attempt: 0 });
    expect(await site.story(id)).toEqual(["given_back 1"]);
    const second = site.worker(ONE_PROCESS);
    await until("the step has begun again", () => site.executions().length === 2);
    expect(site.executions().at(-1)?.attempt).toBe(1);
    second.signal("SIGTERM");
  });

  test("that is asked for twice is at once", async () => {
    await using site = openSite();
    const id = await site.enqueue(tough, { misdeed: "hang" });
    const worker = site.worker([...ONE_PROCESS, "--grace", "60s"]);
    await until("the step has begun", () => site.executions().length === 1);
    worker.signal("SIGTERM");
    await until("it has heard", () => worker.log().some(({ message }) => String(message).startsWith("stopping")));
    worker.signal("SIGTERM");
    expect(await worker.ended).toBe(1);
    expect(worker.readyPids().filter(isAlive)).toEqual([]);
    expect((await site.store.status(id)).attempt).toBe(0);
  });

  test("of the supervisor by force ends its children by themselves, and they give back what they have", async () => {
    await using site = openSite();
    const [long, short] = [await site.enqueue(tough, { misdeed: "sleep" }), await site.enqueue(tough, { steps: 50, stepMs: 50 })];
    const worker = site.worker([...ONE_PROCESS, "--grace", "200ms"]);
    await until("both have begun", () => new Set(site.executions().map(({ workId }) => workId)).size === 2);
    kill(worker.pid, "SIGKILL");
    await until("the children are gone", () => worker.readyPids().every((pid) => !isAlive(pid)));
    expect(await site.story(long)).toEqual(["given_back 1"]);
    expect(await site.store.status(short)).toMatchObject({ attempt: 0, version: site.executions(short).length });
  });
});

test("a worker that cannot start says why, once, and ends", async () => {
  await using site = openSite();
  const worker = site.start(["--engines", "./missing.ts", "worker"]);
  expect(await worker.ended).toBe(2);
  expect(worker.output()).toContain("missing.ts");
  expect(worker.readyPids()).toEqual([]);
});
