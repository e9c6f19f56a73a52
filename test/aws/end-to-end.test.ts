/**
 * The whole of it, deployed from the construct: a caller's SDK, SQS, Lambda, DynamoDB, S3. One stack serves all tests. The
 * batches go first, one after another, so that nothing else is in them; the redeployment ends what runs, so it goes last.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { CREDENTIALS, REGION } from "../../localstack/emulator.ts";
import { type AwsClient, createAwsClient } from "../../src/aws.ts";
import { Watchlist } from "../../src/engines/watchlist.ts";
import type { ItemStatus, JournalEvent } from "../../src/index.ts";
import { BatchMember, Desk, type Doing, Family, Growing, Leg, Payer, Relay, Sleeper } from "./app/engines.ts";
import { callUrl } from "./call-url.ts";
import { endpoint, sqsClient } from "./clients.ts";
import { type Deployed, deployApp } from "./deployed.ts";
import { eventually, gathered, invoke, messagesIn } from "./look.ts";
import { patientOf } from "./patient.ts";

const APP = join(import.meta.dirname, "app/app.ts");
/** On a machine that has much else to do. */
const LONG_MS = 200_000;
/** The emulator answers slowly when it is busy. */
const PATIENT = { patienceMs: 30_000 };

describe.skipIf(endpoint === null)("deployed on the emulator", { timeout: LONG_MS }, () => {
  let app: Deployed;
  let client: AwsClient;
  let outside: Outside;
  let batches: Readonly<Record<Exclude<Doing, "work">, Batch>>;

  const connect = async () =>
    patientOf(
      await createAwsClient({
        stack: app.stack,
        endpoint: endpoint ?? "",
        region: REGION,
        credentials: CREDENTIALS,
        settings: PATIENT,
      }),
    );

  beforeAll(async () => {
    [app, outside] = await Promise.all([deployApp(APP), startOutside()]);
    client = await connect();
    const bug = await enqueueBatch("bug");
    // Its messages come back in seconds, those of a step that hangs in one.
    const exit = await enqueueBatch("exit");
    batches = { bug, exit, hang: await enqueueBatch("hang") };
  }, LONG_MS);
  afterAll(async () => {
    client?.close();
    outside?.server.close();
    await app?.destroy();
  });

  /** How it ended; of the one history that it has, every version is there once (G1). */
  async function ended(workId: string): Promise<Pick<ItemStatus, "status" | "version" | "cause"> & { happened: string[] }> {
    const { status, version, cause } = await eventually(
      async () => {
        const now = await client.status(workId);
        expect(now.endedAtMs).not.toBeNull();
        return now;
      },
      LONG_MS,
      500,
    );
    const events = await eventually(() => Array.fromAsync(client.events(workId)), LONG_MS, 500);
    const versions = events.flatMap((event) => (event.kind === "step" ? [event.version] : []));
    expect(versions, `versions of ${workId}`).toEqual(Array.from({ length: version }, (_, n) => n + 1));
    expect(events.at(-1)).toMatchObject({ kind: "ended", status, version });
    return { status, version, cause, happened: events.map(happenedOf).filter((what) => what !== "lost") };
  }
  async function completed(workIds: readonly string[]): Promise<void> {
    for (const workId of workIds) expect(await ended(workId)).toMatchObject({ status: "completed" });
  }

  interface Batch {
    readonly bad: string;
    readonly good: readonly string[];
  }
  /** One that does so and nine that do their work, in one batch: the function has all ten before more is sent. */
  async function enqueueBatch(doing: Doing): Promise<Batch> {
    const queue = client.deployment.queues.normal;
    const all: readonly Doing[] = [doing, ...Array<Doing>(9).fill("work")];
    const sent = await gathered(app.output("Worker"), () =>
      Promise.all(all.map((one) => client.enqueue(BatchMember, { doing: one }))),
    );
    const [bad = "", ...good] = sent.map(({ workId }) => workId);
    await eventually(async () => expect((await messagesIn(queue)).filter(({ visible }) => visible)).toEqual([]), LONG_MS);
    return { bad, good };
  }
  /** Their first steps were in one process. */
  async function oneBatch({ bad, good }: Batch): Promise<boolean> {
    const states = await Promise.all(
      [bad, ...good].map(async (id) => z.object({ processes: z.array(z.int()) }).parse(await client.state(id))),
    );
    return new Set(states.map(({ processes }) => processes[0])).size === 1;
  }

  describe.concurrent("at the same time", () => {
    test("a watchlist goes from the caller's enqueue to its report", async () => {
      const payload = { url: `${outside.url}/page`, claim: "We ship in two days", checksRequired: 3, delaySeconds: 1 };
      const { workId } = await client.enqueue(Watchlist, payload);
      expect(await ended(workId)).toMatchObject({ status: "completed", version: 4 });
      const end = await client.result(Watchlist, workId, { timeoutMs: 0 });
      if (end.status !== "completed") throw new Error(`expected a result of ${workId}, got ${end.status}`);
      expect(end.result).toMatchObject({ verdict: "found", checks: 3, found: 3 });
      const { content } = await client.artifact(workId, end.result.report.name);
      const bytes = Buffer.concat(await Array.fromAsync(content));
      expect(bytes).toHaveLength(end.result.report.bytes);
      const observations = [{ check: 1 }, { check: 2 }, { check: 3 }];
      expect(JSON.parse(bytes.toString())).toMatchObject({ verdict: "found", observations });
    });

    test("a chain of 40 hops goes on to its end", async () => {
      const { workId } = await client.enqueue(Relay, { legs: 20 });
      expect(await ended(workId)).toMatchObject({ status: "completed", version: 21 });
    });

    test("a sleep that is too long for the queue ends by the sweep", async () => {
      const { workId } = await client.enqueue(Sleeper, { sleepMs: 20_000 });
      // The message that brought it to sleep is deleted with its batch.
      const hints = async () => {
        const messages = await messagesIn(client.deployment.queues.normal);
        return messages.filter(({ body, receives }) => receives === 0 && body.includes(workId));
      };
      const wakeAtMs = await eventually(async () => {
        const { wakeAtMs: at } = await client.status(workId);
        expect(at).not.toBeNull();
        return at ?? 0;
      }, LONG_MS);
      await until(wakeAtMs - 7_000);
      expect(await hints()).toEqual([]);
      await until(wakeAtMs - 5_000);
      // One that is at it already has the shard.
      await eventually(async () => {
        await invoke(app.output("Sweeper"), {});
        const { version } = await client.status(workId);
        expect((await hints()).length + version).toBe(2);
      }, LONG_MS);
      expect(await ended(workId)).toMatchObject({ status: "completed", version: 2 });
      const end = await client.result(Sleeper, workId, { timeoutMs: 0 });
      expect(end.status === "completed" ? end.result.wokeAtMs : null).toBeGreaterThanOrEqual(wakeAtMs);
    });

    test("signals reach the item that waits for them, also one that comes with the start", async () => {
      const say = (text: string) => ({ name: "say" as const, payload: { text }, id: text.replaceAll(" ", "-") });
      const { workId } = await client.enqueue(Desk, {}, { key: "desk", signal: say("good morning") });
      await client.signal(Desk, workId, "say", { text: "hello" });
      await eventually(async () => expect(await client.state(workId)).toEqual({ told: ["good morning", "hello"] }), LONG_MS);
      expect(await client.enqueue(Desk, {}, { key: "desk", signal: say("that is all") })).toMatchObject({
        workId,
        created: false,
      });
      expect(await ended(workId)).toMatchObject({ status: "completed" });
      expect(await client.resultJson(workId)).toEqual({ told: ["good morning", "hello", "that is all"] });
    });

    test("an effect happens once, whatever becomes of the step", async () => {
      const { workId } = await client.enqueue(Payer, { url: `${outside.url}/pay`, cents: 250 });
      const { status, happened } = await ended(workId);
      expect({ status, happened }).toEqual({ status: "completed", happened: ["failed", "step", "ended"] });
      const [key = "", ...others] = [...outside.payments.keys()].filter((one) => one.startsWith(workId));
      expect([others, outside.payments.get(key)]).toEqual([[], 1]);
      expect(await client.resultJson(workId)).toEqual({ receipt: `receipt of ${key}` });
    });

    test("a parent waits for all of its 50 children", async () => {
      const { workId } = await client.enqueue(Family, { children: 50 });
      expect(await ended(workId)).toMatchObject({ status: "completed", version: 2 });
      expect(await client.resultJson(workId)).toEqual({ sum: 1_275 });
      expect(await client.groups(workId)).toMatchObject([{ name: "legs", succeeded: 50, failed: 0 }]);
    });

    test("200 items that two callers enqueue at the same time with the same keys are 200", async () => {
      const other = await connect();
      const numbers = Array.from({ length: 200 }, (_, n) => n);
      const enqueueAll = (by: AwsClient) => each(numbers, (n) => by.enqueue(Leg, { number: n }, { key: `number ${n}` }));
      const [ours, theirs] = await Promise.all([enqueueAll(client), enqueueAll(other)]);
      other.close();
      expect(theirs.map(({ workId }) => workId)).toEqual(ours.map(({ workId }) => workId));
      expect(numbers.filter((n) => ours[n]?.created === theirs[n]?.created)).toEqual([]);
      const workIds = new Set(ours.map(({ workId }) => workId));
      expect(workIds.size).toBe(200);
      await completed([...workIds]);
    });

    test("a signed request enqueues, and another has the output streamed", async () => {
      const url = app.output("HttpUrl");
      const body = JSON.stringify({ engine: "talker", payload: { words: ["one ", "word ", "a step"] }, key: "talk" });
      const { status, body: answer } = await callUrl(url, { path: "/items", body });
      expect({ status, answer: JSON.parse(answer) }).toMatchObject({ status: 201, answer: { created: true } });
      const { workId } = JSON.parse(answer);
      const output = await callUrl(url, { path: `/items/${workId}/output` });
      expect(output).toMatchObject({ status: 200, headers: { "content-type": "text/event-stream; charset=utf-8" } });
      const events = [...output.body.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, kind, data = ""]) => [
        kind,
        JSON.parse(data).text,
      ]);
      expect(events).toEqual([
        ["chunk", "one "],
        ["chunk", "word "],
        ["chunk", "a step"],
        ["end", "completed"],
      ]);
      expect(await ended(workId)).toMatchObject({ status: "completed", version: 4 });
    });

    test("a message that nobody can read goes to the dead-letter queue with its reason, and then on record", async () => {
      const { queues, deadLetters } = client.deployment;
      await sqsClient().send(new SendMessageCommand({ QueueUrl: queues.normal, MessageBody: "hello?" }));
      const buried = expect.objectContaining({ body: "hello?", reason: expect.stringMatching(/hint/) });
      await eventually(async () => expect(await client.buried(10)).toEqual([buried]), LONG_MS);
      await invoke(app.output("Sweeper"), {});
      await eventually(async () => expect(await messagesIn(deadLetters)).toEqual([]), LONG_MS);
      expect(await client.buried(10)).toEqual([buried]);
    });

    test("a step with a programmer's error is dead-lettered at once, beside nine that are not", async () => {
      const { bad, good } = batches.bug;
      expect(await ended(bad)).toMatchObject({
        status: "dead_lettered",
        cause: { kind: "exhausted", error: { name: "TypeError" } },
        happened: ["step", "failed", "ended"],
      });
      await completed(good);
      expect(await oneBatch(batches.bug)).toBe(true);
    });

    test("a step that hangs uses up its attempts, beside nine that do not", async () => {
      const { bad, good } = batches.hang;
      expect(await ended(bad)).toMatchObject({
        status: "dead_lettered",
        cause: { kind: "exhausted", error: { name: "StepTimeoutError" } },
        happened: ["step", "failed", "failed", "ended"],
      });
      await completed(good);
      expect(await oneBatch(batches.hang)).toBe(true);
    });

    test("a step that ends its process does so alone from then on, and is found out, beside nine that are not", async () => {
      const { bad, good } = batches.exit;
      expect(await ended(bad)).toMatchObject({
        status: "dead_lettered",
        cause: { kind: "crashed" },
        happened: ["step", "died alone", "died alone", "ended"],
      });
      await completed(good);
      expect(await oneBatch(batches.exit)).toBe(true);
    });
  });

  test("a release with a new version of the engine goes on with what is in flight", async () => {
    const names = Array.from({ length: 20 }, (_, n) => `item ${n}`);
    const items = await gathered(app.output("Worker"), () => each(names, (name) => client.enqueue(Growing, { name })));
    const workIds = items.map(({ workId }) => workId);
    const notBegun = async () => (await each(workIds, (workId) => client.status(workId))).filter(({ version }) => version === 0);
    await eventually(async () => expect(await notBegun()).toEqual([]), LONG_MS, 500);
    await app.redeploy({ env: { WORKER: "next-worker.ts" } });
    await completed(workIds);
    for (const [n, workId] of workIds.entries()) {
      const end = await client.result(Growing, workId, { timeoutMs: 0 });
      if (end.status !== "completed") throw new Error(`expected a result of ${workId}, got ${end.status}`);
      const { before, counted, name } = end.result;
      expect({ counted, name, wasMoved: before > 0 }).toEqual({ counted: before + 2, name: names[n], wasMoved: true });
      expect((await Array.fromAsync(client.events(workId))).filter(({ kind }) => kind === "migrated")).toHaveLength(1);
    }
  });
});

/** Its kind. A death in company may also be a lease that was lost, where a busy machine is slow to renew it. */
function happenedOf(event: JournalEvent): string {
  if (event.kind !== "taken_over") return event.kind;
  return event.alone ? "died alone" : "lost";
}

const until = (atMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - Date.now())));

/** A few at a time. */
async function each<T, R>(all: readonly T[], call: (one: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let at = 0; at < all.length; at += 5) done.push(...(await Promise.all(all.slice(at, at + 5).map(call))));
  return done;
}

interface Outside {
  readonly server: Server;
  readonly url: string;
  readonly payments: ReadonlyMap<string, number>;
}
/** What engines reach by HTTP: a page to watch, and a till that counts by idempotency key. */
async function startOutside(): Promise<Outside> {
  const payments = new Map<string, number>();
  const server = createServer((request, response) => {
    const key = request.headers["idempotency-key"];
    if (typeof key !== "string") return response.end("<p>We ship in  two days.</p>");
    if (request.method === "POST") payments.set(key, (payments.get(key) ?? 0) + 1);
    if (!payments.has(key)) response.statusCode = 404;
    return response.end(`receipt of ${key}`);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, payments };
}
