/** Writes a record, a message and a large blob to a home, and prints what became of each. */
import { join } from "node:path";
import { createEmbeddedBlobStore } from "../../../src/adapters/embedded/blob-store.ts";
import { openDatabase } from "../../../src/adapters/embedded/database.ts";
import { createEmbeddedRecordStore } from "../../../src/adapters/embedded/record-store.ts";
import { createSystemClock } from "../../../src/adapters/node/clock.ts";
import { createSystemRandom } from "../../../src/adapters/node/random.ts";
import { describe, messageOf } from "../../../src/domain/errors.ts";

const [, , home = "", user] = process.argv;
/** Root may write anywhere, so somebody else has to try. */
if (user !== undefined && process.getuid?.() === 0) process.setuid?.(Number(user));
const report = async (what: string, act: () => Promise<unknown>): Promise<void> => {
  const said = await act().then(
    () => "ok",
    (thrown: unknown) => `${describe(thrown)} ${messageOf(thrown)}`,
  );
  process.stdout.write(`${what}: ${said}\n`);
};
const draft = { partition: "p", sort: "s", body: {}, data: null, writeId: "w", due: null, listed: null };
const large = new Uint8Array(1_048_576);

await report("record", async () => {
  const database = openDatabase({ path: join(home, "rookery.sqlite") });
  await createEmbeddedRecordStore({ database }).write({ ...draft, data: large }, "absent");
});
await report("blob", async () => {
  const store = createEmbeddedBlobStore({ home, clock: createSystemClock(), random: createSystemRandom() });
  await store.put("test/item", large);
});
