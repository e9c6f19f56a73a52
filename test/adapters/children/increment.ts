/** Opens the file given and adds one to its counter so many times, against whoever else does. */
import { openDatabase } from "../../../src/adapters/embedded/database.ts";
import { createEmbeddedRecordStore } from "../../../src/adapters/embedded/record-store.ts";

const [, , path = "", rounds = "0"] = process.argv;
const database = openDatabase({ path });
const store = createEmbeddedRecordStore({ database });
const key = { partition: "test", sort: "COUNTER", data: null, due: null, listed: null };

for (let done = 0; done < Number(rounds); ) {
  const [current] = await store.read(key.partition);
  const count = Number(current?.body["count"] ?? 0);
  const draft = { ...key, body: { count: count + 1 }, writeId: `${process.pid}-${done}` };
  if ((await store.write(draft, current?.revision ?? "absent")).ok) done++;
}
database.close();
