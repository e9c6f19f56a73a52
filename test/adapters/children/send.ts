/** Sends a message when its standard input says so. */
import { once } from "node:events";
import { openDatabase } from "../../../src/adapters/embedded/database.ts";
import { createEmbeddedQueue } from "../../../src/adapters/embedded/queue.ts";
import { createSystemClock } from "../../../src/adapters/node/clock.ts";
import { createProcessTable } from "../../../src/adapters/node/process-table.ts";
import { createSystemRandom } from "../../../src/adapters/node/random.ts";

const [, , path = ""] = process.argv;
const database = openDatabase({ path });
const queue = createEmbeddedQueue({
  database,
  namespace: "test",
  clock: createSystemClock(),
  random: createSystemRandom(),
  processes: createProcessTable(),
});
process.stdout.write("ready\n");
await once(process.stdin, "data");
await queue.send("from another process", { delayMs: 0, lane: "normal", tenant: "" });
database.close();
process.stdin.destroy();
