/** Receives one message and keeps it for ever: to be killed. */
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
const { signal } = new AbortController();
const messages = await queue.receive({ lanes: null, max: 1, waitMs: 0, visibilityMs: 600_000, abortSignal: signal });
process.stdout.write(`received ${messages.length}\n`);
setInterval(() => undefined, 60_000);
