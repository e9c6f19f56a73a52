import { createEmbeddedQueue } from "../../src/adapters/embedded/queue.ts";
import { createMemoryBroker, createMemoryQueue } from "../../src/adapters/memory/queue.ts";
import { createSystemRandom } from "../../src/adapters/node/random.ts";
import { createHome } from "./embedded.ts";
import { describeWorkQueueContract } from "./work-queue.ts";

describeWorkQueueContract({
  name: "in memory",
  create: (clock) => {
    const broker = createMemoryBroker();
    return { queueOf: (processes) => createMemoryQueue({ broker, clock, processes }) };
  },
});
describeWorkQueueContract({
  name: "embedded",
  create: (clock) => {
    const home = createHome();
    const database = home.open({ synchronous: "off" });
    const random = createSystemRandom();
    return {
      queueOf: (processes) => createEmbeddedQueue({ database, namespace: "test", clock, random, processes }),
      close: home.close,
    };
  },
});
