/** Who may do what: exact lists, because an emulator lets everything pass. */
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createStack, named, OTHERWISE, resourcesOf, shortName, Template } from "./synth.ts";

const OneOrMore = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const Statement = z.object({
  Sid: z.string().optional(),
  Effect: z.literal("Allow"),
  Action: OneOrMore,
  Resource: z.union([z.array(z.unknown()), z.unknown().transform((one) => [one])]),
  Condition: z.unknown().optional(),
});
const Policy = z.object({
  Roles: z.array(z.object({ Ref: z.string() })),
  PolicyDocument: z.object({ Statement: z.array(Statement) }),
});

/** `resource: actions`, by role. */
function rightsOf(template: Template): Record<string, string[]> {
  const rights: Record<string, string[]> = {};
  for (const { Properties } of Object.values(resourcesOf(template, "AWS::IAM::Policy"))) {
    const { Roles, PolicyDocument } = Policy.parse(Properties);
    const lines = PolicyDocument.Statement.map(
      ({ Action, Resource }) => `${Resource.map(named).join(", ")}: ${Action.map((name) => name.split(":")[1]).join(" ")}`,
    );
    for (const { Ref } of Roles) {
      const role = shortName(Ref);
      rights[role] = [...(rights[role] ?? []), ...lines];
    }
  }
  return rights;
}

const stack = createStack({ ...OTHERWISE, lanes: 1, autoDeleteObjects: false });
const lanes = createStack({ lanes: 3, http: false });
const grantee = (name: string) => new Role(stack, name, { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
stack.rookery.grantEnqueue(grantee("Enqueuer"));
stack.rookery.grantRead(grantee("Reader"));
stack.rookery.grantOperate(grantee("Operator"));
stack.rookery.grantWork(grantee("Hand"));
const template = Template.fromStack(stack);
const rights = rightsOf(template);

describe("a function may do what it needs, and nothing else:", () => {
  test("the worker", () => {
    expect(rights["WorkerRole"]).toEqual([
      "WorkerLogs: CreateLogStream PutLogEvents",
      "Table: GetItem Query PutItem DeleteItem",
      "Queue: SendMessage ReceiveMessage ChangeMessageVisibility DeleteMessage GetQueueAttributes",
      "DeadLetterQueue: SendMessage",
      "Bucket/*: GetObject PutObject AbortMultipartUpload DeleteObject",
      "Bucket: ListBucket",
    ]);
  });
  test("the sweeper, which runs no step", () => {
    expect(rights["SweeperRole"]).toEqual([
      "SweeperLogs: CreateLogStream PutLogEvents",
      "Table: GetItem Query PutItem DeleteItem",
      "Table/index/due: Query",
      "Queue: SendMessage",
      "DeadLetterQueue: ReceiveMessage ChangeMessageVisibility DeleteMessage",
      "Bucket/*: DeleteObject AbortMultipartUpload",
      "Bucket: ListBucket ListBucketMultipartUploads",
      "Sweeper: InvokeFunction",
    ]);
  });
  test("the door for signed requests, which receives and deletes nothing", () => {
    expect(rights["HttpRole"]).toEqual([
      "HttpLogs: CreateLogStream PutLogEvents",
      "Table: GetItem Query PutItem",
      "Table/index/list: Query",
      "Queue: SendMessage",
      "Bucket/*: GetObject PutObject",
      "Bucket: ListBucket",
    ]);
  });
  test("the door for anybody, which reads no blob", () => {
    expect(rights["CallbacksRole"]).toEqual([
      "CallbacksLogs: CreateLogStream PutLogEvents",
      "Table: GetItem Query PutItem",
      "Queue: SendMessage",
      "Bucket/*: PutObject",
    ]);
  });
  test("with three lanes on three queues, by name", () => {
    expect(rightsOf(Template.fromStack(lanes))["WorkerRole"]).toContain(
      "Queue, HighQueue, LowQueue: SendMessage ReceiveMessage ChangeMessageVisibility DeleteMessage GetQueueAttributes",
    );
  });
});

describe("a grant gives", () => {
  test("who enqueues: records to write, hints to send, no blob to read", () => {
    expect(rights["Enqueuer"]).toEqual([
      "arn:AWS::Partition:ssm:AWS::Region:AWS::AccountId:parameterParameter: GetParameter",
      "Table: GetItem Query PutItem",
      "Queue: SendMessage",
      "Bucket/*: PutObject",
    ]);
  });
  test("who looks: nothing to write", () => {
    expect(rights["Reader"]).toEqual([
      "arn:AWS::Partition:ssm:AWS::Region:AWS::AccountId:parameterParameter: GetParameter",
      "Table: GetItem Query",
      "Table/index/list: Query",
      "Bucket/*: GetObject",
      "Bucket: ListBucket",
    ]);
  });
  test("who works elsewhere: all that the worker may, and a sweep", () => {
    expect(rights["Hand"]).toEqual([
      "arn:AWS::Partition:ssm:AWS::Region:AWS::AccountId:parameterParameter: GetParameter",
      ...(rights["WorkerRole"] ?? []).slice(1),
      "Table/index/due: Query",
      "Bucket: ListBucketMultipartUploads",
    ]);
  });
  test("who operates: both, how the parts are, and the URL", () => {
    expect(rights["Operator"]).toEqual([
      "arn:AWS::Partition:ssm:AWS::Region:AWS::AccountId:parameterParameter: GetParameter",
      "Table: GetItem Query PutItem",
      "Table/index/list: Query",
      "Queue: SendMessage",
      "Bucket/*: GetObject PutObject",
      "Bucket: ListBucket",
      "Table: DescribeTable DescribeTimeToLive DescribeContinuousBackups",
      "Queue: GetQueueAttributes",
      "DeadLetterQueue: ReceiveMessage ChangeMessageVisibility GetQueueAttributes",
      "Http: InvokeFunctionUrl",
      "Http: InvokeFunction",
    ]);
    const { Statement } = Policy.parse(
      resourcesOf(template, "AWS::IAM::Policy")["OperatorDefaultPolicy"]?.Properties,
    ).PolicyDocument;
    expect(Statement.slice(-2).map(({ Condition }) => Condition)).toEqual([
      { StringEquals: { "lambda:FunctionUrlAuthType": "AWS_IAM" } },
      { Bool: { "lambda:InvokedViaFunctionUrl": true } },
    ]);
  });
});

describe("everywhere", () => {
  const policies = Object.values(resourcesOf(template, "AWS::IAM::Policy")).map(({ Properties }) => Policy.parse(Properties));
  const statements = policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);

  test("actions are named, and so are resources but for the objects of the bucket", () => {
    expect(statements.length).toBeGreaterThan(20);
    const wild = statements
      .flatMap(({ Action, Resource }) => [...Action, ...Resource.map(named)])
      .filter((name) => /[*?]/.test(name));
    expect(new Set(wild)).toEqual(new Set(["Bucket/*"]));
  });
  test("nobody scans the table", () => {
    expect(statements.flatMap(({ Action }) => Action)).not.toContain("dynamodb:Scan");
  });
  test("roles are those of Lambda, without policies that AWS manages", () => {
    const ours = Object.entries(resourcesOf(template, "AWS::IAM::Role")).filter(([id]) => /Role$/.test(id));
    expect(ours.map(([id]) => id)).toEqual(["WorkerRole", "SweeperRole", "HttpRole", "CallbacksRole"]);
    for (const [, { Properties }] of ours) {
      expect(Properties["ManagedPolicyArns"]).toBeUndefined();
      expect(Properties["AssumeRolePolicyDocument"]).toMatchObject({
        Statement: [{ Principal: { Service: "lambda.amazonaws.com" } }],
      });
    }
  });
});
