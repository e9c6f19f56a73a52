import { createMeter } from "../adapters/metering/meter.ts";
import { messageOfRecord, type SqsEventRecord } from "../adapters/sqs/event-message.ts";
import type { Engine } from "../domain/engine.ts";
import { workBatch } from "../runtime/batch.ts";
import { createEngines } from "../runtime/engines.ts";
import { createFunctionWorld } from "./wiring.ts";

export interface WorkerHandlerOptions {
  readonly engines: readonly Engine[];
}
/** As Lambda calls it for its SQS event source; what is read of the event, and what is answered. */
export type WorkerHandler = (
  event: { readonly Records: readonly SqsEventRecord[] },
  context: { getRemainingTimeInMillis(): number },
) => Promise<{ batchItemFailures: { itemIdentifier: string }[] }>;

/**
 * The worker: works on a batch of hints, and returns those that are to come back. Call it once, where the module is
 * loaded: `export const handler = createWorkerHandler({ engines: [research] });`
 *
 * @throws InvalidArgumentError
 */
export function createWorkerHandler({ engines }: WorkerHandlerOptions): WorkerHandler {
  const loaded = createEngines(engines);
  const meter = createMeter();
  const { deps, deployment, publishMetrics, endSandbox } = createFunctionWorld({ meter });
  return async (event, context) => {
    meter.delivered(event.Records.map(({ body, receiptHandle }) => ({ body, handle: receiptHandle })));
    const messages = event.Records.map((record) => messageOfRecord(record, deployment));
    const endsAtMs = deps.clock.nowMs() + context.getRemainingTimeInMillis();
    const { returned, finished, abandoned } = await workBatch(deps, loaded, messages, { endsAtMs });
    publishMetrics();
    if (abandoned.length > 0) {
      // JavaScript cannot stop a step that does not heed its abort signal, and a sandbox that is thawed for the next
      // batch would run it on: this one ends, and nothing comes back that is not to.
      await Promise.allSettled(finished.map((message) => deps.queue.remove(message)));
      endSandbox();
    }
    return { batchItemFailures: returned.map(({ id }) => ({ itemIdentifier: id })) };
  };
}
