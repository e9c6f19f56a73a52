/** The real construct with leases so short that a test can wait for them to lapse. */
import { join } from "node:path";
import { App, CfnOutput, Duration, RemovalPolicy, Stack } from "aws-cdk-lib/core";
import { Rookery } from "../../../src/cdk.ts";

const app = new App();
const stack = new Stack(app, process.env["ROOKERY_STACK"] ?? "Rookery");
const { workerFunction } = new Rookery(stack, "Rookery", {
  workerEntry: join(import.meta.dirname, "tough-worker.ts"),
  workerTimeout: Duration.seconds(20),
  workerConcurrency: 4,
  removalPolicy: RemovalPolicy.DESTROY,
  autoDeleteObjects: false,
  settings: { heartbeatMs: 600, leaseDurationMs: 2_500, visibilityMs: 3_000, abandonMs: 500 },
});
new CfnOutput(stack, "Worker", { value: workerFunction.functionName });
