/** Tables of the adapter's shape, on the emulator or on the engine that ROOKERY_TEST_DYNAMODB names. */
import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { CREDENTIALS, REGION } from "../../localstack/emulator.ts";
import { dynamoClientOptions } from "../../src/adapters/dynamodb/client-options.ts";
import { TABLE } from "../../src/adapters/dynamodb/table.ts";
import { uniqueName } from "../contract/fixture.ts";
import { endpoint } from "./clients.ts";
import { tableInput } from "./table-shape.ts";

/** Of DynamoDB; null where the suites cannot run. */
export const dynamoEndpoint = process.env["ROOKERY_TEST_DYNAMODB"] ?? endpoint;

/** It waits longer than a real one: on a busy machine a late answer is not to be taken for a lost one. */
const patience = { ...dynamoClientOptions, requestHandler: { ...dynamoClientOptions.requestHandler, requestTimeout: 60_000 } };

export function tableClient(options: DynamoDBClientConfig = {}): DynamoDBClient {
  const place = { region: REGION, credentials: CREDENTIALS, ...(dynamoEndpoint === null ? {} : { endpoint: dynamoEndpoint }) };
  return new DynamoDBClient({ ...place, ...patience, ...options });
}

export interface TestTable {
  readonly name: string;
  remove(): Promise<void>;
}

export async function createTable(client: DynamoDBClient): Promise<TestTable> {
  const TableName = `rookery-${uniqueName()}`;
  await client.send(new CreateTableCommand(tableInput(TableName)));
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });
  const ttl = { AttributeName: TABLE.expires, Enabled: true };
  await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: ttl }));
  return { name: TableName, remove: async () => void (await client.send(new DeleteTableCommand({ TableName }))) };
}
