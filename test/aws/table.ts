/** Tables of the adapter's shape, on the emulator or on the engine that ROOKERY_TEST_DYNAMODB names. */
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  ResourceInUseException,
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

export function tableClient(options: DynamoDBClientConfig = {}): DynamoDBClient {
  const place = { region: REGION, credentials: CREDENTIALS, ...(dynamoEndpoint === null ? {} : { endpoint: dynamoEndpoint }) };
  return new DynamoDBClient({ ...place, ...dynamoClientOptions, ...options });
}

/** An engine that has just started takes longer than the client waits, and the repeat finds the table there. */
async function created(client: DynamoDBClient, input: CreateTableCommandInput): Promise<void> {
  await client.send(new CreateTableCommand(input)).catch((error: unknown) => {
    if (!(error instanceof ResourceInUseException)) throw error;
  });
}

export interface TestTable {
  readonly name: string;
  remove(): Promise<void>;
}

export async function createTable(client: DynamoDBClient): Promise<TestTable> {
  const TableName = `rookery-${uniqueName()}`;
  await created(client, tableInput(TableName));
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });
  const ttl = { AttributeName: TABLE.expires, Enabled: true };
  await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: ttl }));
  return { name: TableName, remove: async () => void (await client.send(new DeleteTableCommand({ TableName }))) };
}
