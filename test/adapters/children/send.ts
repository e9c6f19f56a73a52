/** Sends a message whenever its standard input says so. */
import { openDatabase } from "../../../src/adapters/embedded/database.ts";
import { createEmbeddedQueue } from "../../../src/adapters/embedded/queue.ts";
import { createSystemClock } from "../../../src/adapters/node/clock.ts";
import { createProcessTable } from "../../../src/adapters/node/process-table.ts";
import { createSystemRandom } from "../../../src/adapters/node/random.ts";

const [, , path = ""] = process.argv;
const queue = createEmbeddedQueue({
  database: openDatabase({ path }),
  namespace: "test",
  clock: createSystemClock(),
  random: createSystemRandom(),
  processes: createProcessTable(),
});
process.stdout.write("ready\n");
for await (const _word of process.stdin) await queue.send("from another process", { delayMs: 0, lane: "normal", tenant: "" });
