/** Every choice changes what it says, and a choice that makes no sense is refused at synthesis. */
import { Duration, NestedStack, RemovalPolicy, Stack } from "aws-cdk-lib";
import { Match } from "aws-cdk-lib/assertions";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import { Topic } from "aws-cdk-lib/aws-sns";
import { describe, expect, test } from "vitest";
import { Rookery, type RookeryProps } from "../../src/cdk.ts";
import { InvalidArgumentError } from "../../src/domain/errors.ts";
import { createApp, createStack, named, OTHERWISE, resourcesOf, Template, WORKER } from "./synth.ts";

const app = createApp();
const topics = new Stack(app, "topics");
const stack = createStack(
  {
    ...OTHERWISE,
    workerTimeout: Duration.minutes(15),
    logRetention: RetentionDays.ONE_WEEK,
    sweepEvery: Duration.minutes(2),
    warmThroughput: { readUnitsPerSecond: 20_000, writeUnitsPerSecond: 8_000 },
    alarmTopic: new Topic(topics, "Topic"),
  },
  app,
  "other",
);
const quiet = createStack({ http: false, removalPolicy: RemovalPolicy.DESTROY, autoDeleteObjects: false }, app, "quiet");
const template = Template.fromStack(stack);
const all = resourcesOf(template);
const of = (type: string) => Object.values(resourcesOf(template, type)).map(({ Properties }) => Properties);

describe("by choice", () => {
  test("the worker gets memory, time and an environment of its own", () => {
    expect(all["Worker"]?.Properties).toMatchObject({
      MemorySize: 512,
      Timeout: 900,
      Environment: {
        Variables: {
          MODEL: "small",
          NODE_OPTIONS: "--max-old-space-size=400",
          POWERTOOLS_SERVICE_NAME: "other",
          ROOKERY_SETTINGS: '{"retentionMs":86400000}',
        },
      },
    });
    expect(all["Worker"]?.Properties["Environment"]).toHaveProperty(["Variables", "ROOKERY_DEPLOYMENT"]);
  });
  test("all functions get the settings, only the worker its environment", () => {
    for (const id of ["Sweeper", "Http", "Callbacks"]) {
      expect(all[id]?.Properties["Environment"]).toMatchObject({ Variables: { ROOKERY_SETTINGS: '{"retentionMs":86400000}' } });
      expect(all[id]?.Properties["Environment"]).not.toHaveProperty(["Variables", "MODEL"]);
    }
  });
  test("there are three lanes, each with its queue, its feed and its alarm", () => {
    const queues = ["Queue", "HighQueue", "LowQueue"];
    const feeds = of("AWS::Lambda::EventSourceMapping");
    expect(feeds.map(({ EventSourceArn }) => named(EventSourceArn)).sort()).toEqual([...queues].sort());
    for (const feed of feeds) expect(feed).toMatchObject({ BatchSize: 1, ScalingConfig: { MaximumConcurrency: 50 } });
    for (const queue of queues)
      expect(all[queue]?.Properties).toMatchObject({ VisibilityTimeout: 930, RedrivePolicy: { maxReceiveCount: 100 } });
    for (const alarm of ["OldestMessageAlarm", "OldestMessageOfHighAlarm", "OldestMessageOfLowAlarm"])
      expect(Object.keys(all)).toContain(alarm);
  });
  test("callers learn of lanes, fairness and the namespace", () => {
    expect(JSON.parse(named(all["Parameter"]?.Properties["Value"]))).toMatchObject({
      queues: { normal: "Queue", high: "HighQueue", low: "LowQueue" },
      fair: true,
      namespace: "shop",
    });
    expect(all["Parameter"]?.Properties["Name"]).toBe("/rookery/other/deployment");
  });
  test("everything goes with the stack, the objects of the bucket too", () => {
    for (const id of ["Table", "Bucket", "WorkerLogs"]) expect(all[id]?.DeletionPolicy).toBe("Delete");
    expect(all["Table"]?.Properties["DeletionProtectionEnabled"]).toBe(false);
    template.resourceCountIs("Custom::S3AutoDeleteObjects", 1);
  });
  test("the objects stay with a bucket that is to be emptied by hand", () => {
    const without = Template.fromStack(quiet);
    without.resourceCountIs("Custom::S3AutoDeleteObjects", 0);
    without.hasResource("AWS::S3::Bucket", { DeletionPolicy: "Delete" });
  });
  test("table and indexes are warm", () => {
    const warm = { ReadUnitsPerSecond: 20_000, WriteUnitsPerSecond: 8_000 };
    template.hasResourceProperties("AWS::DynamoDB::Table", {
      WarmThroughput: warm,
      GlobalSecondaryIndexes: [Match.objectLike({ WarmThroughput: warm }), Match.objectLike({ WarmThroughput: warm })],
    });
  });
  test("a topic hears of every alarm, and of its end", () => {
    const alarms = of("AWS::CloudWatch::Alarm");
    expect(alarms.length).toBeGreaterThan(15);
    for (const alarm of alarms) {
      expect(alarm["AlarmActions"]).toHaveLength(1);
      expect(alarm["OKActions"]).toEqual(alarm["AlarmActions"]);
    }
  });
  test("anybody may call the door for callbacks, and only that one", () => {
    const byFunction = of("AWS::Lambda::Url").map((url) => [named(url["TargetFunctionArn"]), url["AuthType"], url["InvokeMode"]]);
    expect(byFunction).toEqual([
      ["Http", "AWS_IAM", "RESPONSE_STREAM"],
      ["Callbacks", "NONE", "BUFFERED"],
    ]);
    const open = of("AWS::Lambda::Permission").filter(({ Principal }) => Principal === "*");
    expect(
      open.map((one) => [named(one["FunctionName"]), one["Action"], one["FunctionUrlAuthType"], one["InvokedViaFunctionUrl"]]),
    ).toEqual([
      ["Callbacks", "lambda:InvokeFunctionUrl", "NONE", undefined],
      ["Callbacks", "lambda:InvokeFunction", undefined, true],
    ]);
    expect(all["Callbacks"]?.Properties["Timeout"]).toBe(30);
    expect(Object.keys(all)).toEqual(expect.arrayContaining(["CallbacksErrorsAlarm", "CallbacksThrottlesAlarm"]));
  });
  test("there is no door at all", () => {
    const without = Template.fromStack(quiet);
    without.resourceCountIs("AWS::Lambda::Url", 0);
    without.resourceCountIs("AWS::Lambda::Function", 2);
    expect([quiet.rookery.httpFunction, quiet.rookery.httpUrl, quiet.rookery.callbacksUrl]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
  test("sweeps are rarer, on concurrency of their own, and their silence is waited for accordingly", () => {
    template.hasResourceProperties("AWS::Events::Rule", { ScheduleExpression: "rate(2 minutes)" });
    expect(all["Sweeper"]?.Properties["ReservedConcurrentExecutions"]).toBe(40);
    expect(all["SweeperSilentAlarm"]?.Properties["Period"]).toBe(600);
  });
  test("logs end sooner", () => {
    for (const log of of("AWS::Logs::LogGroup")) expect(log["RetentionInDays"]).toBe(7);
  });
  test("a worker that takes longer is near its timeout later", () => {
    expect(all["WorkerNearTimeoutAlarm"]?.Properties["Threshold"]).toBe(810_000);
  });
});

test("what is undefined is not chosen", () => {
  const undefinedHttp: Partial<RookeryProps> = JSON.parse("{}");
  Object.assign(undefinedHttp, { http: undefined, lanes: undefined, settings: undefined });
  expect(createStack(undefinedHttp).rookery.httpUrl).toBeDefined();
});

describe("it is refused", () => {
  const cases: readonly [what: string, props: Partial<RookeryProps>, message: RegExp][] = [
    ["a concurrency of 1", { workerConcurrency: 1 }, /workerConcurrency: expected a whole number from 2 to 1000, got 1/],
    ["a batch of 11", { batchSize: 11 }, /batchSize: expected a whole number from 1 to 10, got 11/],
    ["a worker of 16 minutes", { workerTimeout: Duration.minutes(16) }, /workerTimeout in seconds: expected .* 900, got 960/],
    ["memory below Lambda's", { workerMemoryMb: 64 }, /workerMemoryMb: expected a whole number from 128/],
    ["a namespace in capitals", { namespace: "Shop" }, /namespace: expected/],
    [
      "a setting that cannot be",
      { settings: { leaseDurationMs: 1 } },
      /settings.leaseDurationMs: expected more than three heartbeats/,
    ],
    [
      "a variable of ours",
      { environment: { ROOKERY_SETTINGS: "{}" } },
      /environment: expected a variable other than ROOKERY_SETTINGS/,
    ],
    ["emptying a bucket that stays", { autoDeleteObjects: true }, /autoDeleteObjects: expected RemovalPolicy.DESTROY/],
    ["sweeps every 2 hours", { sweepEvery: Duration.hours(2) }, /sweepEvery in minutes: expected .* 60, got 120/],
  ];
  test.each(cases)("%s", (_, props, message) => {
    expect(() => createStack(props)).toThrow(InvalidArgumentError);
    expect(() => createStack(props)).toThrow(message);
  });
  test("a second one in the same stack, which callers could not find", () => {
    expect(() => new Rookery(createStack(), "Second", { workerEntry: WORKER })).toThrow(/the only one of its stack/);
  });
  test("a nested stack, which has no name yet", () => {
    const nested = new NestedStack(createStack(), "Nested");
    expect(() => new Rookery(nested, "Rookery", { workerEntry: WORKER })).toThrow(/a stack with a name of its own/);
  });
});

describe("the construct measures", () => {
  const { rookery } = stack;
  test.each([
    ["ClaimConflicts", rookery.metricClaimConflicts()],
    ["HopsWithoutProgress", rookery.metricHopsWithoutProgress()],
    ["HintCopies", rookery.metricHintCopies()],
    ["DeadLettered", rookery.metricDeadLettered()],
    ["BuriedMessages", rookery.metricBuried()],
    ["AlarmsFailed", rookery.metricAlarmsFailed()],
  ])("%s, summed up by stack", (name, metric) => {
    expect(metric).toMatchObject({ namespace: "Rookery", metricName: name, statistic: "Sum", dimensions: { service: "other" } });
  });
  test("how old the oldest message of a lane is, and how many nobody could read", () => {
    const queueOf = (dimensions?: Record<string, unknown>) => named(stack.resolve(dimensions?.["QueueName"]));
    const [normal, high, dead] = [
      rookery.metricOldestMessageAge(),
      rookery.metricOldestMessageAge({ lane: "high", period: Duration.minutes(1) }),
      rookery.metricDeadLetters(),
    ];
    expect([normal, high, dead].map(({ dimensions }) => queueOf(dimensions))).toEqual(["Queue", "HighQueue", "DeadLetterQueue"]);
    expect(high.period.toSeconds()).toBe(60);
  });
  test("the one queue for every lane, where there is but one", () => {
    const metric = quiet.rookery.metricOldestMessageAge({ lane: "low" });
    expect(named(quiet.resolve(metric.dimensions?.["QueueName"]))).toBe("Queue");
  });
});
