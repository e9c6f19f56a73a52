/** The few requests to CloudFormation that need no client of their own. Unsigned, so for emulators only. */
import { REGION } from "./emulator.ts";

const AUTHORIZATION = `AWS4-HMAC-SHA256 Credential=test/20260101/${REGION}/cloudformation/aws4_request, SignedHeaders=host, Signature=none`;

export interface CloudFormation {
  /** The name that a resource of a stack really has. */
  physicalName(stack: string, logicalId: string): Promise<string>;
  /** Returns when the stack is gone. A stack that is not there is gone. */
  deleteStack(stack: string): Promise<void>;
}

export function createCloudFormation(endpoint: string): CloudFormation {
  async function call(parameters: Readonly<Record<string, string>>): Promise<{ ok: boolean; text: string }> {
    const response = await fetch(endpoint, {
      method: "POST",
      headers: { authorization: AUTHORIZATION },
      body: new URLSearchParams({ ...parameters, Version: "2010-05-15" }),
    });
    return { ok: response.ok, text: await response.text() };
  }

  async function statusOf(stack: string): Promise<string | null> {
    const { ok, text } = await call({ Action: "DescribeStacks", StackName: stack });
    if (!ok && text.includes("does not exist")) return null;
    const status = ok ? elementOf(text, "StackStatus") : null;
    if (status === null) throw new Error(`expected the status of stack ${stack}, got ${text}`);
    return status === "DELETE_COMPLETE" ? null : status;
  }

  return {
    async physicalName(stack, logicalId) {
      const { text } = await call({ Action: "DescribeStackResource", StackName: stack, LogicalResourceId: logicalId });
      const name = elementOf(text, "PhysicalResourceId");
      if (name === null) throw new Error(`expected the name of ${logicalId} of stack ${stack}, got ${text}`);
      return name;
    },
    async deleteStack(stack) {
      if ((await statusOf(stack)) === null) return;
      const { ok, text } = await call({ Action: "DeleteStack", StackName: stack });
      if (!ok) throw new Error(`stack ${stack} could not be deleted: ${text}`);
      for (let status = await statusOf(stack); status !== null; status = await statusOf(stack)) {
        if (status === "DELETE_FAILED") throw new Error(`stack ${stack} could not be deleted: it is in ${status}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
  };
}

function elementOf(xml: string, name: string): string | null {
  return new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1] ?? null;
}
