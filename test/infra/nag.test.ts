/** The AwsSolutions pack of cdk-nag finds nothing that was not answered for; and it does look. */
import { RemovalPolicy } from "aws-cdk-lib";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { AwsSolutionsChecks } from "cdk-nag";
import { expect, test } from "vitest";
import { createApp, createStack, OTHERWISE } from "./synth.ts";

function findings(change: (stack: ReturnType<typeof createStack>) => void, props = {}): string[] {
  const app = createApp();
  const stack = createStack(props, app);
  change(stack);
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  return violations.map(({ ruleName }) => ruleName).sort();
}

test.each([
  ["nothing is chosen", {}],
  ["everything is chosen otherwise", OTHERWISE],
  ["the bucket is emptied by hand", { removalPolicy: RemovalPolicy.DESTROY, autoDeleteObjects: false }],
])("nothing is found when %s", (_, props) => {
  expect(findings(() => {}, props)).toEqual([]);
});

test("what was not answered for is found, beside what was", () => {
  const found = findings(({ rookery }) => {
    new Queue(rookery, "Another");
    new Bucket(rookery, "Open");
  });
  expect(found).toEqual(
    expect.arrayContaining(["AwsSolutions-SQS3", "AwsSolutions-SQS4", "AwsSolutions-S1", "AwsSolutions-S10"]),
  );
});

test("another wildcard of the same role is found", () => {
  const found = findings(({ rookery }) => rookery.table.grantReadData(rookery.workerFunction));
  expect(found).toEqual([expect.stringMatching(/^AwsSolutions-IAM5\[Resource::.*index\/\*\]$/)]);
});
