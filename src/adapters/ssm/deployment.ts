/** Finding what a stack consists of, by the SSM parameter that it has. */
import { GetParameterCommand, ParameterNotFound, SSMClient, type SSMClientConfig } from "@aws-sdk/client-ssm";
import {
  AwsAccessError,
  InvalidArgumentError,
  RookeryError,
  StoreUnavailableError,
  UnknownStackError,
} from "../../domain/errors.ts";
import { SECOND_MS } from "../../domain/limits.ts";
import { type Deployment, decodeDeployment, deploymentParameter } from "../../wire/deployment.ts";
import { isWithoutCredentials, plainly, sdkFailureOf, speaking } from "../shared/sdk-failure.ts";

const STACK = /^[A-Za-z][A-Za-z0-9-]{0,127}$/;

/** It is the first that is asked of AWS: whoever cannot reach it is told so within 10 s. */
const OPTIONS = {
  maxAttempts: 3,
  retryMode: "standard",
  requestHandler: { connectionTimeout: 2 * SECOND_MS, requestTimeout: 3 * SECOND_MS, throwOnRequestTimeout: true },
} as const satisfies SSMClientConfig;

/** @throws UnknownStackError, AwsAccessError without region or credentials, InvalidArgumentError, StoreUnavailableError */
export async function findDeployment(stack: string, place: SSMClientConfig): Promise<Deployment> {
  if (typeof stack !== "string" || !STACK.test(stack))
    throw new InvalidArgumentError("stack", "the name of a CloudFormation stack", stack);
  const client = new SSMClient({ ...OPTIONS, ...place });
  const name = deploymentParameter(stack);
  try {
    const region = await regionOf(client, stack);
    const { Parameter } = await client.send(new GetParameterCommand({ Name: name })).catch((error: unknown) => {
      throw failureOf(error, { stack, name, region });
    });
    return decodeDeployment(Parameter?.Value ?? "", `SSM parameter ${name}`);
  } finally {
    client.destroy();
  }
}

async function regionOf(client: SSMClient, stack: string): Promise<string> {
  try {
    return String(await client.config.region());
  } catch (error) {
    throw new AwsAccessError(stack, "no region is set", error);
  }
}

function failureOf(error: unknown, at: { readonly stack: string; readonly name: string; readonly region: string }): RookeryError {
  if (error instanceof RookeryError) return error;
  if (error instanceof ParameterNotFound) return new UnknownStackError(at.stack, at.name, at.region);
  const failure = sdkFailureOf(error);
  if (isWithoutCredentials(failure)) return new AwsAccessError(at.stack, failure.message, error);
  return new StoreUnavailableError(`GetParameter of ${at.name} in region ${at.region}${plainly(failure, {})}`, speaking(error));
}
