/** The app that the end-to-end suite deploys: the real construct, with bounds that a test can wait for. */
import { join } from "node:path";
import { App, CfnOutput, Duration, RemovalPolicy, Stack } from "aws-cdk-lib/core";
import { Rookery } from "../../../src/cdk.ts";

const app = new App();
const stack = new Stack(app, process.env["ROOKERY_STACK"] ?? "Rookery");
const rookery = new Rookery(stack, "Rookery", {
  workerEntry: join(import.meta.dirname, process.env["WORKER"] ?? "worker.ts"),
  workerTimeout: Duration.seconds(30),
  workerConcurrency: 4,
  removalPolicy: RemovalPolicy.DESTROY,
  autoDeleteObjects: false,
  settings: {
    heartbeatMs: 1_000,
    leaseDurationMs: 8_000,
    visibilityMs: 9_000,
    abandonMs: 500,
    // A sleep of more than 5 s is what one of more than 15 min is otherwise.
    maxDelayMs: 5_000,
  },
});
const { workerFunction, sweeperFunction, httpUrl = "" } = rookery;
const outputs = { Worker: workerFunction.functionName, Sweeper: sweeperFunction.functionName, HttpUrl: httpUrl };
for (const [name, value] of Object.entries(outputs)) new CfnOutput(stack, name, { value });
