/** Finding what a stack consists of, by the SSM parameter that it has. */
import { GetParameterCommand, ParameterNotFound, SSMClient, type SSMClientConfig } from "@aws-sdk/client-ssm";
import { InvalidArgumentError, StoreUnavailableError, UnknownStackError } from "../../domain/errors.ts";
import { type Deployment, decodeDeployment, deploymentParameter } from "../../wire/deployment.ts";

const STACK = /^[A-Za-z][A-Za-z0-9-]{0,127}$/;

/** @throws UnknownStackError, InvalidArgumentError, StoreUnavailableError */
export async function findDeployment(stack: string, place: SSMClientConfig): Promise<Deployment> {
  if (typeof stack !== "string" || !STACK.test(stack))
    throw new InvalidArgumentError("stack", "the name of a CloudFormation stack", stack);
  const client = new SSMClient(place);
  const name = deploymentParameter(stack);
  try {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: name }));
    return decodeDeployment(Parameter?.Value ?? "", `SSM parameter ${name}`);
  } catch (error) {
    if (error instanceof ParameterNotFound) throw new UnknownStackError(stack, name, await regionOf(client));
    if (error instanceof InvalidArgumentError) throw error;
    throw new StoreUnavailableError(`SSM parameter ${name}`, error);
  } finally {
    client.destroy();
  }
}
async function regionOf(client: SSMClient): Promise<string> {
  return String(await client.config.region());
}
