/** A deployment of Rookery and nothing else. */
import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import { Rookery, type RookeryProps } from "../src/cdk.ts";

export class RookeryStack extends Stack {
  readonly rookery: Rookery;

  constructor(scope: Construct, id: string, props: RookeryProps & StackProps) {
    super(scope, id, props);
    this.rookery = new Rookery(this, "Rookery", props);
    const { httpUrl, callbacksUrl, parameter } = this.rookery;
    new CfnOutput(this, "Deployment", { value: parameter.parameterName, description: "Parameter that callers read" });
    if (httpUrl !== undefined) new CfnOutput(this, "HttpUrl", { value: httpUrl, description: "For signed requests" });
    if (callbacksUrl !== undefined) new CfnOutput(this, "CallbacksUrl", { value: callbacksUrl, description: "For anybody" });
  }
}
