/** `rookery doctor --stack` on a stack that is not as it should be: an AWS that answers by a script. */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { encodeRecord } from "../../src/adapters/dynamodb/item.ts";
import { TABLE } from "../../src/adapters/dynamodb/table.ts";
import { deploymentFields } from "../../src/wire/deployment.ts";
import { call, scratch } from "./support.ts";

const DENIED = "denied";
type Answers = Readonly<Record<string, object | (() => object) | typeof DENIED>>;

let endpoint = "";
let answers: Answers = {};
/** Of its clock, against ours. */
let aheadMs = 0;
const server = createServer((request, response) => {
  const operation = String(request.headers["x-amz-target"] ?? "HeadBucket").replace(/^.*\./, "");
  const scripted = answers[operation];
  const answer = typeof scripted === "function" ? scripted() : scripted;
  const denied = { __type: "AccessDeniedException", message: `not authorized to perform: ${operation}` };
  response.sendDate = false;
  response.setHeader("date", new Date(Date.now() + aheadMs).toUTCString());
  response.writeHead(answer === DENIED || answer === undefined ? 403 : 200, { "content-type": "application/x-amz-json-1.0" });
  response.end(operation === "HeadBucket" ? undefined : JSON.stringify(answer === DENIED ? denied : (answer ?? denied)));
});

beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.stubEnv("AWS_ENDPOINT_URL", endpoint);
  vi.stubEnv("AWS_REGION", "eu-west-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  aheadMs = 0;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
});

const keys = (...names: string[]) => names.map((AttributeName) => ({ AttributeName }));
const index = (IndexName: string, ...names: string[]) => ({ IndexName, IndexStatus: "ACTIVE", KeySchema: keys(...names) });
const DUE = index(TABLE.due.index, TABLE.due.shard, TABLE.due.at);
const LIST = index(TABLE.list.index, TABLE.list.group, TABLE.list.at);
const table = (fields: object): object => ({
  Table: {
    TableStatus: "ACTIVE",
    KeySchema: keys(TABLE.partition, TABLE.sort),
    GlobalSecondaryIndexes: [DUE, LIST],
    ItemCount: 1_200,
    ...fields,
  },
});
const queue = (fields: object): object => ({
  Attributes: { VisibilityTimeout: "390", MessageRetentionPeriod: "1209600", ...fields },
});
const redrive = (name: string, maxReceiveCount: number): string =>
  JSON.stringify({ deadLetterTargetArn: `arn:aws:sqs:eu-west-1:0:${name}`, maxReceiveCount });

function asItShouldBe(): Answers {
  const deployment = {
    ...{ table: "t", bucket: "b", fair: false, namespace: "team" },
    ...{ queues: { normal: `${endpoint}/0/work` }, deadLetters: `${endpoint}/0/dead` },
  };
  return {
    GetParameter: { Parameter: { Value: JSON.stringify(deploymentFields(deployment)) } },
    DescribeTable: table({}),
    DescribeTimeToLive: { TimeToLiveDescription: { TimeToLiveStatus: "ENABLED", AttributeName: TABLE.expires } },
    DescribeContinuousBackups: {
      ContinuousBackupsDescription: { PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: "ENABLED" } },
    },
    GetQueueAttributes: queue({ RedrivePolicy: redrive("dead", 100) }),
    ReceiveMessage: {},
    Query: { Items: [] },
    HeadBucket: {},
  };
}

const Report = z.object({
  healthy: z.boolean(),
  checks: z.array(z.object({ name: z.string(), state: z.string(), found: z.string(), fix: z.string().nullable() })),
});
async function examine(changed: Answers = {}) {
  answers = { ...asItShouldBe(), ...changed };
  const folder = scratch();
  const { code, stdout } = await call(["doctor", "--stack", "Mine", "--json"], { cwd: folder.path });
  folder.remove();
  const { healthy, checks } = Report.parse(JSON.parse(stdout));
  expect(code).toBe(healthy ? 0 : 1);
  return { healthy, troubles: checks.filter(({ state }) => state !== "ok"), checks };
}

test("finds nothing where nothing is wrong", async () => {
  const { healthy, troubles, checks } = await examine();
  expect({ healthy, troubles }).toEqual({ healthy: true, troubles: [] });
  expect(checks.find(({ name }) => name === "access")?.found).toContain("region eu-west-1, access key AKIAEXAMPLE, at http");
  expect(checks.find(({ name }) => name === "stack")?.found).toContain("namespace team");
});

const WRONG: readonly [what: string, changed: Answers, name: string, found: RegExp, fix: RegExp][] = [
  [
    "a table with other keys",
    { DescribeTable: table({ KeySchema: keys("id") }) },
    "table",
    /the keys id: it is none/,
    /cdk deploy/,
  ],
  ["a table that is made", { DescribeTable: table({ TableStatus: "CREATING" }) }, "table", /t: creating/, /wait/],
  [
    "an index that is not there",
    { DescribeTable: table({ GlobalSecondaryIndexes: [LIST] }) },
    "indexes",
    /no index due/,
    /cdk deploy/,
  ],
  [
    "an index of another shape",
    { DescribeTable: table({ GlobalSecondaryIndexes: [DUE, index("list", "x")] }) },
    "indexes",
    /list has the keys x/,
    /deploy/,
  ],
  [
    "an index that is made",
    { DescribeTable: table({ GlobalSecondaryIndexes: [{ ...DUE, IndexStatus: "CREATING" }, LIST] }) },
    "indexes",
    /due is creating/,
    /wait/,
  ],
  [
    "no expiry",
    { DescribeTimeToLive: { TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" } } },
    "expiry",
    /never deleted/,
    /^aws dynamodb update-time-to-live --table-name t .*AttributeName=expires$/,
  ],
  [
    "expiry by another attribute",
    { DescribeTimeToLive: { TimeToLiveDescription: { TimeToLiveStatus: "ENABLED", AttributeName: "ttl" } } },
    "expiry",
    /by attribute ttl, which is not ours/,
    /update-time-to-live/,
  ],
  ["a queue without dead letters", { GetQueueAttributes: queue({}) }, "queue", /received for ever/, /deploy/],
  [
    "a queue with another's dead letters",
    { GetQueueAttributes: queue({ RedrivePolicy: redrive("other", 100) }) },
    "queue",
    /go to other, where nobody looks/,
    /deploy/,
  ],
  [
    "a queue that gives up early",
    { GetQueueAttributes: queue({ RedrivePolicy: redrive("dead", 3) }) },
    "queue",
    /buried after 3 receives/,
    /at least 100/,
  ],
];
test.each(WRONG)("names %s, and how to mend it", async (_what, changed, name, found, fix) => {
  const { troubles } = await examine(changed);
  expect(troubles).toEqual([
    { name, state: "wrong", found: expect.stringMatching(found), fix: expect.stringMatching(fix), data: undefined },
  ]);
});

test("what these credentials may not look at is no fault, and is said with the action", async () => {
  const all = Object.keys(asItShouldBe()).filter((operation) => operation !== "GetParameter");
  const { healthy, troubles } = await examine(Object.fromEntries(all.map((operation) => [operation, DENIED])));
  expect(healthy).toBe(true);
  expect(troubles.map(({ name }) => name)).toEqual("table indexes expiry backups queue queue bucket messages buried".split(" "));
  for (const { state, found, fix } of troubles) {
    expect(state).toBe("notice");
    expect(found).toMatch(/^not looked at: \w+ (of|on) .*not permitted/);
    expect(fix).toContain("grantOperate");
  }
});

test.each([
  ["ahead", -3_600_000, "wrong", /^(59 min|1 h).* ahead of AWS's/],
  ["behind", 10_000, "notice", /^9(\.\d)? s behind AWS's/],
])("a clock that is %s of AWS's", async (_which, ms, state, found) => {
  aheadMs = ms;
  const { troubles } = await examine();
  expect(troubles).toMatchObject([{ name: "clock", state, found: expect.stringMatching(found) }]);
});

test("what was buried is shown with its reasons: in the queue, and taken from it by the sweeper", async () => {
  const atMs = 1_790_000_000_000;
  const MD5OfBody = createHash("md5").update("?").digest("hex");
  const message = { Body: "?", MD5OfBody, ReceiptHandle: "r", Attributes: { SentTimestamp: String(atMs) } };
  const kept = { v: 1, id: "kept", reason: "expected a hint, got ?", at: atMs, left: 0 };
  const draft = { partition: "team/BURIED", sort: "1/kept", body: kept, data: null, writeId: "w", due: null, listed: null };
  let given = false;
  const { troubles } = await examine({
    ChangeMessageVisibilityBatch: { Successful: [{ Id: "0" }, { Id: "1" }], Failed: [] },
    Query: { Items: [encodeRecord(draft, 1)] },
    ReceiveMessage: () => {
      const messages = given ? [] : ["new", "kept"].map((id) => ({ ...message, MessageId: id }));
      given = true;
      return { Messages: messages };
    },
  });
  expect(troubles).toMatchObject([{ name: "buried", state: "notice", found: "2 in the last 14 days" }]);
  expect(troubles[0]?.fix).toMatch(/Reasons: .*no reason was given/);
  expect(troubles[0]?.fix).toMatch(/Reasons: .*expected a hint, got \?/);
});
