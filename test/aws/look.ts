/** Looks at what is deployed on the emulator, and talks to it. */
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from "@aws-sdk/client-lambda";
import { z } from "zod";
import { REGION } from "../../localstack/emulator.ts";
import { lambdaClient } from "./clients.ts";
import { endpointNow } from "./deployed.ts";

/** What `check` returns once it does not throw. @throws what it threw last */
export async function eventually<T>(check: () => T | Promise<T>, withinMs = 60_000, everyMs = 100): Promise<T> {
  for (const untilMs = Date.now() + withinMs; ; await new Promise((resolve) => setTimeout(resolve, everyMs))) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > untilMs) throw error;
    }
  }
}

const lambda = lambdaClient();

/** The function's answer. @throws Error with what it failed with, and what it printed */
export async function invoke(functionName: string, payload: unknown): Promise<unknown> {
  const { FunctionError, Payload, LogResult } = await lambda.send(
    new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(payload), LogType: "Tail" }),
  );
  const text = Payload?.transformToString() ?? "null";
  if (FunctionError === undefined) return JSON.parse(text);
  throw new Error(`${functionName} failed: ${text}\n${Buffer.from(LogResult ?? "", "base64")}`);
}

const Queues = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.array(z.unknown()))));
const Message = z.object({ Body: z.string(), IsVisible: z.boolean(), ReceiveCount: z.int() });

export interface QueuedMessage {
  readonly body: string;
  /** Not so while it is delayed, or in somebody's hands. */
  readonly visible: boolean;
  readonly receives: number;
}

/** All messages of a queue, without receiving them. */
export async function messagesIn(queueUrl: string): Promise<QueuedMessage[]> {
  const answer = await fetch(`${endpointNow()}/_ministack/sqs/messages?${new URLSearchParams({ QueueUrl: queueUrl })}`);
  const { messages } = z.object({ messages: Queues }).parse(await answer.json());
  return Object.values(messages)
    .flatMap((regions) => Object.values(regions).flatMap((queues) => Object.values(queues).flat()))
    .map((message) => Message.parse(message))
    .map(({ Body, IsVisible, ReceiveCount }) => ({ body: Body, visible: IsVisible, receives: ReceiveCount }));
}

/** Lets messages gather while `send` runs: the function gets them in batches as full as may be. */
export async function gathered<T>(functionName: string, send: () => Promise<T>): Promise<T> {
  const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({ FunctionName: functionName }));
  const set = (Enabled: boolean) =>
    Promise.all(EventSourceMappings.map(({ UUID }) => lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }))));
  await set(false);
  try {
    return await send();
  } finally {
    await set(true);
  }
}

const LOG_AUTHORIZATION = `AWS4-HMAC-SHA256 Credential=test/20260101/${REGION}/logs/aws4_request, SignedHeaders=host, Signature=none`;
const LogPage = z.object({ events: z.array(z.object({ message: z.string() })), nextToken: z.string().optional() });

/** The lines of all invocations that have ended, those killed included; START, END and REPORT among them. */
export async function logsOf(functionName: string): Promise<string[]> {
  const { LoggingConfig } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: functionName }));
  const logGroupName = LoggingConfig?.LogGroup ?? `/aws/lambda/${functionName}`;
  const lines: string[] = [];
  for (let nextToken: string | undefined; ; ) {
    const answer = await fetch(endpointNow(), {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "Logs_20140328.FilterLogEvents",
        authorization: LOG_AUTHORIZATION,
      },
      body: JSON.stringify({ logGroupName, nextToken }),
    });
    const text = await answer.text();
    // A function that was never invoked has no group.
    if (text.includes("ResourceNotFoundException")) return [];
    const page = LogPage.parse(JSON.parse(text));
    lines.push(...page.events.map(({ message }) => message));
    if (page.nextToken === undefined) return lines;
    nextToken = page.nextToken;
  }
}
