import type { DeadLetters } from "../../ports/dead-letters.ts";
import { createBatches, type SqsDeps } from "./batches.ts";
import { receiveLetters } from "./letters.ts";
import { handleOf } from "./requests.ts";

/** As the port says. */
const VISIBILITY_S = 30;

export function createSqsDeadLetters(deps: SqsDeps): DeadLetters {
  const { client, deployment } = deps;
  const batches = createBatches(deps);
  return {
    async receive(max) {
      const { deadLetters } = await deployment();
      return receiveLetters(client, deadLetters, { max, waitS: 0, visibilityS: VISIBILITY_S });
    },
    async remove(letter) {
      const { queueUrl, handle } = handleOf(letter);
      await batches.remove(queueUrl, handle);
    },
  };
}
