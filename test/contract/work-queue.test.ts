import type { Database } from "../../src/adapters/embedded/database.ts";
import { createEmbeddedQueue } from "../../src/adapters/embedded/queue.ts";
import { createMemoryBroker, createMemoryQueue } from "../../src/adapters/memory/queue.ts";
import { createSystemRandom } from "../../src/adapters/node/random.ts";
import { createHome } from "./embedded.ts";
import { describeWorkQueueContract, type QueueSubject } from "./work-queue.ts";

describeWorkQueueContract({
  name: "in memory",
  create: (clock) => {
    const broker = createMemoryBroker();
    return { queueOf: (processes) => createMemoryQueue({ broker, clock, processes }) };
  },
});
const onFile = (name: string, seenBy: (database: Database) => Database): QueueSubject => ({
  name,
  create: (clock) => {
    const home = createHome();
    const database = seenBy(home.open({ synchronous: "off" }));
    const random = createSystemRandom();
    return {
      queueOf: (processes) => createEmbeddedQueue({ database, namespace: "test", clock, random, processes }),
      close: home.close,
    };
  },
});
describeWorkQueueContract(onFile("embedded", (database) => database));
const unwatched = { arm: () => false, close: () => undefined };
describeWorkQueueContract(
  onFile("embedded, where the system reports no changes", (database) => ({ ...database, watch: () => unwatched })),
);
