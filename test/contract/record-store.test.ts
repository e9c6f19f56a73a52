import { createEmbeddedRecordStore } from "../../src/adapters/embedded/record-store.ts";
import { createMemoryRecordStore } from "../../src/adapters/memory/record-store.ts";
import { createHome } from "./embedded.ts";
import { describeRecordStoreContract } from "./record-store.ts";

describeRecordStoreContract({ name: "in memory", create: () => ({ port: createMemoryRecordStore() }) });
describeRecordStoreContract({
  name: "embedded",
  create: () => {
    const home = createHome();
    return { port: createEmbeddedRecordStore({ database: home.open() }), close: home.close };
  },
});
