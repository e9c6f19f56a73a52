/**
 * The history of records on DynamoDB, behind a door that loses answers. That `put` has put a record is always the truth;
 * that it has missed says what stands now, and leaves open whether this very write stood before it.
 */

import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDynamoRecordStore } from "../../src/adapters/dynamodb/record-store.ts";
import { createSeededRandom } from "../../src/adapters/memory/random.ts";
import { createSystemClock } from "../../src/adapters/node/clock.ts";
import type { RecordStore } from "../../src/ports/record-store.ts";
import type { Deps } from "../../src/runtime/deps.ts";
import { put } from "../../src/runtime/records.ts";
import { DEFAULT_SETTINGS } from "../../src/runtime/settings.ts";
import { createEnvironment } from "../../src/testing/environment.ts";
import { uniqueName } from "../contract/fixture.ts";
import { askedAgain, createRecorder, runClient } from "../history/history.ts";
import { findFlaw } from "../history/linearizable.ts";
import { type FaultyDoor, openFaultyDoor } from "./faulty-door.ts";
import { createTable, dynamoEndpoint, type TestTable, tableClient } from "./table.ts";

const CLIENTS = ["p", "q", "r"];
const OPERATIONS = process.env["ROOKERY_SOAK"] === "1" ? 150 : 25;

describe.skipIf(dynamoEndpoint === null)("records on DynamoDB", () => {
  let straight: DynamoDBClient;
  let table: TestTable;
  let door: FaultyDoor;
  beforeAll(async () => {
    straight = tableClient();
    table = await createTable(straight);
    door = await openFaultyDoor(dynamoEndpoint ?? "");
  });
  afterAll(async () => {
    await door.close();
    await table.remove();
    straight.destroy();
  });

  /** `attempts`: of the SDK, for each request. `patienceMs`: of the runtime. */
  async function flawUnder(attempts: number, patienceMs: number, lostRate: number, removes: boolean): Promise<unknown> {
    const client = tableClient({ endpoint: door.endpoint, maxAttempts: attempts });
    const store = createDynamoRecordStore({ client, table: async () => table.name });
    const recorder = createRecorder();
    const { fraction: random } = createSeededRandom(attempts + patienceMs);
    const losing: RecordStore = {
      ...store,
      write: (record, expected) => {
        if (random() < lostRate) door.faults.push({ kind: "lose" });
        return store.write(record, expected);
      },
    };
    const { depsOf } = createEnvironment({ settings: { ...DEFAULT_SETTINGS, patienceMs } });
    const partition = uniqueName();
    const run = (name: string): Promise<void> => {
      let writeId = "";
      // The runtime's own write ids begin with its token; here they are named for the operation.
      const deps: Deps = { ...depsOf(name), clock: createSystemClock(), store: losing, nonce: () => writeId };
      return runClient({
        name,
        store,
        recorder,
        partition,
        keys: ["a", "b"],
        operations: OPERATIONS,
        random,
        removes,
        put: (draft, expected, id) => {
          writeId = id;
          return put(deps, draft, expected);
        },
      });
    };
    await Promise.all(CLIENTS.map(run));
    door.faults = [];
    client.destroy();
    const history = recorder.operations().map((operation) => {
      const { ask } = operation;
      return ask.kind === "write" ? { ...operation, ask: { ...ask, writeId: `0.${ask.writeId}` } } : operation;
    });
    expect(history.length).toBeGreaterThanOrEqual(CLIENTS.length * OPERATIONS);
    return findFlaw(lostRate === 0 ? history : askedAgain(history));
  }

  test("are linearizable while nothing is lost", async () => {
    expect(await flawUnder(1, 0, 0, true)).toBeNull();
  });
  test("are linearizable with answers that are lost for good", async () => {
    expect(await flawUnder(1, 0, 0.3, true)).toBeNull();
  });
  test("are linearizable where the SDK asks again for an answer that was lost", async () => {
    expect(await flawUnder(3, 0, 0.3, false)).toBeNull();
  });
  test("are linearizable where the runtime asks again for an answer that was lost", async () => {
    expect(await flawUnder(1, 3_000, 0.3, false)).toBeNull();
  });
});
