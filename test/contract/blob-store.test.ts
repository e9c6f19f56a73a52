import { createEmbeddedBlobStore } from "../../src/adapters/embedded/blob-store.ts";
import { createMemoryBlobStore } from "../../src/adapters/memory/blob-store.ts";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import { createSystemRandom } from "../../src/adapters/node/random.ts";
import { describeBlobStoreContract } from "./blob-store.ts";
import { createHome } from "./embedded.ts";

describeBlobStoreContract({ name: "in memory", create: () => ({ port: createMemoryBlobStore() }) });
describeBlobStoreContract({
  name: "embedded",
  create: () => {
    const home = createHome();
    const port = createEmbeddedBlobStore({ home: home.path, clock: createSystemClock(), random: createSystemRandom() });
    return { port, close: home.close };
  },
});
