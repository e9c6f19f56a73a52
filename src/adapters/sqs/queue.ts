/**
 * The work queue on SQS: one standard queue per lane that has its own, and a dead-letter queue.
 *
 * What SQS cannot promise: on a standard queue an old receipt may still hide or remove a message that was delivered again
 * since, and a message may come twice or late. Messages are hints (DESIGN §4): one too few is made good by the item's
 * alarm, one too many finds nothing to do.
 */
import type { WorkQueue } from "../../ports/work-queue.ts";
import { queueOf } from "../../wire/deployment.ts";
import type { OperatorReads } from "../shared/operator-reads.ts";
import { checkDelay } from "../shared/queue-order.ts";
import { createBatches, type SqsDeps } from "./batches.ts";
import { sendLetter } from "./letters.ts";
import { createOperatorReads } from "./operator-reads.ts";
import { createReceive } from "./receive.ts";
import { handleOf, secondsOf } from "./requests.ts";
import { groupOf } from "./text.ts";

export function createSqsQueue(deps: SqsDeps): WorkQueue & OperatorReads {
  const { client, deployment } = deps;
  const batches = createBatches(deps);
  const remove: WorkQueue["remove"] = async (message) => {
    const { queueUrl, handle } = handleOf(message);
    await batches.remove(queueUrl, handle);
  };
  return {
    async send(body, { delayMs, lane, tenant }) {
      checkDelay(delayMs);
      const place = await deployment();
      const group = place.fair ? groupOf(tenant) : null;
      await batches.send(queueOf(place, lane), { body, delayS: secondsOf(delayMs), group });
    },
    receive: createReceive(deps),
    async hide(message, delayMs) {
      checkDelay(delayMs);
      const { queueUrl, handle } = handleOf(message);
      await batches.hide(queueUrl, { handle, seconds: secondsOf(delayMs) });
    },
    remove,
    /** Sent first: a crash in between buries it twice. */
    async bury(message, reason) {
      const { deadLetters } = await deployment();
      await sendLetter(client, deadLetters, message, reason);
      await remove(message);
    },
    ...createOperatorReads({ client, deployment, batches }),
  };
}
