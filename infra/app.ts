/**
 * The app that `cdk deploy` runs; by itself: `CDK_OUTDIR=<folder> node infra/app.ts`.
 *
 * Context: `stack` (its name; else ROOKERY_STACK, else "rookery"), `removal=destroy` (deleting the stack deletes its
 * data), `emulator=true` (leaves out what emulators of AWS do not know).
 */
import { join } from "node:path";
import { App, RemovalPolicy, Validations } from "aws-cdk-lib/core";
import { AwsSolutionsChecks } from "cdk-nag";
import { RookeryStack } from "./stack.ts";

/** Templates are held against CloudFormation's own schemas, too. */
const STRICT = { "@aws-cdk/core:validateAgainstDefaultRules": true };
const app = new App({ analyticsReporting: false, context: STRICT });
const context = (name: string): string => String(app.node.tryGetContext(name) ?? "");

const destroy = context("removal") === "destroy";
new RookeryStack(app, context("stack") || process.env["ROOKERY_STACK"] || "rookery", {
  description: "Rookery: durable agent workers",
  workerEntry: join(import.meta.dirname, "worker.ts"),
  removalPolicy: destroy ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
  autoDeleteObjects: destroy && context("emulator") !== "true",
});
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
