/** The DynamoDB record store: what every record store does, and what only this one does. */
import { describe } from "vitest";
import { createDynamoRecordStore } from "../../src/adapters/dynamodb/record-store.ts";
import { describeRecordStoreContract } from "../contract/record-store.ts";
import { createTable, dynamoEndpoint, tableClient } from "./table.ts";

/** 400 KB less what names, keys and the longest names of these tests take. */
const MAX_DATA_BYTES = 400 * 1_024 - 1_024;

describe.skipIf(dynamoEndpoint === null)("the contract", () => {
  describeRecordStoreContract({
    name: "on DynamoDB",
    maxDataBytes: MAX_DATA_BYTES,
    writers: 20,
    create: async () => {
      const client = tableClient();
      const table = await createTable(client);
      const close = async () => {
        await table.remove();
        client.destroy();
      };
      return { port: createDynamoRecordStore({ client, table: async () => table.name }), close };
    },
  });
});
