/** What the end-to-end suites stand on: apps are deployed on the emulator and looked at, as these tests do with a tiny one. */
import { join } from "node:path";
import { DescribeTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { SendMessageBatchCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callUrl, sign } from "./call-url.ts";
import { dynamoClient, endpoint, sqsClient } from "./clients.ts";
import { type Deployed, deployApp } from "./deployed.ts";
import { eventually, gathered, invoke, logsOf, messagesIn } from "./look.ts";

const TINY = join(import.meta.dirname, "fixtures/tiny-app.ts");

describe.skipIf(endpoint === null)("an app deployed on the emulator", () => {
  let app: Deployed;
  beforeAll(async () => {
    app = await deployApp(TINY);
  });
  afterAll(() => app?.destroy());

  const linesWith = async (part: string) => (await logsOf(app.output("FunctionName"))).filter((line) => line.includes(part));

  test("gets its messages in one batch when they were gathered, and those it reports stay", async () => {
    const QueueUrl = app.output("QueueUrl");
    const Entries = ["1", "2", "3"].map((Id) => ({ Id, MessageBody: JSON.stringify({ message: Id, fail: Id === "2" }) }));
    await gathered(app.output("FunctionName"), () => sqsClient().send(new SendMessageBatchCommand({ QueueUrl, Entries })));
    const [line = ""] = await eventually(async () => {
      const found = await linesWith('"bodies"');
      expect(found).toHaveLength(1);
      return found;
    });
    expect(JSON.parse(line).bodies).toHaveLength(3);
    await eventually(async () =>
      expect(await messagesIn(QueueUrl)).toEqual([{ body: '{"message":"2","fail":true}', visible: false, receives: 1 }]),
    );
  });

  test("answers an invocation", async () => {
    expect(await invoke(app.output("FunctionName"), { hello: 1 })).toEqual({ event: { hello: 1 }, release: "1" });
    await expect(invoke(app.output("FunctionName"), { Records: 1 })).rejects.toThrow(/failed: .*map is not a function/);
  });

  test("streams its answer to a signed request, and refuses an unsigned one", async () => {
    const answer = await callUrl(app.output("Url"), { path: "/a/b?c=d%20e", body: "hello" });
    expect(answer).toMatchObject({ status: 201, headers: { "content-type": "text/plain" } });
    expect(answer.body).toBe("/a/b?c=d%20e aGVsbG8= – AWS4-HMAC-SHA256");
    expect(await callUrl(app.output("Url"), { path: "/", signed: false })).toMatchObject({ status: 403 });
  });

  test("drops what expires, which CloudFormation forgets", async () => {
    const TableName = app.output("TableName");
    const { TimeToLiveDescription } = await dynamoClient().send(new DescribeTimeToLiveCommand({ TableName }));
    expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: "ENABLED", AttributeName: "expires" });
  });

  test("is deployed anew with its queue kept", async () => {
    const QueueUrl = app.output("QueueUrl");
    await app.redeploy({ env: { RELEASE: "2" } });
    expect(app.output("QueueUrl")).toBe(QueueUrl);
    await sqsClient().send(new SendMessageCommand({ QueueUrl, MessageBody: "{}" }));
    await eventually(async () => expect(await linesWith('"release":"2"')).toHaveLength(1));
  });

  test("says which outputs it has", () => {
    expect(() => app.output("Qeue")).toThrow(/got Qeue; it has .*QueueUrl/);
  });
});

/** The example of AWS's documentation of the signature's version 4. */
test("requests are signed as AWS documents it", () => {
  const url = new URL("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08");
  const headers = { host: url.host, "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const at = new Date("2015-08-30T12:36:00Z");
  const keys = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
  const { authorization } = sign(
    { method: "GET", url, headers, body: "" },
    { signingName: "iam", region: "us-east-1", at, ...keys },
  );
  expect(authorization).toContain("Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
});
