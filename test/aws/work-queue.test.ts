import { describe } from "vitest";
import { describeQueueDeliveryContract } from "../contract/queue-delivery.ts";
import { sqsEndpoint } from "./clients.ts";
import { createQueues, queueOn } from "./queues.ts";

describe.skipIf(sqsEndpoint === null)("SQS", () => {
  describeQueueDeliveryContract({
    name: "on SQS",
    create: async (lanes) => {
      const queues = await createQueues({ lanes });
      return { port: queueOn(queues), close: queues.close };
    },
  });
});
