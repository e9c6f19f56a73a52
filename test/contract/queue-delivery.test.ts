import { createEmbeddedQueue } from "../../src/adapters/embedded/queue.ts";
import { createMemoryMachine } from "../../src/adapters/memory/process-table.ts";
import { createMemoryQueue } from "../../src/adapters/memory/queue.ts";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import { createSystemRandom } from "../../src/adapters/node/random.ts";
import { createHome } from "./embedded.ts";
import { describeQueueDeliveryContract } from "./queue-delivery.ts";

const clock = createSystemClock();

describeQueueDeliveryContract({
  name: "in memory",
  create: () => ({ port: createMemoryQueue({ clock, processes: createMemoryMachine().tableOf("p1") }) }),
});
describeQueueDeliveryContract({
  name: "embedded",
  create: () => {
    const home = createHome();
    const database = home.open({ synchronous: "off" });
    const processes = createMemoryMachine().tableOf("p1");
    const port = createEmbeddedQueue({ database, namespace: "test", clock, random: createSystemRandom(), processes });
    return { port, close: home.close };
  },
});
