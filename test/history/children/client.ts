/** Two clients of a file that others use too, in one process: what they write at once is one group. Each notes an operation as it begins and as it ends, by the machine's clock. */
import { openSync, writeSync } from "node:fs";
import { openDatabase } from "../../../src/adapters/embedded/database.ts";
import { createEmbeddedRecordStore } from "../../../src/adapters/embedded/record-store.ts";
import { createSeededRandom } from "../../../src/adapters/memory/random.ts";
import { type Recorder, runClient } from "../history.ts";

const [, , path = "", name = "", notesPath = "", operations = "0"] = process.argv;
const notes = openSync(notesPath, "a");
const note = (what: object): void => void writeSync(notes, `${JSON.stringify(what)}\n`);
const now = (): number => Number(process.hrtime.bigint());
let count = 0;
const recorder: Recorder = {
  now,
  begin: (begun) => {
    const id = ++count;
    note({ id, ...begun });
    return (end) => note({ id, ...end });
  },
};
const store = createEmbeddedRecordStore({ database: openDatabase({ path }) });
const { fraction: random } = createSeededRandom([...name].reduce((sum, letter) => 31 * sum + letter.charCodeAt(0), 7));
const run = (n: number): Promise<void> =>
  runClient({
    name: `${name}.${n}`,
    store,
    recorder,
    partition: "history",
    keys: ["a", "b"],
    operations: Number(operations) / 2,
    random,
    put: (draft, expected, writeId) => store.write({ ...draft, writeId }, expected),
  });
await Promise.all([run(1), run(2)]);
