/** What the queue on SQS does beyond the contract of all queues. */
import { GetQueueAttributesCommand, ReceiveMessageCommand, SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, describe, expect, test } from "vitest";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import { createSqsDeadLetters } from "../../src/adapters/sqs/dead-letters.ts";
import { messageOfRecord } from "../../src/adapters/sqs/event-message.ts";
import { sqsClientOptions } from "../../src/adapters/sqs/options.ts";
import { createSqsQueue } from "../../src/adapters/sqs/queue.ts";
import { InvalidArgumentError, invariant, QueueUnavailableError } from "../../src/domain/errors.ts";
import { ERROR_CHARS } from "../../src/domain/limits.ts";
import type { Message, ReceiveOptions, SendOptions, WorkQueue } from "../../src/ports/work-queue.ts";
import { times } from "../contract/fixture.ts";
import { endpoint, sqsClient, sqsEndpoint } from "./clients.ts";
import { listenOnLoopback } from "./loopback.ts";
import { createQueues, type Queues, queueOn } from "./queues.ts";

const LONG_MS = 25_000;
const NORMAL: SendOptions = { delayMs: 0, lane: "normal", tenant: "" };
/** Other engines keep to what SQS took in earlier years, 256 KiB. */
const large = test.skipIf(sqsEndpoint !== endpoint);
const closing: Queues[] = [];

interface Request {
  readonly name: string;
  readonly input: object;
}

/** What goes out from now on. */
function recorded(client: SQSClient): Request[] {
  const requests: Request[] = [];
  client.middlewareStack.add(
    (next, context) => (args) => {
      requests.push({ name: String(context.commandName).replace(/Command$/, ""), input: args.input });
      return next(args);
    },
    { step: "initialize" },
  );
  return requests;
}
const byBody = (a: { body: string }, b: { body: string }) => (a.body < b.body ? -1 : 1);
const namesOf = (requests: readonly Request[]) => requests.map(({ name }) => name);
/** The given field of every entry of every batch. */
const entries = (requests: readonly Request[], field: string): unknown[] =>
  requests.flatMap(({ input }) => {
    const of: unknown = Reflect.get(input, "Entries");
    return Array.isArray(of) ? of.map((entry: object): unknown => Reflect.get(entry, field)) : [];
  });

async function open(options: Parameters<typeof createQueues>[0] = {}) {
  const queues = await createQueues(options);
  closing.push(queues);
  return { ...queues, queue: queueOn(queues), requests: recorded(queues.client) };
}
const receive = (queue: WorkQueue, options: Partial<ReceiveOptions> = {}) =>
  queue.receive({
    ...{ lanes: null, max: 10, waitMs: 5_000, visibilityMs: LONG_MS, abortSignal: new AbortController().signal },
    ...options,
  });
async function receiveOne(queue: WorkQueue, options: Partial<ReceiveOptions> = {}): Promise<Message> {
  const [message] = await receive(queue, { max: 1, ...options });
  invariant(message !== undefined, "there is a message");
  return message;
}

describe.skipIf(sqsEndpoint === null).concurrent("the queue on SQS", () => {
  afterAll(async () => {
    await Promise.all(closing.map(({ close }) => close()));
  });

  test("sends, hides and removes in batches of ten what comes together", async () => {
    const { queue, requests } = await open();
    await Promise.all(times(23, (index) => queue.send(`m${index}`, NORMAL)));
    expect(namesOf(requests)).toEqual(times(3, () => "SendMessageBatch"));
    const messages = await receive(queue, { max: 23 });
    expect(messages).toHaveLength(23);
    requests.length = 0;
    await Promise.all(messages.map((message) => queue.hide(message, LONG_MS)));
    await Promise.all(messages.map((message) => queue.remove(message)));
    expect(namesOf(requests)).toEqual([
      ...times(3, () => "ChangeMessageVisibilityBatch"),
      ...times(3, () => "DeleteMessageBatch"),
    ]);
    expect(await queue.countMessages()).toEqual({ visible: 0, delayed: 0, inFlight: 0, buried: 0 });
  });
  test("waits no longer for others than it is told", async () => {
    const { client, deployment } = await open();
    const pending: (() => void)[] = [];
    const clock = {
      nowMs: () => 0,
      after: (delayMs: number, callback: () => void) => {
        expect(delayMs).toBe(7);
        pending.push(callback);
        return () => undefined;
      },
    };
    const queue = createSqsQueue({ client, deployment: async () => deployment, clock, coalesceMs: 7 });
    const sending = Promise.all([queue.send("a", NORMAL), queue.send("b", NORMAL)]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await queue.countMessages()).toMatchObject({ visible: 0 });
    expect(pending).toHaveLength(1);
    for (const ring of pending) ring();
    await sending;
    expect(await queue.countMessages()).toMatchObject({ visible: 2 });
  });
  test("puts what is for different queues into different batches", async () => {
    const { queue, requests, deployment } = await open({ lanes: ["high", "normal"] });
    await Promise.all([queue.send("h", { ...NORMAL, lane: "high" }), queue.send("n", NORMAL), queue.send("m", NORMAL)]);
    expect(requests).toHaveLength(2);
    const [high, normal] = await Promise.all([receive(queue, { lanes: ["high"] }), receive(queue, { lanes: ["low"] })]);
    expect(high.map(({ body }) => body)).toEqual(["h"]);
    expect(normal.map(({ body }) => body).toSorted()).toEqual(["m", "n"]);
    expect(high[0]?.receipt).toContain(deployment.queues.high);
    await Promise.all([...high, ...normal].map((message) => queue.remove(message)));
    expect(await queue.countMessages()).toMatchObject({ visible: 0, inFlight: 0 });
  });
  large("puts no more than a mebibyte into a batch", async () => {
    const { queue, requests } = await open();
    await Promise.all(times(5, () => queue.send("☃".repeat(140_000), NORMAL)));
    expect(requests).toHaveLength(3);
    expect(await queue.countMessages()).toMatchObject({ visible: 5 });
  });
  test("tells the sender of a message that was refused, and nobody else of the batch", async () => {
    const { queue, requests, deployment } = await open();
    const sent = await Promise.allSettled(["a", "\u0001", "b"].map((body) => queue.send(body, NORMAL)));
    expect(requests).toHaveLength(1);
    expect(sent.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    const [, refused] = sent;
    const name = deployment.queues.normal.slice(deployment.queues.normal.lastIndexOf("/") + 1);
    const message = expect.stringMatching(new RegExp(`^SendMessageBatch on queue ${name}: Invalid`));
    expect(refused).toMatchObject({ reason: { code: "queue_unavailable", message } });
    expect((await receive(queue)).map(({ body }) => body).toSorted()).toEqual(["a", "b"]);
  });
  test("tells each of a batch that failed as a whole", async () => {
    const { deployment } = await open();
    const client = sqsClient({ ...sqsClientOptions, endpoint: "http://127.0.0.1:1", maxAttempts: 1 });
    const queue = createSqsQueue({ client, deployment: async () => deployment, clock: createSystemClock() });
    const sent = await Promise.allSettled(times(3, () => queue.send("a", NORMAL)));
    for (const each of sent) expect(each).toMatchObject({ reason: { code: "queue_unavailable", retryable: true } });
    await expect(receive(queue)).rejects.toThrow(QueueUnavailableError);
    await expect(receive(queue)).rejects.toThrow(/^ReceiveMessage on queue \S+: connect ECONNREFUSED/);
    await expect(queue.countMessages()).rejects.toThrow("ECONNREFUSED");
    client.destroy();
  });
  test("says what it may not do, what is not there, and what does not answer", async () => {
    const { client, deployment } = await open();
    const server = await listenOnLoopback((request, response) => {
      if (request.headers["x-amz-target"] === "AmazonSQS.SendMessageBatch") return;
      response.writeHead(403, { "content-type": "application/x-amz-json-1.0" });
      response.end(JSON.stringify({ __type: "com.amazon.coral#AccessDeniedException", message: "User: x may not" }));
    });
    const strict = sqsClient({ ...sqsClientOptions, endpoint: server.endpoint, maxAttempts: 1 });
    const clock = createSystemClock();
    const refused = createSqsQueue({ client: strict, deployment: async () => deployment, clock });
    const nowhere = { ...deployment, queues: { normal: `${deployment.queues.normal}-not` } };
    const lost = createSqsQueue({ client, deployment: async () => nowhere, clock });
    await Promise.all([
      expect(receive(refused)).rejects.toThrow(/ReceiveMessage on queue \S+: not permitted: User: x may not/),
      expect(lost.send("a", NORMAL)).rejects.toThrow(/SendMessageBatch on queue \S+-not: there is no such queue: /),
      expect(refused.send("a", NORMAL)).rejects.toThrow(/SendMessageBatch on queue \S+: no answer in time: /),
    ]);
    strict.destroy();
    await server.close();
  });
  test("rounds delays up to whole seconds", async () => {
    const { queue, requests } = await open();
    await Promise.all([0, 1, 1_000, 1_001, 900_000].map((delayMs) => queue.send("a", { ...NORMAL, delayMs })));
    expect(entries(requests, "DelaySeconds")).toEqual([0, 1, 1, 2, 900]);
    const message = await receiveOne(queue, { visibilityMs: 2_500 });
    expect(requests.at(-1)?.input).toMatchObject({ VisibilityTimeout: 3, WaitTimeSeconds: 5 });
    requests.length = 0;
    await Promise.all([0, 1_499, 900_000].map((delayMs) => queue.hide(message, delayMs)));
    expect(entries(requests, "VisibilityTimeout")).toEqual([0, 2, 900]);
  });
  test("names tenants as message groups where queues are fair, and only there", async () => {
    const tenants = ["acme", "", "with space", "ünï", "x".repeat(128), "x".repeat(129)];
    const groupsOf = async (fair: boolean) => {
      const { queue, requests } = await open({ fair });
      await Promise.all(tenants.map((tenant) => queue.send("a", { ...NORMAL, tenant })));
      expect(await queue.countMessages()).toMatchObject({ visible: tenants.length });
      return entries(requests, "MessageGroupId");
    };
    expect(await groupsOf(false)).toEqual(tenants.map(() => undefined));
    const digest = expect.stringMatching(/^[0-9a-f]{64}$/);
    const groups = await groupsOf(true);
    expect(groups).toEqual(["acme", undefined, digest, digest, "x".repeat(128), digest]);
    expect(new Set(groups).size).toBe(tenants.length);
  });
  test("long-polls one queue once, and several a second each", async () => {
    const [one, three] = [await open(), await open({ lanes: ["high", "normal", "low"] })];
    await Promise.all([receive(one.queue, { waitMs: 1_500 }), receive(three.queue, { waitMs: 1_500 })]);
    const waits = (requests: readonly Request[]) => requests.map(({ input }) => Reflect.get(input, "WaitTimeSeconds"));
    expect(waits(one.requests)).toEqual([2]);
    expect(waits(three.requests)).toEqual([0, 0, 0, 1, 1]);
  });

  test("buries whatever the body and the reason are, and says what was left out", async () => {
    const { queue } = await open();
    await queue.send("odd", NORMAL);
    const odd = { ...(await receiveOne(queue)), body: "a\u0000\ud800☃" };
    await queue.bury(odd, "bad \u0001 and \udfff, tab\tand snow ☃");
    await queue.send("long", NORMAL);
    await queue.bury(await receiveOne(queue), "r".repeat(ERROR_CHARS + 7));
    await queue.send("none", NORMAL);
    await queue.bury({ ...(await receiveOne(queue)), body: "" }, "");
    const buried = await queue.buried(10);
    const reasonOf = (start: string) => buried.find(({ body }) => body.startsWith(start))?.reason;
    expect(buried.find(({ id }) => id === odd.id)?.body).toBe("a\\u0000\\ud800☃");
    expect(reasonOf("a")).toBe("bad \\u0001 and \\udfff, tab\tand snow ☃");
    expect(reasonOf("long")).toBe(`${"r".repeat(ERROR_CHARS)}… (7 more characters)`);
    expect(reasonOf("(empty)")).toBe("no reason was given");
    expect(await queue.countMessages()).toEqual({ visible: 0, delayed: 0, inFlight: 0, buried: 3 });
  });
  large("buries a body that fills a message as it is, without its reason", async () => {
    const { queue } = await open();
    const body = "x".repeat(1_048_576);
    await queue.send(body, NORMAL);
    await queue.bury(await receiveOne(queue), "it fills a message");
    expect(await queue.buried(1)).toMatchObject([{ body, reason: "no reason was given" }]);
  });
  test("shows what SQS itself gave up on, and gives it to the sweeper until it is removed", async () => {
    const queues = await open({ maxReceiveCount: 1 });
    const { queue, client, deployment } = queues;
    const letters = createSqsDeadLetters({ client, deployment: async () => deployment, clock: createSystemClock() });
    await queue.send("often", NORMAL);
    const message = await receiveOne(queue, { visibilityMs: 0 });
    expect(await receive(queue, { waitMs: 1_000 })).toEqual([]);
    await client.send(new SendMessageCommand({ QueueUrl: deployment.deadLetters, MessageBody: "by hand" }));
    await queue.send("buried", NORMAL);
    await queue.bury(await receiveOne(queue), "why");
    const name = deployment.queues.normal.slice(deployment.queues.normal.lastIndexOf("/") + 1);
    const often = { id: message.id, body: "often", reason: `received too often from queue ${name}` };
    const shown = await queue.buried(10);
    const received = await letters.receive(10);
    expect(received, "a look gives back").toHaveLength(3);
    expect(shown.toSorted(byBody)).toEqual(received.toSorted(byBody).map(({ receipt: _, ...letter }) => letter));
    expect(received).toContainEqual(expect.objectContaining(often));
    expect(received).toContainEqual(expect.objectContaining({ body: "by hand", reason: "no reason was given" }));
    expect(received).toContainEqual(expect.objectContaining({ body: "buried", reason: "why" }));
    expect(await letters.receive(10)).toEqual([]);
    const [kept, ...gone] = received;
    invariant(kept !== undefined, "one is kept");
    await Promise.all(gone.map((letter) => letters.remove(letter)));
    expect(await queue.countMessages()).toMatchObject({ buried: 1 });
    await letters.remove(kept);
    await letters.remove(kept);
    expect(await queue.buried(10)).toEqual([]);
  });
  test("takes the messages that Lambda received for it", async () => {
    const { queue, client, deployment } = await open({ lanes: ["normal", "low"] });
    const { low = "" } = deployment.queues;
    const asked = new GetQueueAttributesCommand({ QueueUrl: low, AttributeNames: ["QueueArn"] });
    const { Attributes } = await client.send(asked);
    const received = async () => {
      await queue.send("event", { ...NORMAL, lane: "low" });
      const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl: low, WaitTimeSeconds: 5 }));
      const { MessageId = "", ReceiptHandle = "" } = Messages?.[0] ?? {};
      return {
        messageId: MessageId,
        receiptHandle: ReceiptHandle,
        body: "event",
        attributes: { ApproximateReceiveCount: "3" },
        eventSourceARN: Attributes?.QueueArn ?? "",
      };
    };
    const record = await received();
    const message = messageOfRecord(record, deployment);
    expect(message).toMatchObject({ id: record.messageId, body: "event", receiveCount: 3 });
    await queue.hide(message, 0);
    expect(await receiveOne(queue)).toMatchObject({ id: record.messageId });
    await queue.bury(messageOfRecord(await received(), deployment), "why");
    expect(await queue.countMessages()).toMatchObject({ visible: 0, buried: 1 });
    const foreign = { ...record, eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:other" };
    expect(() => messageOfRecord(foreign, deployment)).toThrow(InvalidArgumentError);
    expect(() => messageOfRecord(foreign, deployment)).toThrow(
      /queue of an event: expected one of q-\S+-normal, q-\S+-low, got /,
    );
  });
});
