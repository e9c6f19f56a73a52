/** What a stack is made of when nothing is chosen; above all what an emulator ignores. */
import { describe, expect, test } from "vitest";
import { POWERTOOLS } from "../../src/cdk/bundle.ts";
import { METRICS } from "../../src/wire/environment.ts";
import { createStack, named, resourcesOf, Template } from "./synth.ts";

const template = Template.fromStack(createStack());
const all = resourcesOf(template);
const of = (type: string) => resourcesOf(template, type);
const functions = of("AWS::Lambda::Function");
const forever = { DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" };

test("the ids of what holds state stay as they are: another id is another, empty table", () => {
  const stateful = ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SSM::Parameter"];
  const ids = stateful.flatMap((type) => Object.keys(template.findResources(type)));
  expect(ids).toEqual([
    "RookeryTableA6E5FD5E",
    "RookeryBucket713A20DF",
    "RookeryDeadLetterQueueEDBFE47F",
    "RookeryQueue69596B1E",
    "RookeryParameter0B015631",
  ]);
});

test("only the parameter has a name that is not made up at deployment", () => {
  const nameOf = Object.entries(all).flatMap(([id, { Properties }]) =>
    Object.entries(Properties).flatMap(([property, value]) =>
      /^(.*Name|Name)$/.test(property) && typeof value === "string" && !/^(Policy|Metric)Name$/.test(property)
        ? [`${id}.${property}: ${value}`]
        : [],
    ),
  );
  expect(nameOf).toEqual(["Parameter.Name: /rookery/rookery/deployment"]);
});

describe("the table", () => {
  test("is on demand, restorable to any second, guarded, and collects what has expired", () => {
    template.hasResource("AWS::DynamoDB::Table", {
      ...forever,
      Properties: {
        BillingMode: "PAY_PER_REQUEST",
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        TimeToLiveSpecification: { AttributeName: "expires", Enabled: true },
        DeletionProtectionEnabled: true,
      },
    });
  });
  test("is encrypted by the key that costs nothing", () => {
    expect(all["Table"]?.Properties["SSESpecification"]).toBeUndefined();
  });
  test("has its keys and two sparse indexes of keys", () => {
    const projection = { ProjectionType: "KEYS_ONLY" };
    const keys = (partition: string, sort: string) => [
      { AttributeName: partition, KeyType: "HASH" },
      { AttributeName: sort, KeyType: "RANGE" },
    ];
    template.hasResourceProperties("AWS::DynamoDB::Table", {
      KeySchema: keys("pk", "sk"),
      GlobalSecondaryIndexes: [
        { IndexName: "due", KeySchema: keys("dueShard", "dueAt"), Projection: projection },
        { IndexName: "list", KeySchema: keys("listed", "listedAt"), Projection: projection },
      ],
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
        { AttributeName: "dueShard", AttributeType: "N" },
        { AttributeName: "dueAt", AttributeType: "N" },
        { AttributeName: "listed", AttributeType: "S" },
        { AttributeName: "listedAt", AttributeType: "S" },
      ],
    });
  });
});

describe("the bucket", () => {
  test("is versioned, encrypted and closed to the public", () => {
    template.hasResource("AWS::S3::Bucket", {
      ...forever,
      Properties: {
        VersioningConfiguration: { Status: "Enabled" },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      },
    });
  });
  test("lets nothing expire but old versions, unfinished uploads and streams that never ended", () => {
    expect(all["Bucket"]?.Properties["LifecycleConfiguration"]).toEqual({
      Rules: [
        {
          Id: "old-versions-and-unfinished-uploads",
          Status: "Enabled",
          NoncurrentVersionExpiration: { NoncurrentDays: 35 },
          ExpiredObjectDeleteMarker: true,
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        },
        {
          Id: "streams-that-were-never-finished",
          Status: "Enabled",
          Prefix: "_tmp/",
          ExpirationInDays: 1,
          NoncurrentVersionExpiration: { NoncurrentDays: 1 },
        },
      ],
    });
  });
});

test("bucket and queues refuse what is not encrypted on its way", () => {
  const policies = { ...of("AWS::S3::BucketPolicy"), ...of("AWS::SQS::QueuePolicy") };
  expect(Object.keys(policies).sort()).toEqual(["BucketPolicy", "DeadLetterQueuePolicy", "QueuePolicy"]);
  for (const { Properties } of Object.values(policies)) {
    expect(Properties["PolicyDocument"]).toMatchObject({
      Statement: [{ Effect: "Deny", Principal: { AWS: "*" }, Condition: { Bool: { "aws:SecureTransport": "false" } } }],
    });
  }
});

describe("the queues", () => {
  test("keep messages for 14 days, encrypted", () => {
    const queues = Object.values(of("AWS::SQS::Queue"));
    expect(queues).toHaveLength(2);
    for (const { Properties } of queues)
      expect(Properties).toMatchObject({ MessageRetentionPeriod: 14 * 86_400, SqsManagedSseEnabled: true });
  });
  test("hide messages for longer than the worker lives, and give up after 100 receives", () => {
    const { RedrivePolicy, VisibilityTimeout } = all["Queue"]?.Properties ?? {};
    expect(VisibilityTimeout).toBe(690);
    expect(Number(VisibilityTimeout)).toBeGreaterThan(Number(functions["Worker"]?.Properties["Timeout"]));
    expect(RedrivePolicy).toEqual({
      deadLetterTargetArn: { "Fn::GetAtt": ["RookeryDeadLetterQueueEDBFE47F", "Arn"] },
      maxReceiveCount: 100,
    });
    expect(all["DeadLetterQueue"]?.Properties["RedrivePolicy"]).toBeUndefined();
  });
  test("feed the worker, which says what must come back; nothing filters or gathers them", () => {
    const sources = Object.values(of("AWS::Lambda::EventSourceMapping"));
    expect(sources.map(({ Properties }) => Properties)).toEqual([
      {
        FunctionName: { Ref: expect.stringMatching(/^RookeryWorker/) },
        EventSourceArn: { "Fn::GetAtt": ["RookeryQueue69596B1E", "Arn"] },
        BatchSize: 10,
        FunctionResponseTypes: ["ReportBatchItemFailures"],
        ScalingConfig: { MaximumConcurrency: 10 },
      },
    ]);
  });
});

describe("the functions", () => {
  test("are the worker, the sweeper and the door for signed requests", () => {
    expect(Object.keys(functions)).toEqual(["Worker", "Sweeper", "Http"]);
  });
  test.each(Object.entries(functions))("%s runs on Node 24, on ARM, with a log of its own that ends", (id, { Properties }) => {
    expect(Properties).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Handler: "index.handler",
      MemorySize: 256,
      LoggingConfig: { LogGroup: { Ref: expect.stringMatching(`^Rookery${id}Logs`) } },
    });
    expect(Properties["TracingConfig"]).toBeUndefined();
    expect(Properties["ReservedConcurrentExecutions"]).toBeUndefined();
    expect(all[`${id}Logs`]).toMatchObject({ Properties: { RetentionInDays: 30 }, ...forever });
  });
  test("end in time", () => {
    const timeouts = Object.entries(functions).map(([id, { Properties }]) => [id, Properties["Timeout"]]);
    expect(Object.fromEntries(timeouts)).toEqual({ Worker: 660, Sweeper: 55, Http: 900 });
  });
  test("only the worker may be part of a loop", () => {
    const loops = Object.entries(functions).map(([id, { Properties }]) => [id, Properties["RecursiveLoop"]]);
    expect(Object.fromEntries(loops)).toEqual({ Worker: "Allow", Sweeper: undefined, Http: undefined });
  });
  test.each(Object.entries(functions))("%s knows the deployment and the stack's name", (_, { Properties }) => {
    const { Variables } = Properties["Environment"] as { Variables: Record<string, unknown> };
    expect({ ...Variables, ROOKERY_DEPLOYMENT: named(Variables["ROOKERY_DEPLOYMENT"]) }).toEqual({
      NODE_OPTIONS: "--enable-source-maps",
      [POWERTOOLS.source]: "rookery",
      POWERTOOLS_METRICS_NAMESPACE: "Rookery",
      ROOKERY_DEPLOYMENT: named(all["Parameter"]?.Properties["Value"]),
    });
  });
});

test("callers find table, bucket and queues by the stack's name", () => {
  expect(JSON.parse(named(all["Parameter"]?.Properties["Value"]))).toEqual({
    v: 1,
    table: "Table",
    bucket: "Bucket",
    queues: { normal: "Queue" },
    deadLetters: "DeadLetterQueue",
    fair: false,
    namespace: "default",
  });
  expect(all["Parameter"]?.Properties).toMatchObject({ Name: "/rookery/rookery/deployment", Type: "String" });
});

test("the sweeper is called every minute, and never again for a sweep that failed", () => {
  template.hasResourceProperties("AWS::Events::Rule", {
    ScheduleExpression: "rate(1 minute)",
    State: "ENABLED",
    Targets: [{ RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 } }],
  });
  template.hasResourceProperties("AWS::Lambda::EventInvokeConfig", {
    FunctionName: { Ref: Object.keys(template.findResources("AWS::Lambda::Function")).find((id) => /Sweeper/.test(id)) },
    MaximumRetryAttempts: 0,
    MaximumEventAgeInSeconds: 60,
  });
});

test("the one URL asks for a signature, and streams; nobody on the internet may invoke a function", () => {
  expect(Object.values(of("AWS::Lambda::Url")).map(({ Properties }) => Properties)).toEqual([
    {
      AuthType: "AWS_IAM",
      InvokeMode: "RESPONSE_STREAM",
      TargetFunctionArn: { "Fn::GetAtt": [expect.stringMatching(/^RookeryHttp/), "Arn"] },
    },
  ]);
  const callers = Object.values(of("AWS::Lambda::Permission")).map(({ Properties }) => Properties["Principal"]);
  expect(callers).toEqual(["events.amazonaws.com"]);
});

describe("the alarms", () => {
  const alarms = of("AWS::CloudWatch::Alarm");
  const row = ({ Properties: p }: (typeof alarms)[string]) =>
    [p["MetricName"], p["Statistic"], `${p["EvaluationPeriods"]} x ${p["Period"]} s`, symbol(p), p["Threshold"]].join(" ");
  const symbol = ({ ComparisonOperator: operator }: Record<string, unknown>) =>
    operator === "GreaterThanOrEqualToThreshold" ? ">=" : operator === "LessThanThreshold" ? "<" : operator;

  test("watch what the design rests on", () => {
    expect(Object.fromEntries(Object.entries(alarms).map(([id, alarm]) => [id.replace(/Alarm$/, ""), row(alarm)]))).toEqual({
      OldestMessage: "ApproximateAgeOfOldestMessage Maximum 1 x 300 s >= 3600",
      DeadLetters: "ApproximateNumberOfMessagesVisible Maximum 1 x 300 s >= 1",
      SweeperSilent: "Invocations Sum 1 x 300 s < 1",
      WorkerErrors: "Errors Sum 1 x 300 s >= 1",
      WorkerThrottles: "Throttles Sum 1 x 300 s >= 1",
      WorkerNearTimeout: "Duration Maximum 1 x 300 s >= 594000",
      SweeperErrors: "Errors Sum 1 x 300 s >= 1",
      SweeperThrottles: "Throttles Sum 1 x 300 s >= 1",
      SweeperNearTimeout: "Duration Maximum 1 x 300 s >= 49500",
      HttpErrors: "Errors Sum 1 x 300 s >= 1",
      HttpThrottles: "Throttles Sum 1 x 300 s >= 1",
      ClaimConflicts: `${METRICS.claimConflicts} Sum 3 x 300 s >= 100`,
      HopsWithoutProgress: `${METRICS.hopsWithoutProgress} Sum 3 x 300 s >= 50`,
      HintCopies: `${METRICS.hintCopies} Sum 3 x 300 s >= 500`,
      AlarmsFailed: `${METRICS.alarmsFailed} Sum 1 x 300 s >= 1`,
      Buried: `${METRICS.buried} Sum 1 x 300 s >= 1`,
    });
  });
  test("only the sweeper's silence rings where there are no data", () => {
    const missing = Object.entries(alarms).map(([id, { Properties }]) => [id, Properties["TreatMissingData"]]);
    expect(missing.filter(([, treated]) => treated !== "notBreaching")).toEqual([["SweeperSilentAlarm", "breaching"]]);
  });
  test("look at the queue, function and stack that they are named for", () => {
    const dimensions = Object.entries(alarms).map(([id, { Properties }]) => {
      const [one] = Properties["Dimensions"] as { Name: string; Value: unknown }[];
      return `${id.replace(/Alarm$/, "")}: ${one?.Name} ${named(one?.Value)}`;
    });
    expect(dimensions.sort()).toEqual([
      "AlarmsFailed: service rookery",
      "Buried: service rookery",
      "ClaimConflicts: service rookery",
      "DeadLetters: QueueName DeadLetterQueue",
      "HintCopies: service rookery",
      "HopsWithoutProgress: service rookery",
      "HttpErrors: FunctionName Http",
      "HttpThrottles: FunctionName Http",
      "OldestMessage: QueueName Queue",
      "SweeperErrors: FunctionName Sweeper",
      "SweeperNearTimeout: FunctionName Sweeper",
      "SweeperSilent: FunctionName Sweeper",
      "SweeperThrottles: FunctionName Sweeper",
      "WorkerErrors: FunctionName Worker",
      "WorkerNearTimeout: FunctionName Worker",
      "WorkerThrottles: FunctionName Worker",
    ]);
  });
  test("tell nobody unless there is a topic", () => {
    for (const { Properties } of Object.values(alarms)) expect(Properties["AlarmActions"]).toBeUndefined();
  });
  test("are of kinds that every emulator knows", () => {
    template.resourceCountIs("AWS::CloudWatch::CompositeAlarm", 0);
    for (const { Properties } of Object.values(alarms)) expect(Properties["Metrics"]).toBeUndefined();
  });
});

test("the dashboard shows everything that is counted", () => {
  const [dashboard] = Object.values(of("AWS::CloudWatch::Dashboard"));
  const text = JSON.stringify(dashboard?.Properties["DashboardBody"]);
  const shown = ["ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage", "Errors", "Throttles", "Duration"];
  for (const metric of [...shown, "ConsumedWriteCapacityUnits", ...Object.values(METRICS)]) expect(text).toContain(metric);
});
