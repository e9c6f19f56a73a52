import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import type { Context } from "aws-lambda";
import { z } from "zod";
import { SECOND_MS } from "../domain/limits.ts";
import { drainDeadLetters } from "../runtime/dead-letters.ts";
import { sweepShards } from "../runtime/shard-sweep.ts";
import type { Swept } from "../runtime/sweep.ts";
import { createFunctionWorld } from "./wiring.ts";

/** From the schedule without shards; from the sweeper itself with the one that it is for. */
const eventSchema = z.object({ shards: z.array(z.number().int()).exactOptional() });
/** The dead-letter queue is drained first, and leaves most of the time to the shards. */
const DRAIN_MS = 10 * SECOND_MS;
/** An invocation that is not waited for is taken within a few ms. */
const lambdaClientOptions = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: SECOND_MS, requestTimeout: 3 * SECOND_MS, throwOnRequestTimeout: true },
} as const;

/** The sweeper: looks at what is due, and at what the queue gave up on. It runs no step. */
export function createSweeperHandler(): (event: unknown, context: Context) => Promise<Swept> {
  const world = createFunctionWorld();
  const lambda = new LambdaClient(lambdaClientOptions);
  const { deps } = world;
  const elsewhere = async (shard: number): Promise<void> => {
    const Payload = new TextEncoder().encode(JSON.stringify({ shards: [shard] }));
    await lambda.send(new InvokeCommand({ FunctionName: world.functionName, InvocationType: "Event", Payload }));
  };
  return async (event, context) => {
    const nowMs = deps.clock.nowMs();
    const { shards } = eventSchema.parse(event ?? {});
    const drained = shards === undefined ? await drainDeadLetters(deps, world.deadLetters, nowMs + DRAIN_MS) : null;
    const endsAtMs = nowMs + context.getRemainingTimeInMillis();
    const swept = await sweepShards(deps, { endsAtMs, elsewhere, ...(shards === undefined ? {} : { shards }) });
    deps.logger.info("swept", { ...swept, ...drained });
    world.publishMetrics();
    return swept;
  };
}
