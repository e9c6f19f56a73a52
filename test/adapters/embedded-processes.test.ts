/** Several processes on one file. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEmbeddedQueue } from "../../src/adapters/embedded/queue.ts";
import { createEmbeddedRecordStore } from "../../src/adapters/embedded/record-store.ts";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import { createProcessTable } from "../../src/adapters/node/process-table.ts";
import { createSystemRandom } from "../../src/adapters/node/random.ts";
import type { WorkQueue } from "../../src/ports/work-queue.ts";
import { createHome, type Home } from "../contract/embedded.ts";
import { times } from "../contract/fixture.ts";

let home: Home;
const children: ChildProcess[] = [];
beforeEach(() => {
  home = createHome();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  home.close();
});

function start(name: string, ...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, "children", `${name}.ts`), home.file, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  return child;
}
async function firstLine(child: ChildProcess): Promise<string> {
  const [chunk]: unknown[] = child.stdout === null ? [] : await once(child.stdout, "data");
  return String(chunk).trim();
}
function openQueue(namespace = "test"): WorkQueue {
  const database = home.open();
  const processes = createProcessTable();
  return createEmbeddedQueue({ database, namespace, clock: createSystemClock(), random: createSystemRandom(), processes });
}
const receive = (queue: WorkQueue, waitMs: number) =>
  queue.receive({ lanes: null, max: 1, waitMs, visibilityMs: 60_000, abortSignal: new AbortController().signal });

test("no update is lost when several processes open a new file and write at once", async () => {
  const [processes, rounds] = [4, 100];
  const codes = await Promise.all(
    times(processes, async () => {
      const [code]: unknown[] = await once(start("increment", String(rounds)), "exit");
      return code;
    }),
  );
  expect(codes).toEqual([0, 0, 0, 0]);
  const [counter] = await createEmbeddedRecordStore({ database: home.open() }).read("test");
  expect(counter).toMatchObject({ body: { count: processes * rounds }, revision: processes * rounds });
});

/** The machine may be busy with other tests: one attempt that is quick enough shows that it can be. */
async function expectQuick(limitMs: number, attempt: () => Promise<number>): Promise<void> {
  const tookMs: number[] = [];
  while (tookMs.length < 4 && !tookMs.some((ms) => ms < limitMs)) tookMs.push(await attempt());
  expect(Math.min(...tookMs)).toBeLessThan(limitMs);
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("a killed receiver's message is visible to another process within half a second", async () => {
  const queue = openQueue();
  await expectQuick(500, async () => {
    await queue.send("a", { delayMs: 0, lane: "normal", tenant: "" });
    const child = start("receive");
    expect(await firstLine(child)).toBe("received 1");
    const waiting = receive(queue, 10_000);
    await pause(300);
    const killedAtMs = performance.now();
    child.kill("SIGKILL");
    const [message] = await waiting;
    expect(message).toMatchObject({ body: "a", receiveCount: 2 });
    if (message !== undefined) await queue.remove(message);
    return performance.now() - killedAtMs;
  });
});

test("a message that another process sends wakes a waiting receiver", async () => {
  const queue = openQueue();
  const child = start("send");
  expect(await firstLine(child)).toBe("ready");
  await expectQuick(100, async () => {
    const waiting = receive(queue, 10_000);
    await pause(20);
    const sentAtMs = performance.now();
    child.stdin?.write("now");
    expect(await waiting).toMatchObject([{ body: "from another process" }]);
    return performance.now() - sentAtMs;
  });
});

test("an empty queue is looked at and never written to", async () => {
  const queue = openQueue();
  const later = openQueue();
  await later.send("later", { delayMs: 60_000, lane: "normal", tenant: "" });
  const other = new DatabaseSync(home.file);
  const changes = () => other.prepare("PRAGMA data_version").get()?.["data_version"];
  const before = changes();
  for (let round = 0; round < 20; round++) expect(await receive(queue, 0)).toEqual([]);
  expect(await receive(queue, 300)).toEqual([]);
  other.exec("BEGIN IMMEDIATE");
  expect(await receive(queue, 0)).toEqual([]);
  other.exec("COMMIT");
  expect(changes()).toBe(before);
  await queue.send("a", { delayMs: 0, lane: "normal", tenant: "" });
  expect(changes()).not.toBe(before);
  other.close();
});

test("queues of other namespaces in the same file stay apart", async () => {
  const [ours, theirs] = [openQueue("ours"), openQueue("theirs")];
  await ours.send("a", { delayMs: 0, lane: "normal", tenant: "" });
  expect(await receive(theirs, 0)).toEqual([]);
  const [message] = await receive(ours, 0);
  expect(message?.body).toBe("a");
  if (message !== undefined) await theirs.remove(message);
  if (message !== undefined) await ours.hide(message, 0);
  expect(await receive(ours, 0)).toMatchObject([{ body: "a", receiveCount: 2 }]);
});
