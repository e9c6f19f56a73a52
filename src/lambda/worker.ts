import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { messageOfRecord } from "../adapters/sqs/event-message.ts";
import type { Engine } from "../domain/engine.ts";
import { type BatchEnd, workBatch } from "../runtime/batch.ts";
import { createEngines } from "../runtime/engines.ts";
import { createFunctionWorld } from "./wiring.ts";

export interface WorkerHandlerOptions {
  readonly engines: readonly Engine[];
}
export type WorkerHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/**
 * The worker: works on a batch of hints, and returns those that are to come back. Call it once, where the module is
 * loaded: `export const handler = createWorkerHandler({ engines: [research] });`
 *
 * @throws InvalidArgumentError
 */
export function createWorkerHandler({ engines }: WorkerHandlerOptions): WorkerHandler {
  const world = createFunctionWorld();
  const loaded = createEngines(engines);
  return async (event, context) => {
    const messages = event.Records.map((record) => messageOfRecord(record, world.deployment));
    const worked = workBatch(world.deps, loaded, messages, {
      endsAtMs: world.deps.clock.nowMs() + context.getRemainingTimeInMillis(),
    });
    const end = await worked;
    world.publishMetrics();
    if (end.abandoned.length > 0) await leave(end, (message) => world.deps.queue.remove(message));
    const returned = new Set(end.returned.map(({ id }) => id));
    const processor = new BatchProcessor(EventType.SQS);
    return processPartialResponse(event, async ({ messageId }: SQSRecord) => comesBack(returned.has(messageId)), processor, {
      context,
      throwOnFullBatchFailure: false,
    });
  };
}
class ComesBack extends Error {}
/** What Powertools takes for a message that is to come back. */
function comesBack(is: boolean): void {
  if (is) throw new ComesBack("hidden, to come back");
}

/**
 * A step did not heed its abort signal. JavaScript cannot stop it, and a sandbox that is thawed for the next invocation
 * would run it on: this one ends, once it has deleted what is finished. The invocation counts as failed, and nothing
 * comes back that is not to.
 */
async function leave(end: BatchEnd, remove: (message: BatchEnd["finished"][number]) => Promise<void>): Promise<never> {
  await Promise.allSettled(end.finished.map(remove));
  process.exit(1);
}
